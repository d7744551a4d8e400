package awsapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// Judge decides a permission of the actor of ctx with the documents of a
// resource's policies, and enforces nothing: what follows from the decision is
// the caller's, or [Front.Refuse]'s, to say.
func (f *Front) Judge(ctx context.Context, need Access, docs ...*policy.Doc) (policy.Decision, error) {
	c := From(ctx)
	set := policy.Set{}
	if !c.Actor.IsAnonymous() {
		own, err := f.identities.Policies(ctx, &c.Actor)
		if err != nil {
			return policy.Decision{}, err
		}
		set = *own
	}
	set.Resource = slices.DeleteFunc(slices.Clone(docs), func(d *policy.Doc) bool { return d == nil })
	return set.Evaluate(f.request(ctx, c, need)), nil
}

// Refuse does with a decision what the mode of enforcement says: a denial is
// recorded, and is an error in AWS's own words where denials are enforced.
func (f *Front) Refuse(ctx context.Context, need Access, d policy.Decision) error {
	if d.Allowed() || f.enforcement == Off {
		return nil
	}
	c := From(ctx)
	req := f.request(ctx, c, need)
	if f.denials != nil {
		f.denials.Denied(ctx, c.Actor, *req, d)
	}
	if f.enforcement == Warn {
		return nil
	}
	return fault.New(accessDenied, "%s", d.Message(req)).With(http.StatusForbidden)
}

func (f *Front) request(ctx context.Context, c *Call, need Access) *policy.Request {
	if need.Resource == "" {
		need.Resource = "*"
	}
	return &policy.Request{
		Principal: c.Actor.Principal, Action: need.Action, Resource: need.Resource, ResourceAccount: ownerOf(need.Resource, c),
		Keys: requestKeys{ctx: ctx, f: f, call: c, more: need.Keys},
	}
}
