package record

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
)

func messages(t testing.TB, l *Logs, q LogQuery) string {
	t.Helper()
	var out []string
	for e, err := range l.Read(context.Background(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Stream.Name+":"+e.Message)
	}
	return strings.Join(out, " ")
}

func TestLogs(t *testing.T) {
	r := openMem(t)
	group := Stream{Account: "000000000000", Region: "us-east-1", Group: "/aws/lambda/resize"}
	stream := func(group Stream, name string) Stream { group.Name = name; return group }
	other := group
	other.Group += "2" // its name begins like the first's
	for i, e := range []struct {
		s    Stream
		at   clock.Instant
		text string
	}{
		{stream(group, "a"), 10, "1"},
		{stream(group, "ab"), 30, "2"},
		{stream(group, "a"), 20, "3"},
		{stream(other, "a"), 25, "x"},
		{stream(group, "a"), 30, "4"},
	} {
		if _, err := r.Logs.Writer(e.s).Append(e.at, clock.Instant(100+i), []byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	var third Cursor
	for e, err := range r.Logs.Read(context.Background(), LogQuery{Group: group, From: 30}) {
		if err != nil {
			t.Fatal(err)
		}
		want := LogEvent{Stream: stream(group, "ab"), Time: 30, Ingested: 101, Message: "2", Pos: e.Pos}
		if e != want {
			t.Errorf("event %+v, want %+v", e, want)
		}
		third = e.Cursor()
		break
	}
	for _, test := range []struct {
		name string
		q    LogQuery
		want string
	}{
		{"the group", LogQuery{Group: group}, "a:1 a:3 ab:2 a:4"},
		{"backwards", LogQuery{Group: group, Reverse: true}, "a:4 ab:2 a:3 a:1"},
		{"a stream", LogQuery{Group: group, Stream: "a"}, "a:1 a:3 a:4"},
		{"streams", LogQuery{Group: group, Match: func(n string) bool { return len(n) == 2 }}, "ab:2"},
		{"times", LogQuery{Group: group, From: 20, To: 30}, "a:3"},
		{"after", LogQuery{Group: group, After: &third}, "a:4"},
		{"before", LogQuery{Group: group, After: &third, Reverse: true}, "a:3 a:1"},
		{"another group", LogQuery{Group: other}, "a:x"},
		{"no group", LogQuery{Group: stream(Stream{Group: "none"}, "")}, ""},
	} {
		if got := messages(t, r.Logs, test.q); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}

	stats, err := r.Logs.Streams(context.Background(), group)
	if err != nil {
		t.Fatal(err)
	}
	want := []StreamStats{
		{Stream: stream(group, "a"), Events: 3, Bytes: 3, First: 10, Last: 30, LastIngested: 104},
		{Stream: stream(group, "ab"), Events: 1, Bytes: 1, First: 30, Last: 30, LastIngested: 101},
	}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}

	groups, err := r.Logs.Groups(context.Background(), "000000000000", "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]GroupStats{group.Group: {Events: 4, Bytes: 4}, other.Group: {Events: 1, Bytes: 1}}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}

	if err := r.Logs.DropStream(stream(group, "a")); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, r.Logs, LogQuery{Group: group}); got != "ab:2" {
		t.Errorf("after the stream was dropped: %q", got)
	}
	if err := r.Logs.DropGroup(group); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, r.Logs, LogQuery{Group: group}); got != "" {
		t.Errorf("after the group was dropped: %q", got)
	}
	if got := messages(t, r.Logs, LogQuery{Group: other}); got != "a:x" {
		t.Errorf("another group, after one was dropped: %q", got)
	}
}

func TestLogsFollow(t *testing.T) {
	r := openMem(t)
	s := Stream{Account: "1", Region: "r", Group: "g", Name: "s"}
	w := r.Logs.Writer(s)
	if _, err := w.Append(1, 1, []byte("old")); err != nil {
		t.Fatal(err)
	}
	from := r.Logs.End()
	got := make(chan string)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() {
		for e, err := range r.Logs.Follow(ctx, LogQuery{Group: s, Stream: "s"}, from) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			got <- e.Message
		}
	})
	for i := range 10 {
		want := fmt.Sprint("new ", i)
		if _, err := w.Append(clock.Instant(100-i), 1, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if m := <-got; m != want {
			t.Errorf("followed %q, want %q", m, want)
		}
	}
	cancel()
	wg.Wait()
}

func BenchmarkLogAppend(b *testing.B) {
	r, err := Open(Options{FS: disk.OS(), Dir: b.TempDir(), Model: clock.NewModel(clock.State{})})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	w := r.Logs.Writer(Stream{"000000000000", "us-east-1", "/aws/lambda/resize", "2026/01/01/[$LATEST]0123456789abcdef"})
	line := []byte("START RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd Version: $LATEST\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Append(1, 1, line); err != nil {
			b.Fatal(err)
		}
	}
}
