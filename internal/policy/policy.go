package policy

// A Kind is the part that a policy plays in a decision. It says what the
// document must hold, and how its allows and denies count.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#access_policy-types
type Kind uint8

const (
	Identity Kind = iota // attached to a user, a group or a role
	Resource             // attached to a resource: a bucket, a queue, a key
	Trust                // the role trust policy: who may assume the role
	Boundary             // a permissions boundary: the most that Identity may grant
	Session              // passed to AssumeRole or GetFederationToken
	Control              // a service control policy of the organisation
	Key                  // a KMS key policy, with the key's grants: a resource's, that decides
)

// String returns the kind as AWS's messages name it.
func (k Kind) String() string {
	switch k {
	case Identity:
		return "identity-based policy"
	case Resource, Key:
		return "resource-based policy"
	case Trust:
		return "role trust policy"
	case Boundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	case Control:
		return "service control policy"
	}
	return "policy"
}

// hasPrincipal reports whether statements of the kind say for whom they are.
func (k Kind) hasPrincipal() bool { return k == Resource || k == Trust || k == Key }

// Decides reports whether nothing is allowed on a resource that has such a
// policy unless the policy allows it: see [Set.ResourceDecides].
func (k Kind) Decides() bool { return k == Trust || k == Key }

// An Effect is what a statement does with a request that it matches.
type Effect uint8

const (
	Deny Effect = iota
	Allow
)

// String returns "Allow" or "Deny".
func (e Effect) String() string {
	if e == Allow {
		return "Allow"
	}
	return "Deny"
}

// A Doc is a compiled policy document.
type Doc struct {
	kind       Kind
	name       string
	version    string
	id         string
	statements []Statement
}

// Nothing returns a document of a kind that has no statement. IAM takes none
// such; it stands for a policy that allows nothing because it is not there.
func Nothing(k Kind) *Doc { return &Doc{kind: k, version: version2012} }

// Kind returns the kind as which the document was parsed.
func (d *Doc) Kind() Kind { return d.kind }

// Name returns what [Doc.Named] set: the ARN of a managed policy or the name
// of an inline one.
func (d *Doc) Name() string { return d.name }

// Version returns the version of the language, "2008-10-17" when the document
// does not say.
func (d *Doc) Version() string { return d.version }

// ID returns the document's Id.
func (d *Doc) ID() string { return d.id }

// Statements returns the statements, which must not be changed.
func (d *Doc) Statements() []Statement { return d.statements }

// Named returns the document under a name, by which decisions and traces can
// tell it from others.
func (d *Doc) Named(name string) *Doc {
	c := *d
	c.name = name
	return &c
}

// As returns the document in another part: a managed policy that is an
// identity-based policy here may be a boundary there. Only kinds without
// principals can stand for each other.
func (d *Doc) As(k Kind) *Doc {
	if d.kind == k {
		return d
	}
	if d.kind.hasPrincipal() || k.hasPrincipal() {
		panic("policy: a " + d.kind.String() + " cannot be a " + k.String())
	}
	c := *d
	c.kind = k
	return &c
}

// A Statement is one compiled statement of a document.
type Statement struct {
	sid          string
	effect       Effect
	text         string
	hasPrincipal bool
	notPrincipal bool
	principals   principalSet
	notAction    bool
	actions      actionSet
	notResource  bool
	resources    []resource // none in a trust policy, which is about its own role
	conditions   []*condition
}

// Sid returns the statement's identifier, which may be empty.
func (s *Statement) Sid() string { return s.sid }

// Effect returns what the statement does.
func (s *Statement) Effect() Effect { return s.effect }

// Text returns the statement's JSON as it was written.
func (s *Statement) Text() string { return s.text }

// Size returns the length of a document as IAM's quotas count it: white space
// does not.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func Size(document string) int {
	n := 0
	for _, c := range document {
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			n++
		}
	}
	return n
}
