package sources

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

// handle gives a batch to the function and commits what becomes of it.
func (l *lane) handle(ctx context.Context, b *batch) error {
	e := l.k.e
	reader, err := e.o.Functions.Reader(ctx, l.m, l.source.Needs(l.m.Source))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return l.conclude(ctx, b, attempt{problem: l.problem(err)}, reader)
	}
	if r, old := l.row.aged(l.m, b, e.o.Model.Now()); old != nil {
		return l.commit(ctx, r, old, reader)
	}
	if m := e.o.Meter; m != nil {
		m.Read(l.m, e.o.Model.Now().Sub(b.records[len(b.records)-1].At))
	}
	a, err := l.invoke(ctx, b)
	if err != nil {
		return err
	}
	return l.conclude(ctx, b, a, reader)
}

// conclude commits what becomes of a batch.
func (l *lane) conclude(ctx context.Context, b *batch, a attempt, reader delivery.ActorRef) error {
	r, given := l.row.after(l.m, b, a, l.k.e.o.Model.Now())
	return l.commit(ctx, r, given, reader)
}

// invoke calls the function. An error means that this node ends.
func (l *lane) invoke(ctx context.Context, b *batch) (attempt, error) {
	event, err := l.event(b, false)
	if err != nil {
		return attempt{}, err
	}
	answer, err := l.k.e.o.Functions.Invoke(ctx, Call{l.m, event, len(b.records), l.row.Attempts + 1, causes(b.records)})
	switch {
	case ctx.Err() != nil:
		return attempt{}, ctx.Err()
	case err != nil:
		return attempt{problem: l.problem(err)}, nil
	}
	a := attempt{failed: -1, request: answer.Request, version: answer.Version}
	if l.m.Tumbling > 0 && !answer.Failed {
		a.state = stateIn(answer.Payload)
	}
	switch {
	case answer.Failed, l.m.Tumbling > 0 && a.state == nil:
		a.failed = 0
	case l.m.Partial:
		a.failed = firstFailed(answer.Payload, b.records)
	}
	return a, nil
}

// causes returns the causes of records.
func causes(rs []Record) []record.Cause {
	var cs []record.Cause
	for i := range rs {
		if c := rs[i].Cause; !c.IsZero() {
			cs = append(cs, c)
		}
	}
	return cs
}

// commit makes a row the lane's, and emits what is said of records that are
// given up. It waits for the disk only for those: to have lost the rest means to
// do it again. A token stands for the commit until it is on disk.
func (l *lane) commit(ctx context.Context, r row, given *given, reader delivery.ActorRef) error {
	for len(r.Skip) > 0 && r.Skip[0].behind(r.Cursor) {
		r.Skip = r.Skip[1:]
	}
	var es []delivery.Effect
	var opts []kv.Option
	e := l.k.e
	if given != nil && l.m.OnFailure != "" {
		x, err := l.failure(given, reader, e.o.Model.Now())
		if err != nil {
			return err
		}
		es = []delivery.Effect{x}
	} else {
		opts = []kv.Option{kv.Relaxed()}
	}
	tok := e.o.Ledger.Begin(work.Source, "checkpoint of "+l.m.ID)
	_, err := e.o.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := l.writeRow(tx, &r); err != nil {
			return err
		}
		if err := e.o.Emit.Emit(tx, es...); err != nil {
			return err
		}
		tx.After(func(kv.Stamp) { tok.End() })
		return nil
	}, opts...)
	if err != nil {
		tok.End()
		return fmt.Errorf("checkpoint: %w", err)
	}
	l.row = r
	l.gathered, l.passed = gathering{upTo: r.Cursor}, 0
	return nil
}

// behind reports whether all that was done lies before a cursor.
func (d done) behind(c Cursor) bool {
	for _, at := range d.Cursors {
		if at > c {
			return false
		}
	}
	return true
}
