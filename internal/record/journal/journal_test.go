package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
)

func mustOpen(t testing.TB, fs disk.FS, o Options) *Journal {
	t.Helper()
	o.FS, o.Dir = fs, "telemetry/logs"
	j, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func collect(t testing.TB, j *Journal, q Query, limit int) []Record {
	t.Helper()
	var rs []Record
	for r, err := range j.Read(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
		if len(rs) == limit {
			break
		}
	}
	return rs
}

// diff compares records. It is cmp.Diff, which takes its time over bytes, only
// when they differ.
func diff(want, got []Record) string {
	if slices.EqualFunc(want, got, func(a, b Record) bool {
		return a.Key == b.Key && a.At == b.At && a.Seen == b.Seen && a.Pos == b.Pos && bytes.Equal(a.Body, b.Body)
	}) {
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// model is a journal as a slice.
type model struct{ records []Record }

func (m *model) read(q Query, limit int) []Record {
	var rs []Record
	for _, r := range m.records {
		if q.match(r.Key) && q.wants(r.Cursor()) {
			rs = append(rs, r)
		}
	}
	slices.SortFunc(rs, func(a, b Record) int {
		d := a.Cursor().compare(b.Cursor())
		if q.Reverse {
			return -d
		}
		return d
	})
	if limit > 0 && len(rs) > limit {
		rs = rs[:limit]
	}
	return rs
}

func (m *model) drop(prefix string) {
	m.records = slices.DeleteFunc(m.records, func(r Record) bool { return strings.HasPrefix(r.Key, prefix) })
}

func (m *model) keys(prefix string) []Key {
	sums := map[string]*Key{}
	for _, r := range m.records {
		if !strings.HasPrefix(r.Key, prefix) {
			continue
		}
		k := sums[r.Key]
		if k == nil {
			k = &Key{Key: r.Key, First: r.At}
			sums[r.Key] = k
		}
		k.Count++
		k.Bytes += uint64(len(r.Body))
		k.First, k.Last, k.Seen = min(k.First, r.At), max(k.Last, r.At), max(k.Seen, r.Seen)
	}
	keys := []Key{}
	for _, k := range sums {
		keys = append(keys, *k)
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.Key, b.Key) })
	return keys
}

// The journal against the model, with small segments, restarts and drops, and
// times that come out of order.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			fs := disktest.NewMem().FS()
			o := Options{SegmentBytes: 2000 + r.IntN(300_000)}
			j := mustOpen(t, fs, o)
			defer func() { j.Close() }()
			var m model
			now := clock.Unix(1_000_000, 0)
			key := func() string { return fmt.Sprintf("group%d/stream%d", r.IntN(4), r.IntN(5)) }
			prefix := func() string {
				return []string{"", "group1/", "group1/stream2", "group9", key()}[r.IntN(5)]
			}
			for step := range 1500 {
				now = now.Add(time.Duration(r.IntN(3)) * time.Second)
				switch r.IntN(60) {
				case 0:
					if err := j.Close(); err != nil {
						t.Fatal(err)
					}
					j = mustOpen(t, fs, o)
				case 1:
					p := prefix()
					if err := j.Drop(p); err != nil {
						t.Fatal(err)
					}
					m.drop(p)
				case 2:
					if err := j.write(); err != nil {
						t.Fatal(err)
					}
				case 3, 4, 5, 6:
					q := Query{Prefix: prefix(), Reverse: r.IntN(2) == 0}
					if r.IntN(2) == 0 {
						q.From = now.Add(-time.Duration(r.IntN(1500)) * time.Second)
					}
					if r.IntN(2) == 0 {
						q.To = now.Add(-time.Duration(r.IntN(1000)) * time.Second)
					}
					if r.IntN(3) == 0 {
						q.Match = func(k string) bool { return strings.HasSuffix(k, "2") }
					}
					if r.IntN(3) == 0 && len(m.records) > 0 {
						c := m.records[r.IntN(len(m.records))].Cursor()
						q.After = &c
					}
					limit := r.IntN(40)
					if diff := diff(m.read(q, limit), collect(t, j, q, limit)); diff != "" {
						t.Fatalf("step %d: %+v limit %d (-want +got):\n%s", step, q, limit, diff)
					}
				case 7:
					p := prefix()
					got, err := j.Keys(context.Background(), p)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(m.keys(p), got); diff != "" {
						t.Fatalf("step %d: keys of %q (-want +got):\n%s", step, p, diff)
					}
				default:
					rec := Record{Key: key(), At: now, Seen: now, Body: []byte(strings.Repeat("x", r.IntN(300)))}
					if r.IntN(5) == 0 {
						rec.At = now.Add(-time.Duration(r.IntN(1000)) * time.Second)
					}
					var err error
					if rec.Pos, err = j.Append(rec.Key, rec.At, rec.Seen, rec.Body); err != nil {
						t.Fatal(err)
					}
					m.records = append(m.records, rec)
				}
			}
		})
	}
}

// After a power cut there is a beginning of what was appended, at least what
// was synced, and the journal goes on after it.
func TestCrash(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			mem := disktest.NewMem()
			o := Options{SegmentBytes: 1000 + r.IntN(20_000)}
			var kept []Record // that must be there
			for life := range 3 {
				j := mustOpen(t, mem.FS(), o)
				all := collect(t, j, Query{}, 0)
				if diff := diff(kept, all); diff != "" {
					t.Fatalf("life %d: what was there before is not (-want +got):\n%s", life, diff)
				}
				n, synced := r.IntN(500), 0
				appended := slices.Clone(all)
				for i := range n {
					at := clock.Instant(1_000_000*(life+1) + i)
					rec := Record{Key: fmt.Sprint("k", r.IntN(3)), At: at, Seen: at, Body: []byte(strings.Repeat("y", r.IntN(200)))}
					var err error
					if rec.Pos, err = j.Append(rec.Key, at, at, rec.Body); err != nil {
						t.Fatal(err)
					}
					appended = append(appended, rec)
					if r.IntN(50) == 0 {
						if err := j.Sync(); err != nil {
							t.Fatal(err)
						}
						synced = len(appended)
					}
				}
				if r.IntN(2) == 0 {
					if err := j.write(); err != nil {
						t.Fatal(err)
					}
				}
				crashed := mem.Crash(r, r.IntN(101))
				if err := j.Close(); err != nil { // after the crash, so that it has no part in it
					t.Fatal(err)
				}
				mem = crashed

				j = mustOpen(t, mem.FS(), o)
				kept = collect(t, j, Query{}, 0)
				if len(kept) < max(synced, len(all)) {
					t.Fatalf("life %d: %d records left, %d were synced", life, len(kept), max(synced, len(all)))
				}
				// A later segment may have survived whole where the torn end
				// of an earlier one has not: each is a beginning of its own.
				bySeg := func(rs []Record) map[uint32][]Record {
					m := map[uint32][]Record{}
					for _, r := range rs {
						m[r.Pos.Seg] = append(m[r.Pos.Seg], r)
					}
					return m
				}
				want := bySeg(appended)
				for seq, got := range bySeg(kept) {
					if len(got) > len(want[seq]) {
						t.Fatalf("segment %d has %d records, %d were appended", seq, len(got), len(want[seq]))
					}
					if diff := diff(want[seq][:len(got)], got); diff != "" {
						t.Fatalf("segment %d (-want +got):\n%s", seq, diff)
					}
				}
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A disk that fails takes records, never the process, and the journal goes on
// when it works again.
func TestFailingDisk(t *testing.T) {
	for n := range int64(40) {
		fault, _ := disktest.FailWrites(n)
		broken := true
		mem := disktest.NewMem()
		fs := disktest.Faulty(mem.FS(), func(op disktest.Op) error {
			if broken {
				return fault(op)
			}
			return nil
		})
		j, err := Open(Options{FS: fs, Dir: "logs", SegmentBytes: 1000})
		if err != nil {
			if !errors.Is(err, disktest.ErrInjected) {
				t.Fatalf("Open: %v", err)
			}
			continue
		}
		failed := false
		for i := range 30 {
			if _, err := j.Append("k", clock.Instant(i+1), 1, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
			if err := j.Sync(); err != nil {
				failed = true
				if !errors.Is(err, disktest.ErrInjected) {
					t.Fatalf("Sync: %v", err)
				}
			}
		}
		lost, err := j.Err()
		if failed && err == nil && lost > 0 {
			t.Errorf("after %d writes: lost %d without an error", n, lost)
		}
		broken = false
		pos, err := j.Append("after", 1000, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Sync(); err != nil {
			t.Fatalf("after %d writes, on the mended disk: %v", n, err)
		}
		if got := collect(t, j, Query{Prefix: "after"}, 0); len(got) != 1 || got[0].Pos != pos {
			t.Fatalf("after %d writes, on the mended disk: %+v", n, got)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOldestSegmentsGo(t *testing.T) {
	fs := disktest.NewMem().FS()
	j := mustOpen(t, fs, Options{SegmentBytes: 10_000, MaxBytes: 35_000})
	append1000 := func() {
		for i := range 1000 {
			if _, err := j.Append("k", clock.Instant(i+1), 1, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
	}
	append1000()
	if err := j.write(); err != nil {
		t.Fatal(err)
	}
	usage := func() (n int64) {
		names, err := fs.List("telemetry/logs")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".seg") {
				st, err := fs.Stat("telemetry/logs/" + name)
				if err != nil {
					t.Fatal(err)
				}
				n += st.Size()
			}
		}
		return n
	}
	if n := usage(); n > 45_000 || n < 25_000 {
		t.Errorf("%d bytes on disk, want about 35000", n)
	}
	got := collect(t, j, Query{}, 0)
	if len(got) == 0 || got[len(got)-1].At != 1000 || got[0].At < 500 {
		t.Errorf("%d records left, first %v last %v: want the newest", len(got), got[0].At, got[len(got)-1].At)
	}
	// Segments of an earlier process count too.
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, fs, Options{SegmentBytes: 10_000, MaxBytes: 25_000})
	append1000()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := usage(); n > 35_000 {
		t.Errorf("%d bytes on disk after a restart, want about 25000", n)
	}
}

func TestOldAgeGoes(t *testing.T) {
	j := mustOpen(t, disktest.NewMem().FS(), Options{SegmentBytes: 1000, MaxAge: time.Hour})
	defer j.Close()
	start := clock.Unix(1_000_000, 0)
	for i := range 100 {
		at := start.Add(time.Duration(i) * 3 * time.Minute)
		if _, err := j.Append("k", at, at, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := j.write(); err != nil {
			t.Fatal(err)
		}
	}
	got := collect(t, j, Query{}, 0)
	if last := start.Add(99 * 3 * time.Minute); got[0].At < last.Add(-100*time.Minute) || got[0].At > last.Add(-time.Hour) {
		t.Errorf("the oldest record is %v before the newest, want an hour and a segment at most", last.Sub(got[0].At))
	}
}

func TestTooLargeAndClosed(t *testing.T) {
	j := mustOpen(t, disktest.NewMem().FS(), Options{})
	if _, err := j.Append("k", 1, 1, make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record of %d bytes: %v", MaxRecord+1, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append("k", 1, 1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

// What was appended is written after Gather, together, without anybody asking.
func TestAppendsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := disktest.NewMem()
		j := mustOpen(t, mem.FS(), Options{})
		for i := range 100 {
			if _, err := j.Append("k", clock.Instant(i+1), 1, nil); err != nil {
				t.Fatal(err)
			}
		}
		st := func() int64 {
			fi, err := mem.FS().Stat("telemetry/logs/0000000001.seg")
			if err != nil {
				return 0
			}
			return fi.Size()
		}
		if n := st(); n != 0 {
			t.Errorf("%d bytes written at once", n)
		}
		time.Sleep(20 * time.Millisecond) // the bubble's clock
		synctest.Wait()
		if n := st(); n == 0 {
			t.Error("nothing written after Gather")
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
