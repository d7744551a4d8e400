package record

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/disk/disktest"
)

// drawn is a tree of names.
func drawn(nodes []*Node) string {
	var b strings.Builder
	var draw func([]*Node, int)
	draw = func(nodes []*Node, depth int) {
		for _, n := range nodes {
			mark := ""
			if n.Linked {
				mark = " (linked)"
			}
			fmt.Fprintf(&b, "%s%s%s\n", strings.Repeat("  ", depth), n.Name, mark)
			draw(n.Children, depth+1)
		}
	}
	draw(nodes, 0)
	return b.String()
}

func tree(t *testing.T, r *Recorder, id TraceID) string {
	t.Helper()
	nodes, whole, err := r.Traces.Tree(context.Background(), id)
	if err != nil || !whole {
		t.Fatal(whole, err)
	}
	return drawn(nodes)
}

// Two requests put items whose changes come to a function in one batch, and
// what it does is part of both of their trees. What the function says of itself
// hangs in its invocation, though it knows no parent.
//
// Mutations that it finds: links to other traces are not noted there, the first
// cause is no parent, a graft is its first span alone, applications' spans of
// another time.
func TestTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, disktest.NewMem().FS())
		defer r.Close()
		hop := func(ctx context.Context, s Span, inside func(context.Context)) Cause {
			ctx, h := r.Begin(ctx, s)
			time.Sleep(time.Second)
			if inside != nil {
				inside(ctx)
			}
			h.End(nil)
			return From(ctx)
		}
		var puts []Cause
		var traces []TraceID
		for _, name := range []string{"one", "two"} {
			c := hop(context.Background(), Span{Name: "request " + name}, func(ctx context.Context) {
				puts = append(puts, hop(ctx, Span{Name: "put " + name}, nil))
			})
			traces = append(traces, c.Trace)
		}
		ctx, batch := r.Join(context.Background(), Span{Name: "batch"}, append(puts, puts[0], Cause{}))
		if n := len(batch.span.Links); n != 1 {
			t.Errorf("%d links", n)
		}
		hop(ctx, Span{Name: "function", Attrs: []Attr{{LogStream, "day/[1]a"}}}, func(ctx context.Context) {
			own := Span{Trace: TraceID{9}, ID: SpanID{1}, Name: "handler", Began: r.machine.Now(), Start: r.model.Now(), Duration: time.Second}
			if err := r.Traces.Enter("day/[1]a", &own); err != nil {
				t.Error(err)
			}
			hop(ctx, Span{Name: "send"}, nil)
			child := own
			child.ID, child.Parent, child.Name = SpanID{2}, own.ID, "step"
			for _, s := range []*Span{&child, &own} {
				if err := r.Traces.Add(s); err != nil {
					t.Error(err)
				}
			}
		})
		batch.End(nil)
		// Another invocation of the same instance, later.
		late := Span{Trace: TraceID{9}, ID: SpanID{3}, Name: "another", Began: r.machine.Now().Add(time.Minute)}
		if err := r.Traces.Enter("day/[1]a", &late); err != nil {
			t.Error(err)
		}
		if err := r.Traces.Add(&late); err != nil {
			t.Error(err)
		}
		below := `batch%[1]s
%[2]s    function
%[2]s      send
%[2]s      handler (linked)
%[2]s        step
`
		got := tree(t, r, traces[0]) + tree(t, r, traces[1]) + tree(t, r, TraceID{9})
		want := "request one\n  put one\n    " + fmt.Sprintf(below, "", "  ") +
			"request two\n  put two\n    " + fmt.Sprintf(below, " (linked)", "  ") +
			"handler\n  step\nanother\n"
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		for s, err := range r.Traces.Recent(context.Background(), TraceQuery{}) {
			if err != nil || s.Name == "" {
				t.Errorf("what joins traces is none: %+v %v", s, err)
			}
		}
	})
}

// Whatever parents spans name, every span is in the tree once.
func TestTreeOfCircles(t *testing.T) {
	r := openMem(t)
	id := TraceID{1}
	for _, s := range []Span{
		{ID: SpanID{1}, Parent: SpanID{1}, Name: "itself"},
		{ID: SpanID{2}, Parent: SpanID{3}, Name: "hen"},
		{ID: SpanID{3}, Parent: SpanID{2}, Name: "egg"},
		{ID: SpanID{4}, Parent: SpanID{9}, Name: "orphan"},
		{ID: SpanID{4}, Parent: SpanID{9}, Name: "twin"},
		{ID: SpanID{5}, Name: "link to itself", Links: []Link{{TraceID{1}, SpanID{5}}, {TraceID{2}, SpanID{6}}}},
	} {
		s.Trace = id
		if err := r.Traces.Add(&s); err != nil {
			t.Fatal(err)
		}
	}
	other := Span{Trace: TraceID{2}, ID: SpanID{6}, Name: "back", Links: []Link{{id, SpanID{5}}}}
	if err := r.Traces.Add(&other); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff("itself\norphan\nlink to itself\n  back (linked)\nhen\n  egg\n", tree(t, r, id)); d != "" {
		t.Error(d)
	}
}

func TestTreeIsBounded(t *testing.T) {
	r := openMem(t)
	for range treeMax + 1 {
		if err := r.Traces.Add(&Span{Trace: TraceID{1}, ID: NewSpanID()}); err != nil {
			t.Fatal(err)
		}
	}
	nodes, whole, err := r.Traces.Tree(context.Background(), TraceID{1})
	if err != nil || whole || len(nodes) != treeMax {
		t.Errorf("%d nodes, whole %v, %v", len(nodes), whole, err)
	}
}

func FuzzJoin(f *testing.F) {
	f.Add(join{Link{TraceID{1}, SpanID{2}}, SpanID{3}}.encode())
	f.Add([]byte{joinVersion})
	f.Fuzz(func(t *testing.T, in []byte) {
		j, err := decodeJoin(in)
		if err == nil && string(j.encode()) != string(in) {
			t.Errorf("%x reads as %+v", in, j)
		}
	})
}

// Without traces everything else goes on: causes, logs, metrics.
func TestNoTraces(t *testing.T) {
	r := openMem(t)
	r.Traces.off = true
	ctx, hop := r.Begin(context.Background(), Span{Name: "request"})
	if From(ctx).Trace.IsZero() || From(ctx).Span.IsZero() {
		t.Error("no cause")
	}
	hop.Phase("part", hop.Began(), 1)
	hop.End(nil)
	if err := r.Traces.Enter("i", &hop.span); err != nil {
		t.Error(err)
	}
	for s := range r.Traces.Recent(ctx, TraceQuery{}) {
		t.Errorf("recorded %s", s.Name)
	}
	if got := tree(t, r, From(ctx).Trace); got != "" {
		t.Errorf("a tree: %s", got)
	}
}
