package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/work"
)

const chain = `
Resources:
  A: {Type: Test::Item, Properties: {Text: %[1]s}}
  B: {Type: Test::Item, Properties: {Text: !Sub "%[1]s ${A}"}}
  C: {Type: Test::Item, Properties: {Text: !Sub "%[1]s ${B}"}}
`

func TestCancelUpdate(t *testing.T) {
	w := newWorld(t)
	r := newRig(t, w, 4)
	defer r.close()
	r.upAndWait(t, fmt.Sprintf(chain, "one"))
	if err := r.e.CancelUpdate(t.Context(), testScope, "app"); err == nil || !strings.Contains(err.Error(), "CancelUpdateStack cannot be called from current stack status") {
		t.Errorf("cancel at rest: %v", err)
	}
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.block = func(ctx context.Context, call string) error {
		if call == "update B" {
			close(reached)
			<-goOn
			w.block = nil
		}
		return nil
	}
	w.calls = nil
	if _, err := r.e.Update(t.Context(), deploy(t, fmt.Sprintf(chain, "two"))); err != nil {
		t.Fatal(err)
	}
	<-reached
	if err := r.e.CancelUpdate(t.Context(), testScope, "app"); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	st, err := r.e.Wait(t.Context(), testScope, "app")
	if err != nil || st.Status != UpdateRollbackComplete {
		t.Fatalf("%s %s: %v", st.Status, st.Reason, err)
	}
	var calls []string
	for _, c := range w.calls {
		calls = append(calls, strings.Join(strings.Fields(c)[:2], " "))
	}
	if got, want := strings.Join(calls, ", "), "update A, update B, update B, update A"; got != want {
		t.Errorf("calls: %s, want %s", got, want)
	}
	_, events, _, _ := r.e.Events(t.Context(), testScope, "app", "", 100)
	if !slices.ContainsFunc(events, func(e Event) bool { return e.Status == UpdateRollbackInProgress && e.Reason == "User Initiated" }) {
		t.Errorf("no event says that the user cancelled: %+v", events)
	}
}

// TestDeleteDuringCreation: what is made until then is removed again.
func TestDeleteDuringCreation(t *testing.T) {
	w := newWorld(t)
	r := newRig(t, w, 4)
	defer r.close()
	reached, goOn := make(chan struct{}), make(chan struct{})
	w.block = func(ctx context.Context, call string) error {
		if call == "create B" {
			close(reached)
			<-goOn
			w.block = nil
		}
		return nil
	}
	id, err := r.e.Create(t.Context(), deploy(t, fmt.Sprintf(chain, "one")))
	if err != nil {
		t.Fatal(err)
	}
	<-reached
	if err := r.e.Delete(t.Context(), DeleteRequest{Scope: testScope, Name: "app"}); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	st, err := r.e.Wait(t.Context(), testScope, id)
	if err != nil || st.Status != DeleteComplete || len(w.items) != 0 {
		t.Fatalf("%s %s: %v, left %v", st.Status, st.Reason, err, w.ids())
	}
	if _, err := r.e.Stack(t.Context(), testScope, "app"); !IsNoStack(err) {
		t.Errorf("the name is still taken: %v", err)
	}
	for _, c := range w.calls {
		if strings.HasPrefix(c, "create C") {
			t.Errorf("after the deletion: %s", c)
		}
	}
}

func TestCreationTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := newRig(t, w, 1)
		defer r.close()
		w.block = func(ctx context.Context, call string) error {
			if call == "create B" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		d := deploy(t, fmt.Sprintf(chain, "one"))
		d.TimeoutMinutes = 5
		if _, err := r.e.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		st, err := r.e.Wait(t.Context(), testScope, "app")
		if err != nil || st.Status != RollbackComplete {
			t.Fatalf("%s %s: %v", st.Status, st.Reason, err)
		}
		_, events, _, _ := r.e.Events(t.Context(), testScope, "app", "", 100)
		for _, e := range events {
			if e.Status == CreateFailed && (e.LogicalID != "B" || e.Reason != "Resource creation cancelled") {
				t.Errorf("event %+v", e)
			}
		}
		if len(w.items) != 0 {
			t.Errorf("left behind: %v", w.ids())
		}
	})
}

// TestStopInTheMiddle closes the engine while a provider is at work: nothing is
// recorded of that, and the next engine goes on.
func TestStopInTheMiddle(t *testing.T) {
	w := newWorld(t)
	store := memkv.New()
	first := newRigOver(t, w, 1, &mortal{Engine: store})
	reached := make(chan struct{})
	w.block = func(ctx context.Context, call string) error {
		if call == "create B" {
			close(reached)
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	if _, err := first.e.Create(t.Context(), deploy(t, fmt.Sprintf(chain, "one"))); err != nil {
		t.Fatal(err)
	}
	<-reached
	first.close()
	w.block = nil
	second := newRigOver(t, w, 1, store)
	second.ids = 1000
	defer second.close()
	st, err := second.e.Stack(t.Context(), testScope, "app")
	if err != nil || st.Status != CreateInProgress {
		t.Fatalf("after the stop: %v %v", st.Status, err)
	}
	if err := second.e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err = second.e.Wait(t.Context(), testScope, "app"); err != nil || st.Status != CreateComplete || len(w.items) != 3 {
		t.Fatalf("%s %s: %v, %v", st.Status, st.Reason, err, w.ids())
	}
}

// TestOneOperationAtATime begins operations on the same stack at once.
func TestOneOperationAtATime(t *testing.T) {
	w := newWorld(t)
	r := newRig(t, w, 1)
	defer r.close()
	r.upAndWait(t, fmt.Sprintf(chain, "one"))
	goOn := make(chan struct{})
	w.block = func(context.Context, string) error { <-goOn; return nil }
	errs := make(chan error)
	for i := range 8 {
		go func() {
			_, err := r.e.Update(t.Context(), deploy(t, fmt.Sprintf(chain, fmt.Sprint("two", i))))
			errs <- err
		}()
	}
	began := 0
	for range 8 {
		err := <-errs
		switch {
		case err == nil:
			began++
		case !strings.Contains(err.Error(), "is in UPDATE_IN_PROGRESS state and can not be updated."):
			t.Errorf("an update is refused with %v", err)
		}
	}
	if began != 1 {
		t.Errorf("%d updates began", began)
	}
	if err := r.e.Delete(t.Context(), DeleteRequest{Scope: testScope, Name: "app"}); err == nil {
		t.Error("the deletion began while the stack is updated")
	}
	if len(r.ledger.Entries()) != 1 || r.ledger.Entries()[0].Class != work.Stack {
		t.Errorf("under way: %+v", r.ledger.Entries())
	}
	close(goOn)
	if st, err := r.e.Wait(t.Context(), testScope, "app"); err != nil || st.Status != UpdateComplete {
		t.Fatalf("%v %v", st.Status, err)
	}
	r.e.done.Wait()
	if len(r.ledger.Entries()) != 0 {
		t.Errorf("still under way: %+v", r.ledger.Entries())
	}
}

// TestResourcesWait has a provider that needs several calls.
func TestResourcesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		types := w.types()
		slow := &slowly{Provider: types.Find("Test::Item").Provider, times: 3}
		types.Find("Test::Item").Provider = slow
		r := newRig(t, w, 1)
		r.e.types = types
		defer r.close()
		if st := r.upAndWait(t, "Resources: {A: {Type: Test::Item}}"); st.Status != CreateComplete {
			t.Fatalf("%s %s", st.Status, st.Reason)
		}
		if want := []string{" false", "item-1 true", "item-1 true", "item-1 true"}; !slices.Equal(slow.seen, want) {
			t.Errorf("calls %q, want %q", slow.seen, want)
		}
	})
}

// TestUpWaits: a stack that an operation is under way on is brought to what is wanted
// after it, not refused.
//
// Mutation that it finds: nube up fails when the one before was interrupted.
func TestUpWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		types := w.types()
		types.Find("Test::Item").Provider = &slowly{Provider: types.Find("Test::Item").Provider, times: 3}
		r := newRig(t, w, 1)
		r.e.types = types
		defer r.close()
		if _, err := r.e.Up(t.Context(), deploy(t, "Resources: {A: {Type: Test::Item, Properties: {Text: first}}}")); err != nil {
			t.Fatal(err)
		}
		st := r.upAndWait(t, "Resources: {A: {Type: Test::Item, Properties: {Text: second}}}")
		if st.Status != UpdateComplete {
			t.Fatalf("%s %s", st.Status, st.Reason)
		}
		if err := r.e.Delete(t.Context(), DeleteRequest{Scope: testScope, Name: st.ID}); err != nil {
			t.Fatal(err)
		}
		if st := r.upAndWait(t, "Resources: {A: {Type: Test::Item, Properties: {Text: third}}}"); st.Status != CreateComplete {
			t.Errorf("after a deletion %s %s", st.Status, st.Reason)
		}
	})
}

// slowly is a provider whose creations are not ready at once.
type slowly struct {
	Provider
	times int
	seen  []string
}

func (s *slowly) Create(ctx context.Context, r Request) (Progress, error) {
	s.seen = append(s.seen, fmt.Sprintf("%s %v", r.PhysicalID, r.Again))
	if len(s.seen) == 1 {
		return s.waiting(s.Provider.Create(ctx, r))
	}
	return s.waiting(Progress{PhysicalID: r.PhysicalID, Attrs: Attrs{"Id": r.PhysicalID}}, nil)
}

func (s *slowly) waiting(p Progress, err error) (Progress, error) {
	if len(s.seen) <= s.times {
		p.Wait = "better times"
	}
	return p, err
}

// TestExistingNameIsNotAdopted: what has the name of a resource is not the
// stack's, and neither a failed creation nor its rollback touches it.
func TestExistingNameIsNotAdopted(t *testing.T) {
	w := newWorld(t)
	w.items["mine"] = `{"Text":"precious"}`
	r := newRig(t, w, 1)
	defer r.close()
	st := r.upAndWait(t, "Resources: {A: {Type: Test::Thing, Properties: {Name: mine}}}")
	if st.Status != RollbackComplete || w.items["mine"] != `{"Text":"precious"}` {
		t.Fatalf("%s; the thing is %q", st.Status, w.items["mine"])
	}
	_, events, _, _ := r.e.Events(t.Context(), testScope, st.ID, "", 100)
	if !slices.ContainsFunc(events, func(e Event) bool {
		return e.Status == CreateFailed && e.Reason == "Resource of type 'Test::Thing' with identifier 'mine' already exists."
	}) {
		t.Errorf("events: %+v", events)
	}
}

// TestNoEchoStaysHidden: what a secret parameter went into is not shown.
func TestNoEchoStaysHidden(t *testing.T) {
	r := newRig(t, newWorld(t), 1)
	defer r.close()
	d := deploy(t, `
Parameters: {Secret: {Type: String, NoEcho: true}}
Resources: {A: {Type: Test::Item, Properties: {Text: !Sub "x${Secret}x"}}}
`, "Secret=hunter2")
	if _, err := r.e.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	st, err := r.e.Wait(t.Context(), testScope, "app")
	if err != nil || !st.Parameters[0].NoEcho {
		t.Fatalf("%+v %v", st, err)
	}
	_, events, _, _ := r.e.Events(t.Context(), testScope, "app", "", 100)
	for _, e := range events {
		if strings.Contains(e.Properties, "hunter2") {
			t.Errorf("%s %s shows %s", e.LogicalID, e.Status, e.Properties)
		}
	}
}

func TestEventsHavePages(t *testing.T) {
	r := newRig(t, newWorld(t), 1)
	defer r.close()
	r.upAndWait(t, fmt.Sprintf(chain, "one"))
	_, all, next, err := r.e.Events(t.Context(), testScope, "app", "", 100)
	if err != nil || next != "" || len(all) != 11 {
		t.Fatalf("%d events, next %q, %v", len(all), next, err)
	}
	ids := map[string]bool{}
	var paged []Event
	for at := ""; ; {
		_, some, next, err := r.e.Events(t.Context(), testScope, "app", at, 4)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, some...)
		if at = next; at == "" {
			break
		}
	}
	if !slices.Equal(paged, all) {
		t.Errorf("in pages %+v, at once %+v", paged, all)
	}
	for _, e := range all {
		if ids[e.ID] {
			t.Errorf("two events have the id %s", e.ID)
		}
		ids[e.ID] = true
	}
	if _, _, _, err := r.e.Events(t.Context(), testScope, "app", "nonsense", 4); err == nil {
		t.Error("a wrong token is accepted")
	}
}

// TestTypeIsGone resumes a creation with an engine that does not offer one of
// its types any more: it fails, and what was made is taken back.
func TestTypeIsGone(t *testing.T) {
	w := newWorld(t)
	store := memkv.New()
	m := &mortal{Engine: store}
	first := newRigOver(t, w, 1, m)
	w.dead = m.dead
	w.before = func(call string) {
		if call == "create C" {
			m.step("") // counted from here
			m.mu.Lock()
			m.died = true
			m.mu.Unlock()
		}
	}
	body := `
Resources:
  A: {Type: Test::Item}
  B: {Type: Test::Item, DependsOn: A}
  C: {Type: Test::Thing, DependsOn: B}
`
	if _, err := first.e.Create(t.Context(), deploy(t, body)); err != nil {
		t.Fatal(err)
	}
	first.e.done.Wait()
	first.close()
	w.before, w.dead = nil, nil
	second := newRigOver(t, w, 1, store)
	second.ids = 1000
	second.e.types = NewTypes(second.e.types.Find("Test::Item"))
	defer second.close()
	if err := second.e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second.e.done.Wait()
	st, err := second.e.Stack(t.Context(), testScope, "app")
	if err != nil || st.Status != CreateInProgress {
		t.Fatalf("%v %v", st, err) // C may exist: nobody here can tell
	}
	third := newRigOver(t, w, 1, store)
	third.ids = 2000
	if err := third.e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err = third.e.Wait(t.Context(), testScope, "app"); err != nil || st.Status != CreateComplete {
		t.Fatalf("%v %v", st.Status, err)
	}
	third.e.Close()
}

// TestWarnings: what makes no difference is said, by the creation and by the
// update.
func TestWarnings(t *testing.T) {
	r := newRig(t, newWorld(t), 1)
	defer r.close()
	body := "Resources: {A: {Type: Test::Thing, Properties: {Doc: {a: 1}, Size: %d}}}"
	r.e.types.Find("Test::Thing").Ignored = []Ignored{{Property: "Doc.a", Why: "a test"}}
	for _, size := range []int{1, 2} {
		out, err := r.e.Up(t.Context(), deploy(t, fmt.Sprintf(body, size)))
		if err != nil || !out.Changed || len(out.Warnings) != 1 || out.Warnings[0].Message != "the property Doc.a of Test::Thing has no effect: a test" {
			t.Errorf("%+v %v", out, err)
		}
		if _, err := r.e.Wait(t.Context(), testScope, "app"); err != nil {
			t.Fatal(err)
		}
	}
	warnings, err := r.e.Validate(t.Context(), deploy(t, fmt.Sprintf(body, 3)))
	if err != nil || len(warnings) != 1 {
		t.Errorf("%v %v", warnings, err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	r := newRig(t, w, 1)
	goOn := make(chan struct{})
	w.block = func(context.Context, string) error { <-goOn; return nil }
	if _, err := r.e.Create(t.Context(), deploy(t, fmt.Sprintf(chain, "one"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.e.Wait(ctx, testScope, "app"); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	close(goOn)
	if _, err := r.e.Wait(t.Context(), testScope, "app"); err != nil {
		t.Error(err)
	}
	r.close()
}
