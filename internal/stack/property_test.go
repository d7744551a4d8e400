package stack

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/template"
)

// randomTemplate returns a template of up to n resources that refer to each
// other without circles. Resources keep their type over all templates.
func randomTemplate(r *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	var ids []string
	for i := range n {
		if len(ids) > 0 && r.IntN(4) == 0 {
			continue
		}
		id := fmt.Sprintf("R%d", i)
		typ := []string{"Test::Item", "Test::Thing"}[i%2]
		text := fmt.Sprintf("v%d", r.IntN(3))
		for _, dep := range ids {
			switch r.IntN(5) {
			case 0:
				text += fmt.Sprintf(" <${%s}>", dep)
			case 1:
				text += fmt.Sprintf(" <${%s}> ${%s.Text}", dep, dep)
			}
		}
		if i%2 == 1 {
			text = strings.ReplaceAll(text, ".Text}", ".Arn}")
		}
		fmt.Fprintf(&b, "  %s:\n    Type: %s\n", id, typ)
		if len(ids) > 0 && r.IntN(5) == 0 {
			fmt.Fprintf(&b, "    DependsOn: %s\n", ids[r.IntN(len(ids))])
		}
		fmt.Fprintf(&b, "    Properties: {Fixed: f%d, Text: !Sub %q}\n", r.IntN(2), text)
		ids = append(ids, id)
	}
	// Only items have the attribute Text, and only things have Arn.
	out := b.String()
	for i := range n {
		from, to := ".Arn}", ".Text}"
		if i%2 == 1 {
			from, to = to, from
		}
		out = strings.ReplaceAll(out, fmt.Sprintf("${R%d%s", i, from), fmt.Sprintf("${R%d%s", i, to))
	}
	return out
}

// mentioned returns the physical ids in the text of a resource.
func mentioned(props string) []string {
	var out []string
	for {
		_, rest, ok := strings.Cut(props, "<")
		if !ok {
			return out
		}
		id, rest, _ := strings.Cut(rest, ">")
		out, props = append(out, id), rest
	}
}

// ordered checks each call as it is made: what it mentions exists, and what it
// deletes is mentioned by nobody. The world is locked.
func (w *world) ordered(call string, r Request) {
	if call == "delete" {
		for id, props := range w.items {
			if id != r.PhysicalID && slices.Contains(mentioned(props), r.PhysicalID) {
				w.t.Errorf("delete %s %s while %s mentions it: %s", r.LogicalID, r.PhysicalID, id, props)
			}
		}
		return
	}
	for _, id := range mentioned(string(r.Properties.AppendJSON(nil))) {
		if _, ok := w.items[id]; !ok {
			w.t.Errorf("%s %s mentions %s, which does not exist", call, r.LogicalID, id)
		}
	}
}

// TestRandomHistories takes stacks through random updates, some of which fail:
// every call respects the order of the resources, a success leaves exactly what
// the template says, and a failure leaves exactly what was there before.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			w.order = w.ordered
			s := newRig(t, w, 4)
			defer s.close()
			exists := false
			for step := range 8 {
				body := randomTemplate(r, 9)
				clear(w.fails)
				if r.IntN(3) == 0 {
					// Only with a text that the update brings: so the way back works.
					verb := []string{"create", "update"}[r.IntN(2)]
					w.fails[fmt.Sprintf("%s R%d/step%d", verb, r.IntN(9), step)] = "no"
				}
				body = strings.ReplaceAll(body, `!Sub "`, fmt.Sprintf(`!Sub "step%d `, step))
				before := maps.Clone(w.items)
				st := s.upAndWait(t, body)
				switch {
				case st.Status == RollbackComplete:
					exists = false
					if len(w.items) != 0 {
						t.Fatalf("step %d: left behind %v", step, w.ids())
					}
				case st.Status == UpdateRollbackComplete:
					if diff := cmp.Diff(before, w.items); diff != "" {
						t.Fatalf("step %d: after the rollback (-before +after):\n%s", step, diff)
					}
				case st.Status.Failed():
					t.Fatalf("step %d: %s %s", step, st.Status, st.Reason)
				default:
					exists = true
					s.matches(t, step, body)
				}
			}
			if !exists {
				return
			}
			clear(w.fails)
			id := s.stackID()
			if err := s.e.Delete(t.Context(), DeleteRequest{Scope: testScope, Name: id}); err != nil {
				t.Fatal(err)
			}
			if st, err := s.e.Wait(t.Context(), testScope, id); err != nil || st.Status != DeleteComplete || len(w.items) != 0 {
				t.Fatalf("after the deletion: %v, %v, left %v", st.Status, err, w.ids())
			}
		})
	}
}

func (r *rig) upAndWait(t *testing.T, body string) *Stack {
	t.Helper()
	out, err := r.e.Up(t.Context(), deploy(t, body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	st, err := r.e.Wait(t.Context(), testScope, out.StackID)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// matches checks that what exists is what the template says.
func (r *rig) matches(t *testing.T, step int, body string) {
	t.Helper()
	_, rs, err := r.e.Resources(t.Context(), testScope, "app")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, _ := template.Parse(&template.File{Text: []byte(body)})
	if len(rs) != len(tmpl.Resources) || len(r.w.items) != len(rs) {
		t.Fatalf("step %d: %d resources and %d things for a template of %d", step, len(rs), len(r.w.items), len(tmpl.Resources))
	}
	ids := map[string]string{}
	for _, res := range rs {
		ids[res.LogicalID] = res.PhysicalID
	}
	for _, res := range tmpl.Resources {
		have := r.w.items[ids[res.LogicalID]]
		sub := res.Properties.Get("Text", "Fn::Sub").Text
		for _, dep := range mentioned(strings.NewReplacer("<${", "<", "}>", ">").Replace(sub)) {
			if !slices.Contains(mentioned(have), ids[dep]) {
				t.Errorf("step %d: %s does not mention %s (%s): %s", step, res.LogicalID, dep, ids[dep], have)
			}
		}
		if want := strings.SplitN(sub, " <", 2)[0]; !strings.Contains(have, want) {
			t.Errorf("step %d: %s is %s, want %q in it", step, res.LogicalID, have, want)
		}
	}
}
