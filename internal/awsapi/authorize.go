package awsapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
)

// Enforcement says what a denial does.
type Enforcement uint8

// The modes of --iam.
const (
	Enforce Enforcement = iota // denied calls fail: the default
	Warn                       // denied calls are recorded and go on
	Off                        // nothing is evaluated
)

// Identities knows credentials and the policies of principals. Service iam
// implements it.
type Identities interface {
	// Key returns the credential of an access key id. token is the session
	// token that came with the request, "" without one. Errors are in AWS's
	// terms where they depend on the credential (an expired one, a wrong
	// token); ok is false for a key that does not exist.
	Key(ctx context.Context, id, token string) (c Credential, ok bool, err error)

	// Policies returns what the actor's policies are: identity policies, the
	// permissions boundary and session policies.
	Policies(ctx context.Context, a *Actor) (*policy.Set, error)
}

// Tagger is implemented by [Identities] whose users and roles have tags: the
// condition key aws:PrincipalTag, where no tag of the session comes before it.
type Tagger interface {
	PrincipalTags(ctx context.Context, a *Actor) (map[string]string, error)
}

// Credential is an access key and who acts with it.
type Credential struct {
	Secret string
	Actor  Actor
}

// Denials is told of each denied permission; `nube iam missing` reads it.
type Denials interface {
	Denied(ctx context.Context, a Actor, req policy.Request, d policy.Decision)
}

// authorize asks whether the actor of ctx may do everything that the call
// needs.
func (f *Front) authorize(ctx context.Context, s *Service, h *handler, in any) error {
	if f.enforcement == Off {
		return nil
	}
	c := From(ctx)
	if c.Actor.Principal.IsRoot() && c.Actor.Account == c.Scope.Account && s.Policies == nil {
		return nil // nothing but a resource policy can deny the account's root
	}
	needs, err := h.access(ctx, in)
	if err != nil || len(needs) == 0 {
		return err
	}
	return f.permit(ctx, c, s.Policies, needs)
}

// Permit judges permissions beyond those of the operation itself, such as
// iam:PassRole for a function's role. A denial is a *fault.Error in AWS's own
// words.
func (f *Front) Permit(ctx context.Context, needs ...Access) error {
	if f.enforcement == Off {
		return nil
	}
	return f.permit(ctx, From(ctx), nil, needs)
}

// PermitOn is Permit for permissions that resource policies have a part in:
// those of the resources of the service with this model.
func (f *Front) PermitOn(ctx context.Context, m *schema.Model, needs ...Access) error {
	s := f.service(m)
	if f.enforcement == Off || s == nil {
		return nil
	}
	return f.permit(ctx, From(ctx), s.Policies, needs)
}

func (f *Front) permit(ctx context.Context, c *Call, resources ResourcePolicier, needs []Access) error {
	set, err := f.identities.Policies(ctx, &c.Actor)
	if err != nil {
		return err
	}
	for _, need := range needs {
		if need.Resource == "" {
			need.Resource = "*"
		} else {
			record.About(ctx, string(need.Resource))
		}
		req := policy.Request{
			Principal: c.Actor.Principal, Action: need.Action, Resource: need.Resource, ResourceAccount: ownerOf(need.Resource, c),
			Keys: requestKeys{ctx: ctx, f: f, call: c, more: need.Keys},
		}
		judged := set
		if resources != nil {
			doc, err := resources.ResourcePolicy(ctx, need.Resource)
			if err != nil {
				return err
			}
			if doc != nil {
				with := *set
				with.Resource, with.ResourceDecides = []*policy.Doc{doc}, doc.Kind().Decides()
				judged = &with
			}
		}
		if d := judged.Evaluate(&req); !d.Allowed() {
			if f.denials != nil {
				f.denials.Denied(ctx, c.Actor, req, d)
			}
			if f.enforcement == Enforce {
				return fault.New(accessDenied, "%s", d.Message(&req)).With(http.StatusForbidden)
			}
		}
	}
	return nil
}

// ownerOf is the account that owns a resource: the one in its ARN, and where
// that has none (buckets, REST APIs) or is AWS's own (managed policies), the
// account that the call goes to.
func ownerOf(resource arn.ARN, c *Call) string {
	a := resource.Account()
	for i := range len(a) {
		if a[i] < '0' || a[i] > '9' {
			return c.Scope.Account
		}
	}
	return or(a, c.Scope.Account)
}

// accessDenied stands for the code of a denial until the answer is encoded in
// a protocol: services differ in its name and status.
const accessDenied = "AccessDenied"

// requestKeys are the condition keys that every request has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
type requestKeys struct {
	ctx  context.Context
	f    *Front
	call *Call
	more policy.Keys
}

// Key implements [policy.Keys].
func (k requestKeys) Key(name string) (policy.Value, bool) {
	if k.more != nil {
		if v, ok := k.more.Key(name); ok {
			return v, true
		}
	}
	c := k.call
	switch name {
	case "aws:currenttime":
		return policy.One(k.f.model.Now().Time().Format(isoTime)), true
	case "aws:epochtime":
		return policy.One(itoa(k.f.model.Now().Unix())), true
	case "aws:requestedregion":
		return policy.One(c.Scope.Region), c.Scope.Region != ""
	case "aws:securetransport":
		return policy.Bool(c.TLS), true
	case "aws:sourceip":
		return policy.One(c.SourceIP), c.SourceIP != ""
	case "aws:useragent":
		return policy.One(c.UserAgent), c.UserAgent != ""
	case "aws:sourcearn":
		return policy.One(c.Actor.SourceARN.String()), c.Actor.SourceARN != ""
	case "aws:sourceaccount":
		a := c.Actor.SourceARN.Account()
		if a == "" {
			a = c.Actor.Account
		}
		return policy.One(a), c.Actor.SourceARN != ""
	case "aws:userid":
		return policy.One(c.Actor.UserID), c.Actor.UserID != ""
	case "aws:username":
		return policy.One(userName(c.Actor.Principal.ARN)), userName(c.Actor.Principal.ARN) != ""
	case "aws:viaawsservice":
		return policy.Bool(c.Via != ""), true
	}
	if tag, ok := strings.CutPrefix(name, "aws:principaltag/"); ok {
		return k.principalTag(tag)
	}
	if c.Actor.Session == nil {
		return policy.Value{}, false
	}
	switch se := c.Actor.Session; name {
	case "aws:tokenissuetime":
		return policy.One(se.Issued.Time().Format(isoTime)), !se.Issued.IsZero()
	case "aws:sourceidentity":
		return policy.One(se.SourceIdentity), se.SourceIdentity != ""
	case "aws:multifactorauthpresent":
		return policy.Bool(false), true // of temporary credentials only; there are no devices here
	}
	return policy.Value{}, false
}

const isoTime = "2006-01-02T15:04:05Z"

// principalTag is a tag of the session, or else of the user or role.
func (k requestKeys) principalTag(key string) (policy.Value, bool) {
	if se := k.call.Actor.Session; se != nil {
		if v, ok := tagFold(se.Tags, key); ok {
			return v, true
		}
	}
	tagger, ok := k.f.identities.(Tagger)
	if !ok {
		return policy.Value{}, false
	}
	tags, err := tagger.PrincipalTags(k.ctx, &k.call.Actor)
	if err != nil {
		k.f.log.ErrorContext(k.ctx, "reading the tags of a principal", "principal", k.call.Actor.Principal.ARN, "err", err)
	}
	return tagFold(tags, key)
}

func tagFold(tags map[string]string, key string) (policy.Value, bool) {
	for k, v := range tags {
		if equalFold(k, key) {
			return policy.One(v), true
		}
	}
	return policy.Value{}, false
}

// userName is the name of an IAM user, without its path.
func userName(a arn.ARN) string {
	const user = "user/"
	r := a.Parts().Resource
	if len(r) <= len(user) || r[:len(user)] != user {
		return ""
	}
	for i := len(r) - 1; i >= 0; i-- {
		if r[i] == '/' {
			return r[i+1:]
		}
	}
	return ""
}
