package record

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record/journal"
)

// Node is a span in the tree of what a request has caused.
type Node struct {
	Span
	// Linked says that the span belongs to another trace and hangs here because
	// it goes on from here: as a batch that has others' records in it too, or
	// as what an application reports of itself without a parent.
	Linked   bool
	Children []*Node
}

// treeMax is how many spans a tree has at most.
const treeMax = 10_000

// slack is how far apart the clocks of one machine may read the same moment:
// applications' clocks tell microseconds, or milliseconds.
const slack = time.Millisecond

// Tree returns what a trace's request has caused, whatever it went through: the
// trace's own spans, and from other traces what goes on from there. The roots
// are the spans without a parent that is known. It reports false if the tree is
// cut short, at ten thousand spans.
func (t *Traces) Tree(ctx context.Context, id TraceID) (roots []*Node, whole bool, err error) {
	b := builder{t: t, ctx: ctx, nodes: make(map[Link]*Node), traces: make(map[TraceID][]Span)}
	spans, err := b.load(id)
	if err != nil {
		return nil, false, err
	}
	for i := range spans {
		b.add(&spans[i], nil)
	}
	// What is added may itself go on elsewhere.
	for i := 0; i < len(b.order) && !b.full(); i++ {
		if err := b.follow(b.order[i]); err != nil {
			return nil, false, err
		}
	}
	return b.roots(), !b.full(), nil
}

// builder puts a tree together.
type builder struct {
	t      *Traces
	ctx    context.Context
	nodes  map[Link]*Node
	order  []*Node // as they were added
	under  map[*Node]*Node
	traces map[TraceID][]Span
	joined map[TraceID][]join
}

func (b *builder) full() bool { return len(b.order) >= treeMax }

func (b *builder) load(id TraceID) ([]Span, error) {
	if spans, ok := b.traces[id]; ok {
		return spans, nil
	}
	spans, err := b.t.Trace(b.ctx, id)
	b.traces[id] = spans
	return spans, err
}

// add makes a node of a span, below another than its parent if under says so.
func (b *builder) add(s *Span, under *Node) {
	at := Link{s.Trace, s.ID}
	if b.nodes[at] != nil || b.full() {
		return
	}
	n := &Node{Span: *s}
	b.nodes[at] = n
	b.order = append(b.order, n)
	if under != nil {
		b.hang(n, under)
	}
}

func (b *builder) hang(n, under *Node) {
	if b.under == nil {
		b.under = make(map[*Node]*Node)
	}
	n.Linked = true
	b.under[n] = under
}

// follow adds what goes on from a node in other traces.
func (b *builder) follow(n *Node) error {
	joins, err := b.joinsOf(n.Trace)
	if err != nil {
		return err
	}
	for _, j := range joins {
		if j.under == n.ID {
			if err := b.graft(j.at, n); err != nil {
				return err
			}
		}
	}
	if n.Attr(LogStream) == "" || n.Began.IsZero() {
		return nil
	}
	entered, err := b.joins(journal.Query{
		Prefix: enteredKey + n.Attr(LogStream), From: instantOf(n.Began.Add(-slack)), To: instantOf(n.Began.Add(n.Duration + slack)),
	})
	if err != nil {
		return err
	}
	for _, j := range entered {
		if err := b.graft(j.at, n); err != nil {
			return err
		}
	}
	return nil
}

// graft adds a span of any trace and what is below it in its own trace, unless
// it is in the tree already with a parent.
func (b *builder) graft(at Link, under *Node) error {
	if n := b.nodes[at]; n != nil {
		if b.parent(n) == nil && n != under && !b.below(under, n) {
			b.hang(n, under)
		}
		return nil
	}
	spans, err := b.load(at.Trace)
	if err != nil {
		return err
	}
	below := make(map[SpanID][]*Span)
	for i := range spans {
		s := &spans[i]
		if s.ID == at.Span {
			b.add(s, under)
		}
		below[s.Parent] = append(below[s.Parent], s)
	}
	for todo := []SpanID{at.Span}; len(todo) > 0; todo = todo[1:] {
		for _, s := range below[todo[0]] {
			if b.nodes[Link{s.Trace, s.ID}] == nil && !b.full() {
				b.add(s, nil)
				todo = append(todo, s.ID)
			}
		}
	}
	return nil
}

// parent returns the node that another hangs below, nil for a root.
func (b *builder) parent(n *Node) *Node {
	if u := b.under[n]; u != nil {
		return u
	}
	if n.Parent == n.ID {
		return nil
	}
	return b.nodes[Link{n.Trace, n.Parent}]
}

// below reports whether n hangs somewhere below other.
func (b *builder) below(n, other *Node) bool {
	for range b.order {
		if n = b.parent(n); n == nil || n == other {
			break
		}
	}
	return n != nil
}

func (b *builder) joinsOf(id TraceID) ([]join, error) {
	if js, ok := b.joined[id]; ok {
		return js, nil
	}
	js, err := b.joins(journal.Query{Prefix: joinedKey + string(id[:])})
	if b.joined == nil {
		b.joined = make(map[TraceID][]join)
	}
	b.joined[id] = js
	return js, err
}

func (b *builder) joins(q journal.Query) ([]join, error) {
	var js []join
	for r, err := range b.t.j.Read(b.ctx, q) {
		if err != nil {
			return nil, err
		}
		if r.Key != q.Prefix {
			continue
		}
		j, err := decodeJoin(r.Body)
		if err != nil {
			return nil, err
		}
		js = append(js, j)
	}
	return distinct(js), nil
}

// roots hangs every node where it belongs and returns those that have no
// parent. Of spans that name each other as their parents the first is a root.
func (b *builder) roots() []*Node {
	var roots []*Node
	for _, n := range b.order {
		if p := b.parent(n); p != nil {
			p.Children = append(p.Children, n)
		} else {
			roots = append(roots, n)
		}
	}
	reached := make(map[*Node]bool, len(b.order))
	reach := func(todo ...*Node) {
		for ; len(todo) > 0; todo = todo[1:] {
			reached[todo[0]] = true
			todo = append(todo, todo[0].Children...)
		}
	}
	reach(roots...)
	for _, n := range b.order {
		if !reached[n] {
			p := b.parent(n)
			p.Children = slices.DeleteFunc(p.Children, func(c *Node) bool { return c == n })
			roots = append(roots, n)
			reach(n)
		}
	}
	inOrder := func(x, y *Node) int {
		return cmp.Or(x.Began.Compare(y.Began), cmp.Compare(x.Start, y.Start))
	}
	for _, n := range b.order {
		slices.SortStableFunc(n.Children, inOrder)
	}
	slices.SortStableFunc(roots, inOrder)
	return roots
}

// instantOf is a machine's time as the journal keeps times.
func instantOf(t time.Time) clock.Instant { return clock.Instant(t.UnixNano()) }
