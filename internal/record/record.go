package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/record/journal"
)

// Places in a journal, see package journal.
type (
	// Pos is the place of a record in the order of arrival.
	Pos = journal.Pos
	// Cursor is the place of a record in the order of time.
	Cursor = journal.Cursor
)

// PosOf returns the place that is n as a number, see [Pos.Uint64].
func PosOf(n uint64) Pos { return journal.PosOf(n) }

// Options say where the records of a cloud are and how large they may become.
// Zero sizes mean the defaults.
type Options struct {
	FS      disk.FS
	Dir     string
	Model   *clock.Model
	Machine clock.Machine

	LogBytes      int64 // of all logs; 256 MiB
	TraceBytes    int64 // of all spans; 128 MiB
	ExchangeBytes int64 // of all exchanges; 128 MiB
	MetricBytes   int64 // of all metrics and meters; 64 MiB

	NoTraces    bool // spans are not recorded; everything else happens as if they were
	NoExchanges bool // nor exchanges

	// Sealer seals exchanges where they lie: they are what functions and APIs were
	// given, secrets among it. Nil seals nothing.
	Sealer Sealer
}

// Sealer seals and opens. What it seals opens only together with the same
// associated data.
type Sealer interface {
	AppendSealed(ctx context.Context, dst, text, associated []byte) ([]byte, error)
	Open(ctx context.Context, envelope, associated []byte) ([]byte, error)
}

// Recorder is everything that a cloud records.
type Recorder struct {
	Logs      *Logs
	Traces    *Traces
	Exchanges *Exchanges
	Metrics   *Metrics

	model   *clock.Model
	machine clock.Machine
	calls   calls
}

// Open opens the records in a directory. It reads none of them.
func Open(o Options) (*Recorder, error) {
	r := &Recorder{model: o.Model, machine: o.Machine}
	var opened []*journal.Journal
	open := func(name string, limit, normally int64) (*journal.Journal, error) {
		if limit == 0 {
			limit = normally
		}
		j, err := journal.Open(journal.Options{FS: o.FS, Dir: o.FS.PathJoin(o.Dir, name), Machine: o.Machine, MaxBytes: limit})
		if err == nil {
			opened = append(opened, j)
		}
		return j, err
	}
	logs, err := open("logs", o.LogBytes, 256<<20)
	if err != nil {
		return nil, fmt.Errorf("record: logs: %w", err)
	}
	traces, err := open("traces", o.TraceBytes, 128<<20)
	if err != nil {
		return nil, fmt.Errorf("record: traces: %w", errors.Join(err, closeAll(opened)))
	}
	exchanges, err := open("exchanges", o.ExchangeBytes, 128<<20)
	if err != nil {
		return nil, fmt.Errorf("record: exchanges: %w", errors.Join(err, closeAll(opened)))
	}
	metrics, err := open("metrics", o.MetricBytes, 64<<20)
	if err != nil {
		return nil, fmt.Errorf("record: metrics: %w", errors.Join(err, closeAll(opened)))
	}
	r.Logs, r.Traces = &Logs{logs}, &Traces{j: traces, off: o.NoTraces}
	r.Exchanges = &Exchanges{j: exchanges, off: o.NoExchanges, sealer: o.Sealer}
	r.Metrics = newMetrics(metrics, o.Machine)
	return r, nil
}

func closeAll(js []*journal.Journal) error {
	var errs []error
	for _, j := range js {
		errs = append(errs, j.Close())
	}
	return errors.Join(errs...)
}

// Close writes what is in memory and closes the records.
func (r *Recorder) Close() error {
	r.Metrics.Flush()
	return closeAll([]*journal.Journal{r.Logs.j, r.Traces.j, r.Exchanges.j, r.Metrics.j})
}

// Flush writes what is in memory, so that it is in the files.
func (r *Recorder) Flush() error {
	r.Metrics.Flush()
	return errors.Join(r.Logs.j.Flush(), r.Traces.j.Flush(), r.Exchanges.j.Flush(), r.Metrics.j.Flush())
}

// Now is the model time: what records say happened now.
func (r *Recorder) Now() clock.Instant { return r.model.Now() }

// Trouble is telemetry that was lost because the disk would not take it.
type Trouble struct {
	Of   string // logs, traces, exchanges or metrics
	Lost uint64 // bytes since the process began
	Err  error  // the last
}

// Troubles returns what was lost since the process began.
func (r *Recorder) Troubles() []Trouble {
	var ts []Trouble
	for _, of := range []struct {
		name string
		j    *journal.Journal
	}{{"logs", r.Logs.j}, {"traces", r.Traces.j}, {"exchanges", r.Exchanges.j}, {"metrics", r.Metrics.j}} {
		if lost, err := of.j.Err(); err != nil {
			ts = append(ts, Trouble{Of: of.name, Lost: lost, Err: err})
		}
	}
	return ts
}
