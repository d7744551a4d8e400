package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
)

// Follow shows everything that matches once and in the order of arrival,
// whatever segments come and go, and wakes for what comes.
func TestFollow(t *testing.T) {
	const n = 3000
	j := mustOpen(t, disktest.NewMem().FS(), Options{SegmentBytes: 5000})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for i := range 100 {
		if _, err := j.Append("before", clock.Instant(i+1), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	from := j.End()
	var wg sync.WaitGroup
	for reader := range 3 {
		wg.Go(func() {
			next := 0
			for r, err := range j.Follow(ctx, Query{Prefix: "a/"}, from) {
				if err != nil {
					t.Errorf("reader %d after %d: %v", reader, next, err)
					return
				}
				if want := fmt.Sprint(next); string(r.Body) != want || r.Key != "a/"+fmt.Sprint(next%7) {
					t.Errorf("reader %d: %s %q, want %s", reader, r.Key, r.Body, want)
					return
				}
				if next++; next == n {
					return
				}
			}
		})
	}
	for i := range n {
		if _, err := j.Append("a/"+fmt.Sprint(i%7), clock.Instant(n-i), 1, []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Append("b/", clock.Instant(i), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()

	ended := make(chan error, 2)
	follow := func(ctx context.Context) {
		for _, err := range j.Follow(ctx, Query{}, j.End()) {
			ended <- err
		}
	}
	go follow(ctx)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow ended with %v, want the context's error", err)
	}
	go follow(context.Background())
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("Follow ended with %v, want %v", err, ErrClosed)
	}
}

// Readers beside writers, segments that turn over and old ones that go.
func TestConcurrentReaders(t *testing.T) {
	for name, maxBytes := range map[string]int64{"all is kept": 0, "old segments go": 100_000} {
		t.Run(name, func(t *testing.T) {
			j := mustOpen(t, disktest.NewMem().FS(), Options{SegmentBytes: 20_000, MaxBytes: maxBytes, Gather: time.Microsecond})
			var wg, readers sync.WaitGroup
			done := make(chan struct{})
			for w := range 2 {
				key := fmt.Sprint("w", w)
				wg.Go(func() {
					for i := range 2000 {
						if _, err := j.Append(key, clock.Instant(i+1), 1, []byte(fmt.Sprint(i))); err != nil {
							t.Error(err)
							return
						}
					}
				})
				readers.Go(func() {
					for running := true; running; {
						select {
						case <-done:
							running = false
						default:
						}
						checkConsecutive(t, j, key, maxBytes == 0)
					}
				})
			}
			wg.Wait()
			close(done)
			readers.Wait()
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// checkConsecutive reads a key whose records have times 1, 2, 3… A reader that
// is overtaken by the removal of old segments may miss some.
func checkConsecutive(t *testing.T, j *Journal, key string, strict bool) {
	last := clock.Instant(0)
	for r, err := range j.Read(context.Background(), Query{Prefix: key}) {
		if err != nil {
			t.Error(err)
			return
		}
		if r.At <= last || strict && r.At != last+1 {
			t.Errorf("record %d after %d", r.At, last)
			return
		}
		last = r.At
	}
}
