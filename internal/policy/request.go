package policy

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
)

// A Request is the question that policies answer: may this principal do this
// to that?
type Request struct {
	Principal Principal
	Action    string  // "dynamodb:PutItem"; compared without regard to case
	Resource  arn.ARN // "*" for an action that has no resource

	// ResourceAccount owns the resource. It is needed where the ARN does not
	// say, as for S3; empty means what the ARN says, or else the principal's
	// own account.
	ResourceAccount string

	// Keys answers for the request's context. It may be nil.
	Keys Keys
}

// A Principal is who asks. The zero Principal is an anonymous caller.
type Principal struct {
	// ARN is the user, the root user, or the session: for a function that runs
	// with a role it is arn:aws:sts::…:assumed-role/role/session.
	ARN arn.ARN

	// Issuer is the role, with its path, of which ARN is a session, or the
	// user who called GetFederationToken. It is empty for users.
	Issuer arn.ARN

	// Service is the service principal, for example s3.amazonaws.com, when an
	// AWS service acts for itself and not for a role.
	Service string

	// Federated is the identity provider that vouches for a caller who has no
	// ARN yet (AssumeRoleWithWebIdentity, AssumeRoleWithSAML).
	Federated string

	// CanonicalUser is the account's canonical user ID, which bucket policies
	// may name.
	CanonicalUser string
}

// Account returns the account to which the principal belongs, or nothing for
// services, federated and anonymous callers.
func (p *Principal) Account() string { return p.ARN.Account() }

// IsRoot reports whether the principal is an account's root user.
func (p *Principal) IsRoot() bool {
	parts := p.ARN.Parts()
	return parts.Service == "iam" && parts.Resource == "root"
}

// String returns the principal as AWS's messages name it.
func (p *Principal) String() string {
	switch {
	case p.ARN != "":
		return p.ARN.String()
	case p.Service != "":
		return p.Service
	case p.Federated != "":
		return p.Federated
	}
	return "anonymous"
}

// Keys looks up the context keys of a request. It is asked only for keys that
// a decision depends on, so expensive ones may be worked out on demand.
type Keys interface {
	// Key returns the value of a condition key. The name is in lower case,
	// the key of a tag included ("aws:resourcetag/team"): IAM compares both
	// without regard to case.
	Key(name string) (Value, bool)
}

// KeyMap is Keys over a map, whose names are in lower case.
type KeyMap map[string]Value

// Key implements [Keys].
func (m KeyMap) Key(name string) (Value, bool) {
	v, ok := m[name]
	return v, ok
}

// A Value is what a context key holds: one string, or for a multivalued key
// any number of them. Numbers, dates and booleans are in their text form;
// binary values are the bytes themselves.
type Value struct {
	one  string
	many []string
}

// One is the value of a single-valued key.
func One(s string) Value { return Value{one: s} }

// Bool is the value of a boolean key.
func Bool(b bool) Value {
	if b {
		return Value{one: "true"}
	}
	return Value{one: "false"}
}

// Many is the value of a multivalued key, such as aws:TagKeys. Without any
// string the key counts as absent.
func Many(s ...string) Value {
	if s == nil {
		s = []string{}
	}
	return Value{many: s}
}

// Strings returns the strings of the value.
func (v Value) Strings() []string {
	if v.many != nil {
		return v.many
	}
	return []string{v.one}
}

func (v *Value) single() bool { return v.many == nil }

func (v *Value) len() int {
	if v.many != nil {
		return len(v.many)
	}
	return 1
}

func (v *Value) at(i int) string {
	if v.many != nil {
		return v.many[i]
	}
	return v.one
}

// blank reports whether the value is a null data set to ForAllValues and
// ForAnyValue, "such as an empty string".
func (v *Value) blank() bool { return v.len() == 0 || v.len() == 1 && v.at(0) == "" }

// key looks a context key up. What the request says about the principal and
// the resource does not have to be repeated in Keys.
func (r *Request) key(name string) (Value, bool) {
	if r.Keys != nil {
		if v, ok := r.Keys.Key(name); ok {
			return v, true
		}
	}
	if !strings.HasPrefix(name, "aws:") {
		return Value{}, false
	}
	switch name {
	case "aws:principalarn": // of a session, the role: the documented meaning
		if r.Principal.Issuer != "" {
			return One(r.Principal.Issuer.String()), true
		}
		return One(r.Principal.ARN.String()), r.Principal.ARN != ""
	case "aws:principalaccount":
		a := r.Principal.Account()
		return One(a), a != ""
	case "aws:principaltype":
		t := r.Principal.kind()
		return One(t), t != ""
	case "aws:principalisawsservice":
		return Bool(r.Principal.Service != ""), true
	case "aws:principalservicename":
		return One(r.Principal.Service), r.Principal.Service != ""
	case "aws:resourceaccount":
		a := r.resourceAccount()
		return One(a), a != ""
	}
	return Value{}, false
}

// kind is the value of aws:PrincipalType.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable
func (p *Principal) kind() string {
	parts := p.ARN.Parts()
	switch {
	case p.ARN == "" && p.Service == "" && p.Federated == "":
		return "Anonymous"
	case p.IsRoot():
		return "Account"
	case strings.HasPrefix(parts.Resource, "user/"):
		return "User"
	case strings.HasPrefix(parts.Resource, "assumed-role/"):
		return "AssumedRole"
	case strings.HasPrefix(parts.Resource, "federated-user/"):
		return "FederatedUser"
	}
	return ""
}

func (r *Request) resourceAccount() string {
	if r.ResourceAccount != "" {
		return r.ResourceAccount
	}
	return r.Resource.Account()
}
