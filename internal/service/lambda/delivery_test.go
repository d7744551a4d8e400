package lambda

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// delivered is a cloud whose events are delivered, by a model clock that the
// test moves.
func delivered(t *testing.T) (*cloud, *work.Settler) {
	t.Helper()
	var settle *work.Settler
	var d *delivery.Delivery
	c := newCloud(t, func(o *Options) {
		ledger := work.NewLedger()
		owner := &timer.Owner{DB: o.DB}
		timers := timer.New(timer.Options{DB: o.DB, Owner: owner, Model: o.Clock, Ledger: ledger})
		d = delivery.New(delivery.Options{DB: o.DB, Owner: owner, Timers: timers, Model: o.Clock, Ledger: ledger})
		o.Emit = d
		settle = &work.Settler{Ledger: ledger, DB: o.DB, Clock: o.Clock, Backlogs: []work.Backlog{timers, d}}
		ctx, stop := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { timers.Run(ctx) })
		t.Cleanup(func() { stop(); running.Wait() })
	})
	d.Receive(c.s)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return c, settle
}

// emitEffect emits an effect as another service does.
func (c *cloud) emitEffect(e delivery.Effect) {
	c.t.Helper()
	if _, err := c.s.DB.Update(c.ctx, func(tx *kv.Tx) error { return c.s.Emit.Emit(tx, e) }); err != nil {
		c.t.Fatal(err)
	}
}

// An event whose function fails is tried again after one and two minutes, and
// then goes to the destination for failures; every attempt has the same id.
func TestEventsAreRetried(t *testing.T) {
	c, settle := delivered(t)
	c.create("f", "")
	c.create("after", "")
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","DestinationConfig":{"OnFailure":{"Destination":"`+fnARN+`after"}}}`)
	start := c.clock.Now()
	var mu sync.Mutex
	var log []string
	c.run.answer = func(s *runner.Spec, in runner.Invocation) (runner.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprint(s.Name, " at ", c.clock.Now().Sub(start)))
		if s.Name == "after" {
			if !strings.Contains(string(in.Payload), `"condition":"RetriesExhausted","approximateInvokeCount":3`) {
				t.Errorf("record %s", in.Payload)
			}
			return runner.Result{Payload: []byte("null")}, nil
		}
		if string(in.Payload) != `{"n":1}` || in.RequestID != "11111111-2222-4333-8444-555555555555" {
			t.Errorf("invocation %+v", in)
		}
		return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}}, nil
	}
	c.do("Invoke", `{"FunctionName":"f","InvocationType":"Event","Payload":"eyJuIjoxfQ=="}`)
	ctx := context.Background()
	if _, err := settle.Settle(ctx, 0, false); err != nil {
		t.Fatal(err)
	}
	if _, err := settle.Advance(ctx, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(log, ", "); got != "f at 0s, f at 1m0s, f at 3m0s, after at 3m0s" {
		t.Errorf("invoked: %s", got)
	}
}
