package policy

// A Trace is a decision together with how each statement took part in it.
type Trace struct {
	Decision Decision
	Steps    []Step
}

// A Step says whether a statement matched the request, and if not, why not.
type Step struct {
	Doc       *Doc
	Statement int
	Miss      Miss
	Condition *ConditionMiss // when Miss is MissCondition
}

// Matched reports whether the statement took effect.
func (s Step) Matched() bool { return s.Miss == MissNothing }

// A Miss is the first element of a statement that does not match a request.
type Miss uint8

const (
	MissNothing Miss = iota
	MissAction
	MissResource
	MissPrincipal
	MissCondition
)

// String returns the name of the element.
func (m Miss) String() string {
	switch m {
	case MissAction:
		return "Action"
	case MissResource:
		return "Resource"
	case MissPrincipal:
		return "Principal"
	case MissCondition:
		return "Condition"
	}
	return ""
}

// A ConditionMiss is the condition that failed: what the policy wants and what
// the request has.
type ConditionMiss struct {
	Operator string
	Key      string
	Want     []string
	Got      []string // nil when the request does not have the key
}

// Explain evaluates the request and keeps a step for every statement. Where
// [Set.Evaluate] stops at the first deny, Explain looks at all, because that
// is what somebody who repairs a policy wants to know.
func (s *Set) Explain(r *Request) Trace {
	tr := Trace{Decision: s.Evaluate(r)}
	t := newTarget(r.Resource)
	lists := append([][]*Doc{}, s.Control...)
	for _, docs := range append(lists, s.Resource, s.Identity, s.Boundary, s.Session) {
		for _, d := range docs {
			for i := range d.statements {
				step := d.statements[i].explain(r, &t)
				step.Doc, step.Statement = d, i
				tr.Steps = append(tr.Steps, step)
			}
		}
	}
	return tr
}

func (s *Statement) explain(r *Request, t *target) Step {
	switch {
	case s.actions.has(r.Action) == s.notAction:
		return Step{Miss: MissAction}
	case !s.matchesResource(r, t):
		return Step{Miss: MissResource}
	case s.matchesPrincipal(&r.Principal) == gripNone:
		return Step{Miss: MissPrincipal}
	}
	for _, c := range s.conditions {
		if c.holds(r) {
			continue
		}
		miss := &ConditionMiss{Operator: c.operator, Key: c.name, Want: c.texts}
		if v, ok := r.key(c.key); ok {
			miss.Got = v.Strings()
		}
		return Step{Miss: MissCondition, Condition: miss}
	}
	return Step{}
}
