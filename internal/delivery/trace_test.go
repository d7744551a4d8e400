package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Each attempt is a span below what caused the effect; what the receiver does
// and emits, a dead letter too, hangs below the attempt.
//
// Mutations that it finds: receivers see the cause of the effect, dead letters
// have it, effects in the store's transaction or too old ones have no span.
func TestAttemptsAreTraced(t *testing.T) {
	model := clock.NewModel(clock.State{Stopped: true, At: start})
	recorder, err := record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: model})
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	tries := 0
	out := &outside{do: func(ctx context.Context, e delivery.Effect) delivery.Outcome {
		if record.From(ctx) != e.Cause {
			t.Errorf("the context's cause is %+v, the effect's %+v", record.From(ctx), e.Cause)
		}
		switch tries++; {
		case strings.HasSuffix(e.Target, "busy") && tries == 1:
			return delivery.Outcome{Err: errors.New("busy"), Throttled: true, After: time.Second}
		case strings.HasSuffix(e.Target, "broken"):
			return delivery.Outcome{Err: errors.New("broken")}
		}
		record.Note(ctx, "seen", "true")
		return delivery.Outcome{Then: []delivery.Effect{{Cell: e.Cell, Target: "in:next", Payload: []byte("then"), Cause: e.Cause, At: e.At}}}
	}}
	in := inside{do: func(tx *kv.Tx, e delivery.Effect) delivery.Outcome {
		switch string(e.Payload) {
		case "poison":
			panic("poison")
		case "fan":
			return delivery.Outcome{Then: []delivery.Effect{{Cell: e.Cell, Target: "out:fanned", Payload: []byte("x"), Cause: e.Cause, At: e.At}}}
		}
		return delivery.Outcome{}
	}}
	b := newBed(t, openMem(t), model, delivery.Options{Recorder: recorder}, out, in).start()
	for _, test := range []struct {
		name string
		es   []delivery.Effect
		then time.Duration
		want string
	}{
		{"throttled, then done", []delivery.Effect{{Target: "out:busy"}}, time.Second, `
request
  out busy throttled=true
  out attempt=2 waited=1s seen=true
    in waited=1s
`},
		{"dead letter", []delivery.Effect{{Target: "out:broken", Policy: delivery.Policy{MaxAttempts: 2, Backoff: time.Microsecond, DeadLetter: "in:dead"}}}, time.Second, `
request
  out broken
  out broken attempt=2 given up=true
    in
`},
		{"too old", []delivery.Effect{{Target: "out:broken", Policy: delivery.Policy{MaxAge: 500 * time.Millisecond, Backoff: time.Minute, DeadLetter: "in:dead"}}}, time.Minute, `
request
  out broken
  out it has become too old attempt=2 waited=500ms given up=true
  in waited=500ms
`},
		{"fan-out in the store, and one that spoils it", []delivery.Effect{
			{Target: "in:all", Payload: []byte("fan")}, {Target: "in:all", Payload: []byte("poison"), Policy: delivery.Policy{MaxAttempts: 1}},
		}, 0, `
request
  in
    out seen=true
      in
  in delivery: the receiver failed given up=true
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			tries = 0
			ctx, hop := recorder.Begin(context.Background(), record.Span{Name: "request"})
			for i := range test.es {
				e := &test.es[i]
				e.Cell, e.Cause, e.At, e.ID = here, record.From(ctx), model.Now(), fmt.Sprint(test.name, i)
			}
			b.emit(test.es...)
			b.settled()
			if test.then > 0 {
				b.advance(model.Now().Add(test.then))
			}
			hop.End(nil)
			nodes, _, err := recorder.Traces.Tree(context.Background(), record.From(ctx).Trace)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimPrefix(test.want, "\n"), drawn(nodes)); d != "" {
				t.Error(d)
			}
		})
	}
}

// drawn is a tree of spans, without what differs from run to run.
func drawn(nodes []*record.Node) string {
	var b strings.Builder
	var draw func([]*record.Node, int)
	draw = func(nodes []*record.Node, depth int) {
		for _, n := range nodes {
			b.WriteString(strings.Repeat("  ", depth) + n.Name)
			if n.Error != "" {
				text, _, _ := strings.Cut(n.Error, ": it panicked")
				b.WriteString(" " + text)
			}
			for _, a := range n.Attrs {
				b.WriteString(" " + a.Key + "=" + a.Value)
			}
			b.WriteByte('\n')
			draw(n.Children, depth+1)
		}
	}
	draw(nodes, 0)
	return b.String()
}
