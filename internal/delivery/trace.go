package delivery

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/record"
)

// hop is the span of one attempt. What the receiver does and emits has it for a
// cause, so that a destination or dead letter hangs below the attempt that led
// to it.
type hop struct {
	*record.Hop
	ctx context.Context
}

// begin begins the hops of items that are handed over. One that is handed over
// once more, by itself, because it was in one transaction with others, goes on.
func (a *actor) begin(items []*item) {
	if a.d.o.Recorder == nil {
		return
	}
	for _, it := range items {
		if it.hop == nil {
			it.hop = a.hop(it)
		}
	}
}

// waitShown is how long an effect waits before its span says so.
const waitShown = time.Millisecond

func (a *actor) hop(it *item) *hop {
	e := &it.Effect
	ctx, h := a.d.o.Recorder.Begin(record.With(context.Background(), e.Cause), record.Span{
		Kind: record.Consumer, Service: "delivery", Name: Scheme(e.Target), Resource: e.Target,
	})
	h.Carried(len(e.Payload), 0)
	if it.tries > 0 {
		h.Note(record.Attempt, strconv.Itoa(it.tries+1))
	}
	if wait := a.d.o.Model.Now().Sub(e.At); wait >= waitShown {
		h.Note("waited", wait.Round(10*time.Microsecond).String())
	}
	return &hop{h, ctx}
}

// end ends the hop of an item, as its outcome says.
func (it *item) end() {
	if it.hop == nil {
		return
	}
	o := &it.outcome
	switch {
	case o.Err == nil:
	case o.Throttled:
		it.hop.Note("throttled", "true")
	case o.Permanent || it.Policy.MaxAttempts > 0 && it.attempts+1 >= it.Policy.MaxAttempts:
		it.hop.Note("given up", "true")
	}
	it.hop.End(o.Err)
}

// errTooOld is why an effect was given up without another attempt.
var errTooOld = errors.New("it has become too old")

// aged records that an effect was given up for its age.
func (a *actor) aged(it *item) {
	if a.d.o.Recorder != nil {
		h := a.hop(it)
		h.Note("given up", "true")
		h.End(errTooOld)
	}
}

// cause is what an item's receiver and what it emits have for a cause: the
// attempt, or where nobody records what caused the effect.
func (it *item) cause() record.Cause {
	if it.hop == nil {
		return it.Effect.Cause
	}
	return record.From(it.hop.ctx)
}

// within returns a context in which what the item's receiver does is caused by
// the attempt.
func (it *item) within(ctx context.Context) context.Context {
	if it.hop == nil {
		return record.With(ctx, it.Effect.Cause)
	}
	return record.Under(ctx, it.hop.ctx)
}
