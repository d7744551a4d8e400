package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
)

// eventBus is AWS::Events::EventBus. Ref is its name.
type eventBus struct{ base }

func eventBusARN(r stack.Request) string {
	return r.Stack.Scope.Of("events", "event-bus/"+r.PhysicalID).String()
}

func (e eventBus) progress(r stack.Request) stack.Progress {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{
		"Arn": eventBusARN(r), "Name": r.PhysicalID, "Policy": document(r.Properties.Get("Policy")),
	}}
}

func (e eventBus) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &events.CreateEventBusRequest{Name: &r.PhysicalID, Tags: pairs(tagMap(r.Properties), eventsTag)}
	if err := bind(in, r.Properties, "Name", "Tags", "Policy"); err != nil {
		return stack.Progress{}, err
	}
	if err := run(ctx, e.base, events.CreateEventBus, in); err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return e.progress(r), e.permit(ctx, r)
}

// permit sets the bus's policy, or takes it away.
func (e eventBus) permit(ctx context.Context, r stack.Request) error {
	if doc := document(r.Properties.Get("Policy")); doc != "" {
		return run(ctx, e.base, events.PutPermission, &events.PutPermissionRequest{EventBusName: &r.PhysicalID, Policy: &doc})
	}
	if r.Old.Get("Policy") == nil {
		return nil
	}
	return run(ctx, e.base, events.RemovePermission, &events.RemovePermissionRequest{EventBusName: &r.PhysicalID, RemoveAllPermissions: ptr(true)})
}

func (e eventBus) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := e.progress(r)
	in := &events.UpdateEventBusRequest{
		Name: &r.PhysicalID, Description: ptr(text(r.Properties, "Description")), KmsKeyIdentifier: ptr(text(r.Properties, "KmsKeyIdentifier")),
		DeadLetterConfig: &events.DeadLetterConfig{},
	}
	if err := bind(in, r.Properties, "Name", "Tags", "Policy", "EventSourceName"); err != nil {
		return done, err
	}
	if err := run(ctx, e.base, events.UpdateEventBus, in); err != nil {
		return done, err
	}
	if !same(r.Old, r.Properties, "Policy") {
		if err := e.permit(ctx, r); err != nil {
			return done, err
		}
	}
	return done, retagEvents(ctx, e.base, eventBusARN(r), r)
}

func (e eventBus) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, e.base, events.DeleteEventBus, &events.DeleteEventBusRequest{Name: &r.PhysicalID}))
}

func (e eventBus) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, e.base, events.DescribeEventBus, &events.DescribeEventBusRequest{Name: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return e.progress(r).Attrs, nil
}
