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
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
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
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{t: t, db: kv.Open(memkv.New()), clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1795301973, 0)}), work: work.NewLedger()}
	c.s = New(Options{DB: c.db, Clock: c.clock, Work: c.work})
	c.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Off,
	})
	c.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount)})
	t.Cleanup(func() {
		c.s.Stop()
		if err := c.db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// try makes a request as it looks on the wire. The answer is JSON too; an error is "Code: message", with the item or the
// reasons that it carries.
func (c *cloud) try(operation, request string) string {
	c.t.Helper()
	op := shapes.Model.Op(operation)
	if op == nil || op.NewInput == nil {
		c.t.Fatalf("no operation %s", operation)
	}
	in := op.NewInput()
	if err := wire.DecodeJSON(&shapes.Model, op.Input, []byte(request), in); err != nil {
		return "SerializationException: " + err.Error()
	}
	out, err := c.front.Call(c.ctx, &shapes.Model, op, in)
	if err != nil {
		return describeError(c.t, err)
	}
	if op.Output == schema.None {
		return "{}"
	}
	return string(wire.AppendJSON(nil, &shapes.Model, op.Output, out))
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
