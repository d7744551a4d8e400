package events

import (
	"context"
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
)

// noTimers is [Timers] of which none ever fires.
type noTimers struct{}

func (noTimers) Handle(string, timer.Fire)                          {}
func (noTimers) Set(*kv.Tx, timer.T) error                          { return nil }
func (noTimers) Cancel(*kv.Tx, keyspace.Cell, string, string) error { return nil }

// What is kept in memory is bounded by the buses that there are: of each the policy
// and the rules that it has now, and nothing of names that events are sent to in vain.
func TestMemory(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	s := New(Options{DB: db, Clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1772366400, 0)}), Timers: noTimers{}})
	ctx := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In("us-east-1", "123456789012"), Actor: awsapi.RootOf("123456789012")})
	kept := func() (policies, indexes int) {
		s.policies.Range(func(any, any) bool { policies++; return true })
		s.indexes.Range(func(any, any) bool { indexes++; return true })
		return policies, indexes
	}
	if _, err := s.createBus(ctx, &shapes.CreateEventBusRequest{Name: ptr("b")}); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		id := fmt.Sprint("s", i)
		if _, err := s.putPermission(ctx, &shapes.PutPermissionRequest{EventBusName: ptr("b"), StatementId: &id, Action: ptr("events:PutEvents"), Principal: ptr("210987654321")}); err != nil {
			t.Fatal(err)
		}
		if doc, err := s.ResourcePolicy(ctx, "arn:aws:events:us-east-1:123456789012:event-bus/b"); err != nil || doc == nil {
			t.Fatal(doc, err)
		}
		none := fmt.Sprint("none", i)
		if _, err := s.putEvents(ctx, &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{
			{EventBusName: &none, Source: ptr("s"), DetailType: ptr("d"), Detail: ptr("{}")},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if p, n := kept(); p != 1 || n != 0 {
		t.Errorf("%d policies of one bus, %d indexes of rules of buses without rules", p, n)
	}
	if _, err := s.deleteBus(ctx, &shapes.DeleteEventBusRequest{Name: ptr("b")}); err != nil {
		t.Fatal(err)
	}
	if p, n := kept(); p != 0 || n != 0 {
		t.Errorf("%d policies and %d indexes when there is no bus", p, n)
	}
}
