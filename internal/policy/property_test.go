package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/arn"
)

// A world makes random documents and requests out of few names, so that they
// often meet.
type world struct {
	*rand.Rand
	t *testing.T
}

// each runs a property in many worlds and names the seed of one that breaks
// it.
func each(t *testing.T, property func(w *world) string) {
	t.Helper()
	for seed := range uint64(800) {
		w := &world{rand.New(rand.NewPCG(seed, 1)), t}
		if broken := property(w); broken != "" {
			t.Fatalf("seed %d: %s", seed, broken)
		}
	}
}

func pick[T any](w *world, from ...T) T { return from[w.IntN(len(from))] }

func (w *world) list(from ...string) string {
	n := 1 + w.IntN(2)
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%q", pick(w, from...))
	}
	return "[" + strings.Join(out, ",") + "]"
}

func (w *world) statement(k Kind, effect string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"Effect":%q,`, effect)
	if k == Resource {
		fmt.Fprintf(&b, `%q:{"AWS":%s},`, pick(w, "Principal", "Principal", "NotPrincipal"),
			w.list("*", "123456789012", "999999999999", ana.ARN.String(), worker.ARN.String(), worker.Issuer.String()))
	}
	fmt.Fprintf(&b, `%q:%s,`, pick(w, "Action", "Action", "NotAction"), w.list("*", "s3:*", "s3:Get*", "sqs:*", "sqs:SendMessage", "s3:?etObject"))
	fmt.Fprintf(&b, `%q:%s`, pick(w, "Resource", "Resource", "NotResource"), w.list("*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${k}", "arn:aws:sqs:*:*:q", "arn:aws:sqs"))
	if w.IntN(3) == 0 {
		fmt.Fprintf(&b, `,"Condition":{%q:{"k":%s}}`,
			pick(w, "StringEquals", "StringNotEquals", "StringLikeIfExists", "ForAllValues:StringLike", "ForAnyValue:StringNotLike"),
			w.list("x", "y", "*", "${k}"))
	}
	b.WriteString("}")
	return b.String()
}

func (w *world) doc(k Kind) *Doc {
	var list []string
	for range 1 + w.IntN(3) {
		list = append(list, w.statement(k, pick(w, "Allow", "Allow", "Deny")))
	}
	return statements(w.t, k, list...)
}

func (w *world) docs(k Kind, max int) []*Doc {
	var out []*Doc
	for range w.IntN(max + 1) {
		out = append(out, w.doc(k))
	}
	return out
}

func (w *world) set() Set {
	s := Set{Identity: w.docs(Identity, 2), Boundary: w.docs(Boundary, 1), Session: w.docs(Session, 1), Resource: w.docs(Resource, 1)}
	if w.IntN(4) == 0 {
		s.Control = [][]*Doc{{w.doc(Control)}}
	}
	s.ResourceDecides = w.IntN(8) == 0
	return s
}

func (w *world) request() Request {
	r := Request{
		Principal: pick(w, ana, worker, Principal{ARN: scope.Root()}, Principal{ARN: other.User("", "eve")}, Principal{Service: "s3.amazonaws.com"}, Principal{}),
		Action:    pick(w, "s3:GetObject", "s3:PutObject", "sqs:SendMessage"),
		Resource:  pick(w, scope.Bucket("b"), scope.Object("b", "x"), scope.Queue("q"), arn.ARN("*")),
	}
	switch w.IntN(4) {
	case 0:
		r.Keys = KeyMap{"k": One("x")}
	case 1:
		r.Keys = KeyMap{"k": Many("x", "y")}
	case 2:
		r.Keys = KeyMap{}
	}
	return r
}

func TestDenyOverrides(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		deny := func(k Kind, principal string) *Doc {
			return statements(t, k, `{"Effect":"Deny",`+principal+`"Action":"*","Resource":"*"}`)
		}
		if r.Principal.ARN == "" || w.IntN(2) == 0 {
			s.Resource = append(s.Resource, deny(Resource, `"Principal":"*",`))
		} else {
			switch w.IntN(4) {
			case 0:
				s.Identity = append(s.Identity, deny(Identity, ""))
			case 1:
				s.Boundary = append(s.Boundary, deny(Boundary, ""))
			case 2:
				s.Session = append(s.Session, deny(Session, ""))
			case 3:
				s.Control = append(s.Control, []*Doc{deny(Control, "")})
			}
		}
		if d := s.Evaluate(&r); d.Outcome != ExplicitDeny {
			return fmt.Sprintf("%v in spite of a deny: %+v", d.Outcome, r)
		}
		return ""
	})
}

func TestDefaultIsDeny(t *testing.T) {
	each(t, func(w *world) string {
		r := w.request()
		if r.Principal.IsRoot() {
			return ""
		}
		var s Set
		if w.IntN(2) == 0 { // denies and limits do not grant either
			s = Set{
				Identity: []*Doc{statements(t, Identity, w.statement(Identity, "Deny"))},
				Boundary: w.docs(Boundary, 1),
				Session:  w.docs(Session, 1),
			}
		}
		if s.Evaluate(&r).Allowed() {
			return fmt.Sprintf("allowed without an allow: %+v", r)
		}
		return ""
	})
}

// Another allow, anywhere that is already consulted, never takes access away.
func TestAllowsAreMonotone(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		before := s.Evaluate(&r)
		more := s
		k := pick(w, Identity, Resource, Boundary, Session)
		add := statements(t, k, w.statement(k, "Allow"))
		switch {
		case k == Identity:
			more.Identity = append([]*Doc{add}, s.Identity...)
		case k == Resource:
			more.Resource = append([]*Doc{add}, s.Resource...)
		case k == Boundary && len(s.Boundary) > 0:
			more.Boundary = append([]*Doc{add}, s.Boundary...)
		case k == Session && len(s.Session) > 0:
			more.Session = append([]*Doc{add}, s.Session...)
		}
		if after := more.Evaluate(&r); before.Allowed() && !after.Allowed() {
			return fmt.Sprintf("%v, with one more allow %v: %+v", before.Outcome, after.Outcome, r)
		}
		return ""
	})
}

// Another deny, or a limit where there was none, never gives access.
func TestDeniesAndLimitsAreMonotone(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		before := s.Evaluate(&r)
		less := s
		switch w.IntN(4) {
		case 0:
			less.Identity = append([]*Doc{statements(t, Identity, w.statement(Identity, "Deny"))}, s.Identity...)
		case 1:
			less.Resource = append([]*Doc{statements(t, Resource, w.statement(Resource, "Deny"))}, s.Resource...)
		case 2:
			if len(s.Boundary) == 0 {
				less.Boundary = []*Doc{w.doc(Boundary)}
			}
		case 3:
			less.Control = append([][]*Doc{{w.doc(Control)}}, s.Control...)
		}
		if after := less.Evaluate(&r); !before.Allowed() && after.Allowed() {
			return fmt.Sprintf("%v, with more to forbid it %v: %+v", before.Outcome, after.Outcome, r)
		}
		return ""
	})
}

// For one statement, NotAction matches exactly what Action does not; the same
// for resources, unless a variable voids the statement.
func TestNotIsTheComplement(t *testing.T) {
	each(t, func(w *world) string {
		r := w.request()
		r.Principal = ana
		patterns := w.list("*", "s3:*", "s3:Get*", "sqs:*", "sqs:SendMessage", "s3:?etObject")
		resources := w.list("*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:sqs:*:*:q", "arn:aws:sqs")
		allows := func(action, resource string) bool {
			s := Set{Identity: []*Doc{statements(t, Identity, fmt.Sprintf(`{"Effect":"Allow",%q:%s,%q:%s}`, action, patterns, resource, resources))}}
			return s.Evaluate(&r).Allowed()
		}
		yes := allows("Action", "Resource")
		if yes && (allows("NotAction", "Resource") || allows("Action", "NotResource") || allows("NotAction", "NotResource")) {
			return fmt.Sprintf("Action %s, Resource %s and their complements both match %+v", patterns, resources, r)
		}
		n := 0
		for _, a := range []string{"Action", "NotAction"} {
			for _, b := range []string{"Resource", "NotResource"} {
				if allows(a, b) {
					n++
				}
			}
		}
		if n != 1 {
			return fmt.Sprintf("%d of the four complements of %s, %s match %+v", n, patterns, resources, r)
		}
		return ""
	})
}

// The order of documents and statements does not matter to the answer.
func TestOrderDoesNotMatter(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		before := s.Evaluate(&r)
		for _, list := range [][]*Doc{s.Identity, s.Boundary, s.Session, s.Resource} {
			w.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			for i, d := range list {
				c := *d
				c.statements = append([]Statement(nil), d.statements...)
				w.Shuffle(len(c.statements), func(i, j int) { c.statements[i], c.statements[j] = c.statements[j], c.statements[i] })
				list[i] = &c
			}
		}
		if after := s.Evaluate(&r); after.Outcome != before.Outcome || after.Kind != before.Kind {
			return fmt.Sprintf("%v by %v, shuffled %v by %v", before.Outcome, before.Kind, after.Outcome, after.Kind)
		}
		return ""
	})
}

// Adding the grants that decisions ask for leads to an allow, in at most one
// step for each kind of policy.
func TestGrantsSuffice(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		for range 6 {
			d := s.Evaluate(&r)
			g, ok := GrantFor(&r, d)
			if !ok {
				if d.Outcome == ImplicitDeny {
					return "no grant for an implicit deny"
				}
				return ""
			}
			doc := statements(t, g.Kind, g.JSON())
			switch g.Kind {
			case Identity:
				s.Identity = append(s.Identity, doc)
			case Boundary:
				s.Boundary = append(s.Boundary, doc)
			case Session:
				s.Session = append(s.Session, doc)
			case Resource:
				s.Resource = append(s.Resource, doc)
			case Control:
				for i := range s.Control {
					s.Control[i] = append(s.Control[i], doc)
				}
			}
		}
		return fmt.Sprintf("still %+v after all grants: %+v", s.Evaluate(&r), r)
	})
}

// Explain agrees with Evaluate about every statement that Evaluate cites.
func TestExplainAgrees(t *testing.T) {
	each(t, func(w *world) string {
		s, r := w.set(), w.request()
		tr := s.Explain(&r)
		if d := s.Evaluate(&r); tr.Decision != d {
			return fmt.Sprintf("decisions differ: %+v and %+v", tr.Decision, d)
		}
		if tr.Decision.Doc == nil {
			return ""
		}
		for _, step := range tr.Steps {
			if step.Doc == tr.Decision.Doc && step.Statement == tr.Decision.Statement && step.Matched() {
				return ""
			}
		}
		return "the statement that decided is not among those that matched"
	})
}
