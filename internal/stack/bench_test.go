package stack

import (
	"fmt"
	"strings"
	"testing"
)

// application is a template of n resources, the size of one that a deploy tool
// writes for n/5 functions.
func application(n int) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range n {
		fmt.Fprintf(&b, "  R%d:\n    Type: Test::Thing\n    Properties:\n      Size: %d\n      List: [a, b, c]\n", i, i)
		fmt.Fprintf(&b, "      Doc: {Version: \"2012-10-17\", Statement: [{Effect: Allow, Action: [a, b, c], Resource: !Sub \"arn:${AWS::Region}:${AWS::AccountId}:x\"}]}\n")
		if i > 0 {
			fmt.Fprintf(&b, "      Text: !Sub \"${R%d}-${R%d.Arn}\"\n", i/2, i/3)
		}
	}
	return b.String()
}

// BenchmarkUnchanged is nube up of what is deployed already: the same text.
func BenchmarkUnchanged(b *testing.B) {
	benchmarkUp(b, func(body string, _ int) string { return body }, false)
}

// BenchmarkUnchangedMeaning is nube up of a text that is new and says the same.
func BenchmarkUnchangedMeaning(b *testing.B) {
	benchmarkUp(b, func(body string, i int) string { return body + fmt.Sprintf("# %d\n", i) }, false)
}

func benchmarkUp(b *testing.B, next func(body string, i int) string, changed bool) {
	r := newRig(b, newWorld(b), 8)
	defer r.close()
	body := application(100)
	up := func(d Deploy, want bool) {
		out, err := r.e.Up(b.Context(), d)
		if err != nil || out.Changed != want {
			b.Fatalf("changed %v, %v", out.Changed, err)
		}
		if _, err := r.e.Wait(b.Context(), testScope, "app"); err != nil {
			b.Fatal(err)
		}
	}
	up(deploy(b, body), true)
	d := deploy(b, body)
	i := 0
	for b.Loop() {
		i++
		d.Body = next(body, i)
		up(d, changed)
	}
}

// BenchmarkCreate is the engine's share of creating a stack of 100 resources.
func BenchmarkCreate(b *testing.B) {
	w := newWorld(b)
	r := newRig(b, w, 8)
	defer r.close()
	d := deploy(b, application(100))
	i := 0
	for b.Loop() {
		i++
		d.Name = fmt.Sprintf("app%d", i)
		id, err := r.e.Create(b.Context(), d)
		if err != nil {
			b.Fatal(err)
		}
		if st, err := r.e.Wait(b.Context(), testScope, id); err != nil || st.Status != CreateComplete {
			b.Fatalf("%s %v", st.Status, err)
		}
	}
}
