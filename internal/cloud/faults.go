package cloud

import (
	"context"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/inject"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/sources"
)

// faults is what the platform's API sees of the cloud's faults.
type faults struct {
	*inject.Set
	kept bool // on a disk
}

// Add implements [control.Faults].
func (f faults) Add(r inject.Rule) (inject.Rule, error) {
	if r.Kind == inject.DiskFull && !f.kept {
		return r, errors.New("disk-full: this cloud keeps everything in memory; --data names a directory")
	}
	return f.Set.Add(r)
}

// twiceRead hands batches of event source mappings to their functions, and some
// of them twice.
type twiceRead struct {
	sources.Functions
	faults   *inject.Set
	recorder *record.Recorder
}

// Invoke implements [sources.Functions].
func (t twiceRead) Invoke(ctx context.Context, c sources.Call) (sources.Answer, error) {
	a, err := t.Functions.Invoke(ctx, c)
	name, _, _ := strings.Cut(c.Mapping.Function.ResourceID(), ":")
	note, twice := t.faults.Twice(name)
	if err != nil || !twice {
		return a, err
	}
	ctx, hop := t.recorder.Begin(ctx, record.Span{Kind: record.Consumer, Service: "lambda", Name: "again", Resource: string(c.Mapping.Function)})
	hop.Note(record.Fault, note)
	a, err = t.Functions.Invoke(ctx, c)
	hop.End(err)
	return a, err
}
