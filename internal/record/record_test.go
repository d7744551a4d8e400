package record

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/disk/disktest"
)

func open(t testing.TB, fs disk.FS) *Recorder {
	t.Helper()
	r, err := Open(Options{FS: fs, Dir: "record", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func openMem(t testing.TB) *Recorder {
	r := open(t, disktest.NewMem().FS())
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestRecordsSurviveARestart(t *testing.T) {
	fs := disktest.NewMem().FS()
	r := open(t, fs)
	s := Stream{Account: "1", Region: "r", Group: "g", Name: "s"}
	if _, err := r.Logs.Writer(s).Append(5, 5, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	span := Span{Trace: NewTraceID(5), ID: NewSpanID(), Name: "n", Start: 5}
	if err := r.Traces.Add(&span); err != nil {
		t.Fatal(err)
	}
	metric := Metric{Account: "1", Region: "r", Namespace: "n", Name: "m"}
	r.Metrics.Series(metric).Observe(5, 7)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	r = open(t, fs)
	defer r.Close()
	if got := messages(t, r.Logs, LogQuery{Group: s}); got != "s:hello" {
		t.Errorf("logs: %q", got)
	}
	spans, err := r.Traces.Trace(context.Background(), span.Trace)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Span{span}, spans); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for p, err := range r.Metrics.Read(context.Background(), MetricQuery{Account: "1", Region: "r"}) {
		if err != nil || p.Stat.Sum != 7 {
			t.Errorf("metric: %+v, %v", p, err)
		}
	}
}

func TestTroublesAreToldOf(t *testing.T) {
	broken := false
	fs := disktest.Faulty(disktest.NewMem().FS(), func(disktest.Op) error {
		if broken {
			return disktest.ErrInjected
		}
		return nil
	})
	r := open(t, fs)
	broken = true
	if _, err := r.Logs.Writer(Stream{Group: "g", Name: "s"}).Append(1, 1, []byte("lost")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, disktest.ErrInjected) {
		t.Errorf("Close = %v", err)
	}
	ts := r.Troubles()
	if len(ts) != 1 || ts[0].Of != "logs" || ts[0].Lost == 0 || !errors.Is(ts[0].Err, disktest.ErrInjected) {
		t.Errorf("troubles: %+v", ts)
	}
}

// Opening must not read what is there: the process starts in milliseconds
// however much there is.
func TestOpenReadsNoSegment(t *testing.T) {
	mem := disktest.NewMem()
	r := open(t, mem.FS())
	for i := range 100 {
		if _, err := r.Logs.Writer(Stream{Group: "g", Name: "s"}).Append(clock.Instant(i), 1, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	var opened []string
	fs := disktest.Faulty(mem.FS(), func(op disktest.Op) error {
		if strings.HasSuffix(op.Path, ".seg") || strings.HasSuffix(op.Path, ".idx") {
			opened = append(opened, op.Path)
		}
		return nil
	})
	r = open(t, fs)
	defer r.Close()
	if len(opened) != 0 {
		t.Errorf("Open touched %v", opened)
	}
	if got := messages(t, r.Logs, LogQuery{Group: Stream{Group: "g"}}); strings.Count(got, "x") != 100 || len(opened) == 0 {
		t.Errorf("%d events, files %v", strings.Count(got, "x"), opened)
	}
}
