package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
)

// Tumbling windows: the records of a shard whose creation lies in the same
// window share a state, which the function is handed with each batch and returns
// changed. When the window is over it is called once more, without records.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html

// maxState is the largest state. A window whose state is larger ends early: the
// function gets that state once more, unless it is larger than what is kept.
const (
	maxState = 1 << 20
	keptMost = 3 << 19
)

// windowOf returns the start of the window in which an instant lies.
func windowOf(at clock.Instant, long time.Duration) clock.Instant {
	return at - at%clock.Instant(long)
}

// inWindow reports whether a record belongs to the window of a batch: that which
// is open, or the window of the batch's first record. A record that comes late
// belongs to the window that is open.
func (l *lane) inWindow(b *batch, r *Record) bool {
	if l.m.Tumbling == 0 {
		return true
	}
	if b.window.IsZero() {
		if b.window = l.row.Opened; b.window.IsZero() {
			b.window = windowOf(r.At, l.m.Tumbling)
		}
	}
	return r.At < b.window.Add(l.m.Tumbling)
}

// windowEnd is when the window that is open ends; zero if there is none.
func (l *lane) windowEnd() clock.Instant { return l.row.windowEnd(l.m) }

func (r *row) windowEnd(m *Mapping) clock.Instant {
	switch {
	case m.Tumbling == 0 || r.Opened.IsZero():
		return 0
	case r.Early || r.Closing:
		return r.Opened // at once
	}
	return r.Opened.Add(m.Tumbling)
}

// aggregated returns the row with what an attempt has made of the window's
// state. An attempt that failed as a whole has made nothing of it.
func (r row) aggregated(b *batch, a attempt) row {
	if a.state == nil || a.problem != "" || a.failed == 0 {
		return r
	}
	r.Opened, r.State, r.Early = b.window, a.state, len(a.state) > maxState
	return r
}

// event is the event of a batch, with the window's state if there are windows.
func (l *lane) event(b *batch, final bool) ([]byte, error) {
	if l.m.Tumbling == 0 {
		return b.payload(), nil
	}
	const form = "2006-01-02T15:04:05Z"
	state := json.RawMessage(l.row.State)
	if len(state) == 0 {
		state = json.RawMessage("{}")
	}
	type window struct {
		Start string `json:"start"`
		End   string `json:"end"`
	}
	rest, err := json.Marshal(struct {
		Window window          `json:"window"`
		State  json.RawMessage `json:"state"`
		Shard  string          `json:"shardId"`
		Source string          `json:"eventSourceARN"`
		Final  bool            `json:"isFinalInvokeForWindow"`
		Early  bool            `json:"isWindowTerminatedEarly"`
	}{
		window{b.window.Time().Format(form), b.window.Add(l.m.Tumbling).Time().Format(form)}, state, l.shard.ID, string(l.m.Source), final, l.row.Early,
	})
	if err != nil {
		return nil, fmt.Errorf("window of %s: %w", l.m.ID, err)
	}
	rest[0] = ','
	return append(b.append(nil), rest...), nil
}

// stateIn returns the state in a function's answer; nil if there is none, or one
// that cannot be kept, which makes the call a failed one.
func stateIn(answer []byte) []byte {
	var whole map[string]json.RawMessage
	if json.Unmarshal(answer, &whole) != nil {
		return nil
	}
	state := bytes.TrimSpace(whole["state"])
	if len(state) == 0 || len(state) > keptMost || string(state) == "null" {
		return nil
	}
	return state
}

// over reports whether the window that is open is over: its time has passed, or
// the shard has no more, and no record is left that belongs to it.
func (l *lane) over(b *batch, now clock.Instant) bool {
	end := l.windowEnd()
	return !end.IsZero() && len(b.records) == 0 && (b.closes || b.end || end <= now)
}

// closeWindow calls the function for the last time in a window. Until that has
// succeeded, or failed as often as the mapping lets a batch fail, nothing else is
// handed over. Of a window that is given up no destination is told: it has no
// records, and they were all handled.
func (l *lane) closeWindow(ctx context.Context) error {
	e := l.k.e
	now := e.o.Model.Now()
	r := l.row
	fail := func(result string) error {
		r.Result, r.Closing = result, true
		if r.Attempts > l.m.MaxRetries && l.m.MaxRetries >= 0 {
			return l.commit(ctx, r.closed(), nil, delivery.ActorRef{})
		}
		r.Tries++
		r.Due = now.Add(pause(r.Tries))
		return l.commit(ctx, r, nil, delivery.ActorRef{})
	}
	if _, err := e.o.Functions.Reader(ctx, l.m, l.source.Needs(l.m.Source)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fail("PROBLEM: " + l.problem(err))
	}
	event, err := l.event(&batch{window: r.Opened}, true)
	if err != nil {
		return err
	}
	answer, err := e.o.Functions.Invoke(ctx, Call{Mapping: l.m, Payload: event, Attempt: r.Attempts + 1})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fail("PROBLEM: " + l.problem(err))
	case answer.Failed:
		r.Attempts++
		return fail(resultFailed)
	}
	r.Result = resultOK
	return l.commit(ctx, r.closed(), nil, delivery.ActorRef{})
}

// closed returns the row without the window that was open.
func (r row) closed() row {
	r.Opened, r.State, r.Early = 0, nil, false
	if r.Closing || !r.retries() {
		r.Attempts, r.Tries, r.Due = 0, 0, 0
	}
	r.Closing = false
	return r
}
