package stack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// graphOf reads "a b:a c:a,b": names with what they come after.
func graphOf(text string) graph {
	deps := map[string][]string{}
	var names []string
	for _, f := range strings.Fields(text) {
		name, after, ok := strings.Cut(f, ":")
		names = append(names, name)
		if ok {
			deps[name] = strings.Split(after, ",")
		}
	}
	return newGraph(names, func(n string) []string { return deps[n] })
}

func TestGraphOrder(t *testing.T) {
	for _, c := range []struct{ graph, order, reversed string }{
		{"a b c", "a b c", "c b a"},
		{"a:b b:c c", "c b a", "a b c"},
		{"a b:a c:a,b d", "a b c d", "d c b a"},
		{"a:missing b", "a b", "b a"},
		{"d:b,c b:a c:a a", "a b c d", "d c b a"},
	} {
		g := graphOf(c.graph)
		if got := strings.Join(g.order(), " "); got != c.order {
			t.Errorf("%s: order %s, want %s", c.graph, got, c.order)
		}
		got := g.reversed().order()
		for i, name := range g.names {
			for _, j := range g.after[i] {
				if slices.Index(got, name) > slices.Index(got, g.names[j]) {
					t.Errorf("%s: %s does not come before %s in %v", c.graph, name, g.names[j], got)
				}
			}
		}
		if cyc := g.cycle(); cyc != nil {
			t.Errorf("%s: cycle %v", c.graph, cyc)
		}
	}
}

func TestGraphCycle(t *testing.T) {
	for _, c := range []struct{ graph, cycle string }{
		{"a:a", "a a"},
		{"a:b b:a", "a b a"},
		{"x a:b b:c c:a d:a", "a b c a"},
		{"d:a a:b b:c c:b", "b c b"},
	} {
		g := graphOf(c.graph)
		var got []string
		for _, i := range g.cycle() {
			got = append(got, g.names[i])
		}
		if s := strings.Join(got, " "); s != c.cycle {
			t.Errorf("%s: cycle %q, want %q", c.graph, s, c.cycle)
		}
	}
}

func TestGraphWalk(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		graph, fails, visited string
		keepGoing             bool
	}{
		{graph: "a b:a c:b", visited: "a b c"},
		{graph: "a b:a c:b d e", fails: "b", visited: "a b"},
		{graph: "a b:a c:b d e", fails: "b", keepGoing: true, visited: "a b d e"},
		{graph: "a:b b", visited: "b a"},
		{graph: "d:b,c b:a c:a a e", visited: "a b c d e"},
	} {
		var got []string
		failed := graphOf(c.graph).walk(t.Context(), walkOptions{limit: 1, keepGoing: c.keepGoing}, func(_ context.Context, name string) error {
			got = append(got, name)
			if name == c.fails {
				return boom
			}
			return nil
		})
		if s := strings.Join(got, " "); s != c.visited {
			t.Errorf("%s: visited %s, want %s", c.graph, s, c.visited)
		}
		if (len(failed) > 0) != (c.fails != "") || c.fails != "" && failed[c.fails] != boom {
			t.Errorf("%s: failed %v", c.graph, failed)
		}
	}
}

// TestGraphWalksInParallel lets all visits that may take place at the same time
// meet.
func TestGraphWalksInParallel(t *testing.T) {
	var meet sync.WaitGroup
	meet.Add(3)
	graphOf("a b:a c:a d:a e:b,c,d").walk(t.Context(), walkOptions{limit: 3}, func(_ context.Context, name string) error {
		if name != "a" && name != "e" {
			meet.Done()
			meet.Wait() // for ever, if they are visited one after the other
		}
		return nil
	})
}

func TestGraphStops(t *testing.T) {
	stop := make(chan struct{})
	var got []string
	graphOf("a b:a c:b").walk(t.Context(), walkOptions{limit: 1, stop: stop}, func(_ context.Context, name string) error {
		got = append(got, name)
		close(stop)
		return nil
	})
	if !slices.Equal(got, []string{"a"}) {
		t.Errorf("visited %v", got)
	}
}
