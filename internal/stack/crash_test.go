package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// mortal is an engine that dies with the process: from then on it answers
// nothing, and what it has committed is there for the next one.
type mortal struct {
	driver.Engine
	mu     sync.Mutex
	steps  int // counted so far: commits and the two sides of a provider's effect
	dieAt  int // the step at which it dies; zero: never
	died   bool
	deaths string // what it died of
}

var errDead = errors.New("the process is dead")

// step counts a step, and dies with it. alive is false from then on.
func (m *mortal) step(what string) (alive bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.died {
		return false
	}
	m.steps++
	if m.steps == m.dieAt {
		m.died, m.deaths = true, what
	}
	return !m.died
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.died
}

func (m *mortal) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	if m.dead() {
		return nil, errDead
	}
	return m.Engine.Snapshot(ctx, f)
}

func (m *mortal) Commit(ctx context.Context, bs []*driver.Batch) []driver.Result {
	fail := func() []driver.Result {
		rs := make([]driver.Result, len(bs))
		for i := range rs {
			rs[i].Err = errDead
		}
		return rs
	}
	if len(bs[0].Ops) == 0 {
		if m.dead() {
			return fail()
		}
		return m.Engine.Commit(ctx, bs)
	}
	if !m.step("before a commit") {
		return fail()
	}
	rs := m.Engine.Commit(ctx, bs)
	if !m.step("after a commit") {
		return fail()
	}
	return rs
}

func (m *mortal) Close() error { return nil } // the next process opens it again

// scenario is an operation to be interrupted.
type scenario struct {
	name  string
	setup []string          // templates deployed before
	fails map[string]string // of the operation only
	do    func(r *rig) error
}

const (
	crashV1 = `
Resources:
  A: {Type: Test::Item, Properties: {Text: one}}
  B: {Type: Test::Thing, Properties: {Fixed: a, Text: !Ref A}}
  C: {Type: Test::Item, Properties: {Text: !Ref B}}
  Gone: {Type: Test::Thing, DependsOn: C}
Outputs:
  Id: {Value: !Ref B, Export: {Name: shared}}
`
	crashV2 = `
Resources:
  A: {Type: Test::Item, Properties: {Text: two}}
  B: {Type: Test::Thing, Properties: {Fixed: b, Text: !Ref A}}
  C: {Type: Test::Item, Properties: {Text: !Sub "two ${B}"}}
  D: {Type: Test::Thing, Properties: {Text: !Ref C}}
Outputs:
  Id: {Value: !Ref B, Export: {Name: shared}}
`
)

func scenarios(t testing.TB) []scenario {
	create := func(body string) func(*rig) error {
		return func(r *rig) error { _, err := r.e.Create(context.Background(), deploy(t, body)); return err }
	}
	update := func(body string) func(*rig) error {
		return func(r *rig) error { _, err := r.e.Update(context.Background(), deploy(t, body)); return err }
	}
	return []scenario{
		{name: "create", do: create(crashV1)},
		{name: "create fails", do: create(crashV1), fails: map[string]string{"create C": "no room"}},
		{name: "update", setup: []string{crashV1}, do: update(crashV2)},
		{name: "update fails", setup: []string{crashV1}, do: update(crashV2), fails: map[string]string{"create D": "no room"}},
		{name: "update fails in place", setup: []string{crashV1}, do: update(crashV2), fails: map[string]string{"update C/two": "locked"}},
		{name: "delete", setup: []string{crashV2}, do: func(r *rig) error {
			return r.e.Delete(context.Background(), DeleteRequest{Scope: testScope, Name: "app"})
		}},
	}
}

// result is what an operation leaves behind.
type result struct {
	Status  Status
	World   map[string]string
	Exports []string
	// Resources that exist, with their statuses.
	Resources map[string]string
}

// plain takes the random parts out of names: they depend on the stack's id.
func plain(s string) string {
	return regexp.MustCompile(`app-(\w+)-[0-9A-Z]{13}`).ReplaceAllString(s, "app-$1-*")
}

// outcome reads what there is of the stack with an id.
func (r *rig) outcome(id string) result {
	r.t.Helper()
	ctx := context.Background()
	st, rs, err := r.e.Resources(ctx, testScope, id)
	if err != nil {
		r.t.Fatal(err)
	}
	out := result{Status: st.Status, World: map[string]string{}, Resources: map[string]string{}}
	for id, props := range r.w.items {
		out.World[plain(id)] = plain(props)
	}
	for _, res := range rs {
		if !res.exists() {
			continue
		}
		out.Resources[res.LogicalID] = plain(fmt.Sprintf("%s %s %s", res.PhysicalID, res.Status, res.Properties))
		if res.Intent != nil || res.Before != nil || res.New || len(res.Strays) > 0 {
			r.t.Errorf("%s is not done with: %+v", res.LogicalID, res)
		}
		if have, ok := r.w.items[res.PhysicalID]; !ok {
			r.t.Errorf("%s has %s, which does not exist", res.LogicalID, res.PhysicalID)
		} else if have != string(res.Properties) {
			r.t.Errorf("%s is %s and recorded as %s", res.LogicalID, have, res.Properties)
		}
	}
	if len(out.Resources) != len(r.w.items) {
		r.t.Errorf("%d things exist for %d resources: %v", len(r.w.items), len(out.Resources), r.w.ids())
	}
	xs, err := r.e.Exports(ctx, testScope)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, x := range xs {
		out.Exports = append(out.Exports, plain(x.Name+" = "+x.Value))
	}
	_, events, _, err := r.e.Events(ctx, testScope, id, "", 1)
	if err != nil {
		r.t.Fatal(err)
	}
	if events[0].Status != st.Status {
		r.t.Errorf("the newest event is %s, the stack %s", events[0].Status, st.Status)
	}
	err = r.db.View(ctx, func(s *kv.Snap) error {
		l := layoutOf(cell(testScope))
		for _, left := range []string{"op", "active"} {
			for p, err := range s.Scan(l.prefix(left), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				r.t.Errorf("%s is left behind", p.Key)
			}
		}
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// stackID returns the id of the stack app, before it is gone.
func (r *rig) stackID() string {
	st, err := r.e.Stack(context.Background(), testScope, "app")
	if IsNoStack(err) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return st.ID
}

// play runs a scenario in which the process dies at the given steps, each
// counted from the start of a process, and returns what is left in the end and
// the number of steps of the last process.
func (s scenario) play(t *testing.T, dieAt ...int) (result, int, bool) {
	w := newWorld(t)
	store := memkv.New()
	first := newRigOver(t, w, 1, &mortal{Engine: store})
	for i, body := range s.setup {
		var err error
		if i == 0 {
			_, err = first.e.Create(t.Context(), deploy(t, body))
		} else {
			_, err = first.e.Update(t.Context(), deploy(t, body))
		}
		if err != nil {
			t.Fatal(err)
		}
		if st, err := first.e.Wait(t.Context(), testScope, "app"); err != nil || st.Status.Failed() {
			t.Fatalf("set-up: %v %v", st, err)
		}
	}
	id := first.stackID()
	first.close()
	maps.Copy(w.fails, s.fails)

	died := false
	for life := 0; ; life++ {
		m := &mortal{Engine: store}
		if life < len(dieAt) {
			m.dieAt = dieAt[life]
		}
		r := newRigOver(t, w, 1, m)
		r.ids = 1000 * (life + 1)
		w.before = func(call string) { m.step("before " + call) }
		w.after = func(call string) { m.step("after " + call) }
		w.dead = m.dead
		err := r.e.Start(context.Background())
		r.e.done.Wait() // for what it goes on with
		if err == nil && !m.dead() {
			if id == "" {
				id = r.stackID()
			}
			if id == "" || !r.begun(id, len(s.setup)) { // not begun, or it died before that was recorded
				err = s.do(r)
			}
		}
		if err != nil && !errors.Is(err, errDead) {
			t.Fatal(err)
		}
		r.e.done.Wait()
		if m.dead() {
			died = true
			r.close()
			continue
		}
		if id == "" {
			id = r.stackID()
		}
		out := r.outcome(id)
		steps := m.steps
		r.close()
		return out, steps, died
	}
}

// begun reports whether the operation after so many others was recorded.
func (r *rig) begun(id string, before int) bool {
	st, err := r.e.Stack(context.Background(), testScope, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return st.Operations > before
}

// TestCrashMatrix lets the process die at every commit and at every call of a
// provider, before and after it took effect, and once more while the next
// process goes on. Whatever happens, in the end the stack is what it is
// without a crash, and nothing is left behind.
func TestCrashMatrix(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			want, steps, _ := s.play(t)
			if steps < 10 {
				t.Fatalf("only %d steps", steps)
			}
			for at := 1; at <= steps; at++ {
				got, _, died := s.play(t, at)
				if !died {
					t.Fatalf("no death at step %d of %d", at, steps)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("after a death at step %d (-want +got):\n%s", at, diff)
				}
				for _, second := range []int{3} {
					got, _, _ := s.play(t, at, second)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("after deaths at steps %d and %d (-want +got):\n%s", at, second, diff)
					}
				}
				if t.Failed() {
					t.Fatalf("after a death at step %d", at)
				}
			}
		})
	}
}
