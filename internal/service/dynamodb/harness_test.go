package dynamodb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	streams "github.com/nube-run/nube/internal/awsapi/shapes/dynamodbstreams"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
)

var testCell = keyspace.Cell{Account: testAccount, Region: testRegion}

// cloud is the service alone, behind a front that lets everybody do everything.
type cloud struct {
	t     testing.TB
	front *awsapi.Front
	s     *Service
	db    *kv.DB
	clock *clock.Model
	work  *work.Ledger
	ctx   context.Context

	timers *timer.Timers
	settle *work.Settler
}

func newCloud(t testing.TB) *cloud { return openCloud(t, memkv.New()) }

// openCloud is newCloud over an engine.
func openCloud(t testing.TB, engine driver.Engine) *cloud {
	t.Helper()
	db := kv.Open(engine)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return cloudOn(t, db, clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1795301973, 0)}))
}

// again is the service of another process on the same store.
func (c *cloud) again() *cloud { return cloudOn(c.t, c.db, c.clock) }

func cloudOn(t testing.TB, db *kv.DB, model *clock.Model) *cloud {
	t.Helper()
	c := &cloud{t: t, db: db, clock: model, work: work.NewLedger()}
	c.timers = timer.New(timer.Options{DB: c.db, Owner: &timer.Owner{DB: c.db}, Model: c.clock, Ledger: c.work})
	c.settle = &work.Settler{Ledger: c.work, DB: c.db, Clock: c.clock, Backlogs: []work.Backlog{c.timers}}
	c.s = New(Options{DB: c.db, Clock: c.clock, Work: c.work, Timers: c.timers})
	c.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API(), c.s.Streams()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Off,
	})
	c.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount)})
	t.Cleanup(c.s.Stop)
	return c
}

// runTimers lets the timers run until the end of the test.
func (c *cloud) runTimers() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.timers.Run(ctx)
	}()
	c.t.Cleanup(func() { cancel(); <-done })
}

// try makes a request as it looks on the wire, to DynamoDB or to DynamoDB Streams. The answer is JSON too; an error is
// "Code: message", with the item or the reasons that it carries.
func (c *cloud) try(operation, request string) string {
	c.t.Helper()
	m := &shapes.Model
	op := m.Op(operation)
	if op == nil {
		m = &streams.Model
		op = m.Op(operation)
	}
	if op == nil || !op.Declared {
		c.t.Fatalf("no operation %s", operation)
	}
	in := op.NewInput()
	if err := wire.DecodeJSON(m, op.Input, []byte(request), in); err != nil {
		return "SerializationException: " + err.Error()
	}
	out, err := c.front.Call(c.ctx, m, op, in)
	if err != nil {
		return describeError(c.t, err)
	}
	if op.Output == schema.None {
		return "{}"
	}
	return string(wire.AppendJSON(nil, m, op.Output, out))
}

func describeError(t testing.TB, err error) string {
	t.Helper()
	e, ok := fault.As(err)
	if !ok {
		t.Fatalf("an error without a code: %v", err)
	}
	text := e.Code + ": " + e.Message
	switch d := e.Detail.(type) {
	case *shapes.ConditionalCheckFailedException:
		text += " " + string(d.Item.AppendJSON(nil))
	case *shapes.TransactionCanceledException:
		for _, r := range d.CancellationReasons {
			text += fmt.Sprintf("\n%s %s", *r.Code, value(r.Message))
			if !r.Item.IsZero() {
				text += " " + string(r.Item.AppendJSON(nil))
			}
		}
	}
	return text
}

// do makes a request that must succeed.
func (c *cloud) do(operation, request string) string {
	c.t.Helper()
	out := c.try(operation, request)
	if !strings.HasPrefix(out, "{") {
		c.t.Fatalf("%s %s: %s", operation, request, out)
	}
	return out
}

// decoded is JSON as Go's values, for comparing without regard to the order of names.
func decoded(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// settled waits until nothing goes on in the background.
func (c *cloud) settled() {
	c.t.Helper()
	c.s.background.Wait()
}
