package stack

import (
	"context"
	"slices"
)

// graph is nodes that come after other nodes.
type graph struct {
	names []string
	after [][]int // indices of the nodes that must be done before
}

// newGraph builds the graph of names, in their order; deps returns the names
// that one comes after. Names that are no nodes do not count.
func newGraph(names []string, deps func(name string) []string) graph {
	index := make(map[string]int, len(names))
	for i, n := range names {
		index[n] = i
	}
	g := graph{names: names, after: make([][]int, len(names))}
	for i, n := range names {
		for _, d := range deps(n) {
			if j, ok := index[d]; ok {
				g.after[i] = append(g.after[i], j)
			}
		}
	}
	return g
}

// reversed returns the graph in which what came before comes after, its nodes
// in the opposite order.
func (g graph) reversed() graph {
	n := len(g.names)
	r := graph{names: slices.Clone(g.names), after: make([][]int, n)}
	slices.Reverse(r.names)
	for i, deps := range g.after {
		for _, j := range deps {
			r.after[n-1-j] = append(r.after[n-1-j], n-1-i)
		}
	}
	return r
}

// cycle returns nodes that come after each other in a circle, the first one
// repeated at the end, or nil when there are none.
func (g graph) cycle() []int {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(g.names))
	var path []int
	var visit func(i int) []int
	visit = func(i int) []int {
		state[i] = open
		path = append(path, i)
		for _, j := range g.after[i] {
			switch state[j] {
			case open:
				at := slices.Index(path, j)
				return append(slices.Clone(path[at:]), j)
			case unseen:
				if c := visit(j); c != nil {
					return c
				}
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		return nil
	}
	for i := range g.names {
		if state[i] == unseen {
			if c := visit(i); c != nil {
				return c
			}
		}
	}
	return nil
}

// order returns the names such that each stands behind those it comes after, as
// near to their own order as that allows. There is no cycle.
func (g graph) order() []string {
	out := make([]string, 0, len(g.names))
	seen := make([]bool, len(g.names))
	var visit func(i int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, j := range g.after[i] {
			visit(j)
		}
		out = append(out, g.names[i])
	}
	for i := range g.names {
		visit(i)
	}
	return out
}

// walkOptions say how a graph is walked.
type walkOptions struct {
	limit     int             // visits at the same time
	keepGoing bool            // a failed visit stops only what comes after it
	stop      <-chan struct{} // when closed, no further visit begins
}

// walk visits the nodes, each after those that it comes after, and returns the
// error of each that failed. Without keepGoing no visit begins after the first
// failure; those under way are waited for.
func (g graph) walk(ctx context.Context, o walkOptions, visit func(ctx context.Context, name string) error) map[string]error {
	type result struct {
		i   int
		err error
	}
	waits := make([]int, len(g.names)) // for how many others
	before := make([][]int, len(g.names))
	var ready []int // sorted
	for i, deps := range g.after {
		waits[i] = len(deps)
		for _, j := range deps {
			before[j] = append(before[j], i)
		}
		if len(deps) == 0 {
			ready = append(ready, i)
		}
	}
	failed := map[string]error{}
	results := make(chan result)
	running := 0
	for {
		for len(ready) > 0 && running < o.limit && (o.keepGoing || len(failed) == 0) && !stopped(ctx, o.stop) {
			i := ready[0]
			ready = ready[1:]
			running++
			go func() { results <- result{i, visit(ctx, g.names[i])} }()
		}
		if running == 0 {
			return failed
		}
		r := <-results
		running--
		if r.err != nil {
			failed[g.names[r.i]] = r.err
			continue
		}
		for _, j := range before[r.i] {
			if waits[j]--; waits[j] == 0 {
				at, _ := slices.BinarySearch(ready, j)
				ready = slices.Insert(ready, at, j)
			}
		}
	}
}

func stopped(ctx context.Context, stop <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return true
	case <-stop:
		return true
	default:
		return false
	}
}
