package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/stack"
)

// eventBusPolicy is AWS::Events::EventBusPolicy: one statement of a bus's
// policy. Ref is an id of CloudFormation's own.
type eventBusPolicy struct{ base }

func policyBus(r stack.Request) *string {
	if name := text(r.Properties, "EventBusName"); name != "" {
		return &name
	}
	return nil
}

func (e eventBusPolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID}
	statement := r.Properties.Get("Statement")
	if statement == nil {
		in := &events.PutPermissionRequest{}
		if err := bind(in, r.Properties); err != nil {
			return done, err
		}
		return done, run(ctx, e.base, events.PutPermission, in)
	}
	for _, name := range []string{"Action", "Principal", "Condition"} {
		if r.Properties.Get(name) != nil {
			return done, errors.New("Statement cannot be given with Action, Principal or Condition")
		}
	}
	doc, err := e.with(ctx, r, document(statement))
	if err != nil {
		return done, err
	}
	return done, run(ctx, e.base, events.PutPermission, &events.PutPermissionRequest{EventBusName: policyBus(r), Policy: &doc})
}

// with is the bus's policy with a statement under the resource's StatementId.
func (e eventBusPolicy) with(ctx context.Context, r stack.Request, statement string) (string, error) {
	out, err := do(ctx, e.base, events.DescribeEventBus, &events.DescribeEventBusRequest{Name: policyBus(r)})
	if err != nil {
		return "", err
	}
	doc := struct {
		Version   string
		Statement []map[string]any
	}{Version: "2012-10-17"}
	if p := val(out.Policy); p != "" {
		if err := json.Unmarshal([]byte(p), &doc); err != nil {
			return "", fmt.Errorf("policy of the bus: %w", err)
		}
	}
	var one map[string]any
	if err := json.Unmarshal([]byte(statement), &one); err != nil {
		return "", fmt.Errorf("Statement: %w", err)
	}
	id := text(r.Properties, "StatementId")
	one["Sid"] = id
	kept := doc.Statement[:0]
	for _, st := range doc.Statement {
		if st["Sid"] != id {
			kept = append(kept, st)
		}
	}
	doc.Statement = append(kept, one)
	b, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("policy of the bus: %w", err)
	}
	return string(b), nil
}

func (e eventBusPolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return e.Create(ctx, r)
}

func (e eventBusPolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, e.base, events.RemovePermission, &events.RemovePermissionRequest{EventBusName: policyBus(r), StatementId: ptr(text(r.Properties, "StatementId"))}))
}

func (e eventBusPolicy) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{}, found(run(ctx, e.base, events.DescribeEventBus, &events.DescribeEventBusRequest{Name: policyBus(r)}))
}
