package vtl

import (
	"errors"
	"fmt"
	"strings"
)

// interp is one execution.
type interp struct {
	src   string
	vars  Vars
	out   *strings.Builder
	steps int
	bytes int
	depth int
	at    int // of the directive or reference that is under way
}

// errBreak and errStop leave a loop and the template.
var (
	errBreak = errors.New("#break outside of a #foreach")
	errStop  = errors.New("#stop")
)

// step counts what an execution does, so that it ends.
func (in *interp) step() error {
	if in.steps++; in.steps > maxSteps {
		return fmt.Errorf("the template takes more than %d steps", maxSteps)
	}
	return nil
}

// made counts the bytes that an execution makes, so that it stays small.
func (in *interp) made(n int) error {
	if in.bytes += n; in.bytes > maxBytes {
		return fmt.Errorf("the template makes more than %d bytes of text", maxBytes)
	}
	return nil
}

func (in *interp) print(s string) error {
	if in.out.Len()+len(s) > maxOutput {
		return fmt.Errorf("the result has more than %d bytes", maxOutput)
	}
	in.out.WriteString(s)
	return in.made(len(s))
}

// nest runs fn one level deeper: #define may lead to itself.
func (in *interp) nest(fn func() error) error {
	if in.depth++; in.depth > 2*maxDepth {
		return errors.New("a #define or a value that leads to itself")
	}
	defer func() { in.depth-- }()
	return fn()
}

func (in *interp) run(nodes []node) error {
	return in.nest(func() error {
		for _, n := range nodes {
			if err := in.step(); err != nil {
				return err
			}
			if err := n.exec(in); err != nil {
				return err
			}
		}
		return nil
	})
}

// capture runs nodes and returns what they print.
func (in *interp) capture(nodes []node) (string, error) {
	outer := in.out
	in.out = &strings.Builder{}
	err := in.run(nodes)
	text := in.out.String()
	in.out = outer
	return text, err
}

// text is what a value prints.
func (in *interp) text(v any) (string, error) {
	if b, ok := v.(*block); ok {
		return in.capture(b.body)
	}
	s, err := Text(v)
	if err == nil {
		err = in.made(len(s))
	}
	return s, err
}

func (n textNode) exec(in *interp) error { return in.print(string(n)) }

// exec prints a reference. One to nothing prints itself, unless it is quiet.
func (n *refNode) exec(in *interp) error {
	in.at = n.at
	v, err := n.eval(in)
	if err != nil {
		return err
	}
	slashes := strings.Repeat(`\`, n.escapes)
	source := in.src[n.at:n.end]
	if v == nil {
		if n.quiet || n.escapes == 0 && in.quiet(n.name) {
			return in.print(slashes)
		}
		return in.print(slashes + source)
	}
	slashes = slashes[:n.escapes/2]
	if n.escapes%2 == 1 {
		return in.print(slashes + source)
	}
	if b, ok := v.(*block); ok {
		if err := in.print(slashes); err != nil {
			return err
		}
		return in.run(b.body)
	}
	s, err := in.text(v)
	if err == nil {
		err = in.print(slashes + s)
	}
	return place(in.src, n.at, err)
}

// quiet reports whether references that begin with a name print nothing when
// they lead to nothing.
func (in *interp) quiet(name string) bool {
	m, ok := in.vars[name].(*Map)
	return ok && m.Quiet
}

// exec sets a reference. A null changes nothing, as in Velocity 1.7.
func (n *setNode) exec(in *interp) error {
	in.at = n.to.at
	v, err := n.value.eval(in)
	if err != nil || v == nil {
		return err
	}
	last := len(n.to.parts) - 1
	if last < 0 {
		in.vars[n.to.name] = v
		return nil
	}
	owner, err := n.to.upTo(in, last)
	if err != nil {
		return err
	}
	pt := n.to.parts[last]
	key := any(pt.name)
	if pt.index != nil {
		if key, err = pt.index.eval(in); err != nil {
			return err
		}
	}
	return place(in.src, pt.at, in.assign(owner, key, v))
}

func (in *interp) assign(owner, key, v any) error {
	switch o := owner.(type) {
	case *Map:
		k, err := in.text(key)
		if err == nil {
			o.Put(k, v)
		}
		return err
	case *List:
		i, err := o.at(key)
		if err == nil {
			o.Items[i] = v
		}
		return err
	}
	return fmt.Errorf("%s has nothing that can be set", kind(owner))
}

func (n *ifNode) exec(in *interp) error {
	in.at = n.at
	for _, b := range n.branches {
		if b.when != nil {
			v, err := b.when.eval(in)
			if err != nil {
				return place(in.src, n.at, err)
			}
			if !truth(v) {
				continue
			}
		}
		return in.run(b.body)
	}
	return nil
}

func (n *foreachNode) exec(in *interp) error {
	in.at = n.at
	v, err := n.over.eval(in)
	if err != nil {
		return place(in.src, n.at, err)
	}
	items, err := elements(v)
	if err != nil {
		return place(in.src, n.at, err)
	}
	if len(items) > maxLoop {
		return errorAt(in.src, n.at, fmt.Sprintf("a #foreach over %d elements; API Gateway lets it have %d", len(items), maxLoop))
	}
	restore := in.keep(n.name, "foreach", "velocityCount")
	defer restore()
	parent := in.vars["foreach"]
	for i, item := range items {
		loop := &Map{}
		loop.Put("index", int64(i))
		loop.Put("count", int64(i+1))
		loop.Put("hasNext", i < len(items)-1)
		loop.Put("first", i == 0)
		loop.Put("last", i == len(items)-1)
		if parent != nil {
			loop.Put("parent", parent)
		}
		in.vars[n.name], in.vars["foreach"], in.vars["velocityCount"] = item, loop, int64(i+1)
		if err := in.run(n.body); err == errBreak {
			break
		} else if err != nil {
			return err
		}
	}
	return nil
}

// keep remembers variables, and returns what puts them back.
func (in *interp) keep(names ...string) func() {
	before := Vars{}
	for _, name := range names {
		if v, ok := in.vars[name]; ok {
			before[name] = v
		}
	}
	return func() {
		for _, name := range names {
			if v, ok := before[name]; ok {
				in.vars[name] = v
			} else {
				delete(in.vars, name)
			}
		}
	}
}

func (n *defineNode) exec(in *interp) error {
	in.vars[n.name] = &block{n.body}
	return nil
}

func (n *leaveNode) exec(*interp) error { return n.how }
