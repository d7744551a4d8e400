package awsapi

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/work"
)

// Actor is who makes a call. It travels in the context, and in the envelope of
// every effect, from which it is rebuilt. The zero Actor is anonymous.
type Actor struct {
	Account   string           // to which the actor belongs; "" when anonymous
	Principal policy.Principal // as policies see it
	UserID    string           // such as AROA…:Session, or the account's id for root
	KeyID     string           // the access key used; "" inside the platform
	SourceARN arn.ARN          // the resource on whose behalf an AWS service acts
	Session   *Session         // of a temporary credential
}

// Session is what a temporary credential carries.
type Session struct {
	Name           string
	Policies       []string // session policy documents: what any of them allows, the session may
	Tags           map[string]string
	Transitive     []string // keys of the tags that sessions begun from this one inherit
	SourceIdentity string   // who is behind it, over any number of roles; "" for nobody in particular
	Issued         clock.Instant
	Expires        clock.Instant
}

// RootOf is the account's own root actor.
func RootOf(account string) Actor {
	return Actor{Account: account, UserID: account, Principal: policy.Principal{ARN: arn.Scope{Account: account}.Root()}}
}

// ServiceActor is a service of the platform, such as apigateway.amazonaws.com,
// that acts for a resource, as resource policies see it (aws:SourceArn,
// aws:SourceAccount).
func ServiceActor(account, service string, source arn.ARN) Actor {
	return Actor{Account: account, Principal: policy.Principal{Service: service}, SourceARN: source}
}

// IsAnonymous reports whether nobody is named.
func (a *Actor) IsAnonymous() bool {
	return a.Principal.ARN == "" && a.Principal.Service == "" && a.Principal.Federated == ""
}

// Call is one call under way: who, where, and under which request id. Handlers
// find it with [From].
type Call struct {
	ID        string    // the request id
	Scope     arn.Scope // account and region the call goes to
	Actor     Actor
	SourceIP  string // of the outside caller; "" inside the platform
	UserAgent string
	Host      string // that the caller addressed, with the port; "" inside the platform
	TLS       bool

	// Via is the service that makes the call with the actor's own rights, because
	// the actor called it: "ssm.eu-west-1.amazonaws.com", as kms:ViaService has it.
	Via string

	// Work is what the request counts as under way. A handler that waits for
	// something from outside parks it meanwhile. It is nobody's of a call inside
	// the process that has no request.
	Work work.Token
}

type callKey struct{}

// With returns a context in which calls are made as c says.
func With(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// From returns the call under way. Outside of any call it is an anonymous one
// to nowhere, never nil.
func From(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// Through returns a context in which a service, such as "ssm", makes calls for
// whoever called it: in the same place, as the same actor. A service that called
// it is no principal to be forwarded, so that for one there is no kms:ViaService:
// what lets an account's principals in through a service does not let services in.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html
func Through(ctx context.Context, service string) context.Context {
	c := *From(ctx)
	if c.Actor.Principal.Service == "" {
		c.Via = service + "." + c.Scope.Region + ".amazonaws.com"
	}
	return With(ctx, &c)
}

// As returns a context that makes calls in the same place and under the same
// request id as ctx, but as another actor.
func As(ctx context.Context, a Actor) context.Context {
	c := *From(ctx)
	c.Actor, c.Via = a, ""
	return With(ctx, &c)
}
