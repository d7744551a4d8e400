package policy

// A Set is the documents that apply to one request. Empty lists of Boundary,
// Session and Control mean that there is none, which limits nothing.
type Set struct {
	Identity []*Doc   // of the user and its groups, or of the role
	Boundary []*Doc   // the permissions boundary of the user or role
	Session  []*Doc   // of the session; any of them may allow
	Resource []*Doc   // of the resource: its policy, key policy or trust policy
	Control  [][]*Doc // service control policies, a list for each level of the organisation

	// ResourceDecides is set for role trust and KMS key policies: without an
	// allow in Resource nothing is allowed, not even to the account's root.
	ResourceDecides bool
}

// An Outcome is how a decision came about.
type Outcome uint8

const (
	ImplicitDeny Outcome = iota // nothing allowed it
	ExplicitDeny                // a statement denied it
	Allowed                     // a statement allowed it, or the caller is root
)

// String returns the outcome's name as the IAM policy simulator spells it.
func (o Outcome) String() string {
	switch o {
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}

// A Decision is the answer to a request.
type Decision struct {
	Outcome Outcome

	// Kind is the kind of policy that decided: the one that allowed, that
	// denied, or whose allow was missing.
	Kind Kind

	// Doc and Statement are what allowed or denied. Doc is nil for an implicit
	// deny, and for what the root user may do without any policy.
	Doc       *Doc
	Statement int // an index of Doc.Statements
}

// Allowed reports whether the request may proceed.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// Sid returns the Sid of the statement that decided, if it has one.
func (d Decision) Sid() string {
	if d.Doc == nil {
		return ""
	}
	return d.Doc.statements[d.Statement].sid
}

// verdict is what the documents of one kind say.
type verdict struct {
	effect    Effect
	found     bool // a statement matched
	grip      grip // of the strongest allow
	doc       *Doc
	statement int
}

func (v *verdict) allows() bool { return v.found && v.effect == Allow }
func (v *verdict) denies() bool { return v.found && v.effect == Deny }

func (v *verdict) decide(o Outcome) Decision {
	return Decision{Outcome: o, Kind: v.doc.kind, Doc: v.doc, Statement: v.statement}
}

// judge goes through documents until one denies.
func judge(docs []*Doc, r *Request, t *target) (v verdict) {
	for _, d := range docs {
		for i := range d.statements {
			s := &d.statements[i]
			if s.effect == Allow && v.found && v.grip == gripDirect {
				continue // nothing stronger to find
			}
			g := s.matches(r, t)
			switch {
			case g == gripNone:
			case s.effect == Deny:
				return verdict{effect: Deny, found: true, doc: d, statement: i}
			case g > v.grip:
				v = verdict{effect: Allow, found: true, grip: g, doc: d, statement: i}
			}
		}
	}
	return v
}

// matches reports how the statement grips the request, or gripNone. Cheap
// tests come first, context keys last.
func (s *Statement) matches(r *Request, t *target) grip {
	if s.actions.has(r.Action) == s.notAction {
		return gripNone
	}
	if !s.matchesResource(r, t) {
		return gripNone
	}
	g := s.matchesPrincipal(&r.Principal)
	if g == gripNone {
		return gripNone
	}
	for _, c := range s.conditions {
		if !c.holds(r) {
			return gripNone
		}
	}
	return g
}

func (s *Statement) matchesResource(r *Request, t *target) bool {
	if len(s.resources) == 0 { // a trust policy
		return true
	}
	void := false
	for i := range s.resources {
		ok, unresolved := s.resources[i].matches(t, r)
		if ok {
			return !s.notResource
		}
		void = void || unresolved
	}
	return s.notResource && !void
}

func (s *Statement) matchesPrincipal(p *Principal) grip {
	switch {
	case !s.hasPrincipal:
		return gripDirect
	case !s.notPrincipal:
		return s.principals.grip(p)
	case s.principals.excepts(p):
		return gripNone
	}
	return gripDirect
}

// Evaluate decides the request.
//
// The order is the documented one: an explicit deny anywhere; the
// organisation; then, within an account, an allow of the resource's policy or
// of the identity's, the latter within boundary and session policy; and
// between accounts, both.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func (s *Set) Evaluate(r *Request) Decision {
	t := newTarget(r.Resource)
	own := r.Principal.ARN != "" // has policies of its own; services and strangers have not
	var identity, boundary, session verdict

	missingControl := false
	if own {
		for _, level := range s.Control {
			v := judge(level, r, &t)
			if v.denies() {
				return v.decide(ExplicitDeny)
			}
			missingControl = missingControl || !v.allows()
		}
	}
	resource := judge(s.Resource, r, &t)
	if resource.denies() {
		return resource.decide(ExplicitDeny)
	}
	if !own {
		if resource.allows() {
			return resource.decide(Allowed)
		}
		return s.lacksResource()
	}
	for _, of := range [...]struct {
		v    *verdict
		docs []*Doc
	}{{&identity, s.Identity}, {&boundary, s.Boundary}, {&session, s.Session}} {
		if *of.v = judge(of.docs, r, &t); of.v.denies() {
			return of.v.decide(ExplicitDeny)
		}
	}

	root := r.Principal.IsRoot()
	bounded := len(s.Boundary) == 0 || boundary.allows()
	inSession := len(s.Session) == 0 || session.allows()
	account := r.resourceAccount()
	crosses := account != "" && account != r.Principal.Account()

	switch {
	case missingControl:
		return Decision{Outcome: ImplicitDeny, Kind: Control}
	case !crosses && resource.allows() && resource.grip == gripDirect:
		// Granted to the very user or session: implicit denies elsewhere do
		// not limit it.
		return resource.decide(Allowed)
	case !crosses && s.ResourceDecides && !resource.allows():
		return s.lacksResource()
	case !crosses && resource.allows() && resource.grip == gripIssuer:
		// Granted to the role: only its identity-based policies do not matter.
		if bounded && inSession {
			return resource.decide(Allowed)
		}
	case !root && !identity.allows():
		return Decision{Outcome: ImplicitDeny, Kind: Identity}
	}
	switch {
	case !bounded:
		return Decision{Outcome: ImplicitDeny, Kind: Boundary}
	case !inSession:
		return Decision{Outcome: ImplicitDeny, Kind: Session}
	case crosses && !resource.allows():
		return s.lacksResource()
	case identity.allows():
		return identity.decide(Allowed)
	}
	return Decision{Outcome: Allowed, Kind: Identity} // root
}

// lacksResource is the implicit deny of a resource's policy.
func (s *Set) lacksResource() Decision {
	k := Resource
	if len(s.Resource) > 0 {
		k = s.Resource[0].kind
	}
	return Decision{Outcome: ImplicitDeny, Kind: k}
}
