package resource

import (
	"context"

	"github.com/nube-run/nube/internal/stack"
)

// inlinePolicy is AWS::IAM::Policy: the same inline policy of some roles, users
// and groups. Ref is an id of CloudFormation's own; the policy's name is a
// property.
type inlinePolicy struct{ base }

func (t inlinePolicy) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Id": r.PhysicalID}}
	name, doc := text(r.Properties, "PolicyName"), document(r.Properties.Get("PolicyDocument"))
	return done, targets(r.Properties, func(p principal, of string) error { return t.put(ctx, p, of, name, doc) })
}

// Update puts the policy where it should be, and then takes it away from where
// it was under its old name.
func (t inlinePolicy) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done, err := t.Create(ctx, r)
	if err != nil {
		return done, err
	}
	was, name := text(r.Old, "PolicyName"), text(r.Properties, "PolicyName")
	keep := targetSet(r.Properties)
	return done, targets(r.Old, func(p principal, of string) error {
		if was == name && keep[target{p, of}] {
			return nil
		}
		return t.drop(ctx, p, of, was)
	})
}

func (t inlinePolicy) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	name := text(r.Properties, "PolicyName")
	return stack.Progress{}, targets(r.Properties, func(p principal, of string) error { return t.drop(ctx, p, of, name) })
}

func (t inlinePolicy) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{"Id": r.PhysicalID}, nil
}
