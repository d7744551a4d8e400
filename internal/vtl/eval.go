package vtl

import (
	"fmt"
)

func (c constant) eval(*interp) (any, error) { return c.value, nil }

func (q quoted) eval(in *interp) (any, error) { return in.capture(q.body) }

func (l listExpr) eval(in *interp) (any, error) {
	out := &List{Items: make([]any, 0, len(l.items))}
	for _, e := range l.items {
		v, err := e.eval(in)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, v)
	}
	return out, in.step()
}

func (m mapExpr) eval(in *interp) (any, error) {
	out := &Map{}
	for i := range m.keys {
		k, err := m.keys[i].eval(in)
		if err != nil {
			return nil, err
		}
		key, err := in.text(k)
		if err != nil {
			return nil, err
		}
		v, err := m.values[i].eval(in)
		if err != nil {
			return nil, err
		}
		out.Put(key, v)
	}
	return out, in.step()
}

// eval makes the list of a range, which may go down.
func (r *rangeExpr) eval(in *interp) (any, error) {
	var ends [2]int64
	for i, e := range []expr{r.from, r.to} {
		v, err := e.eval(in)
		if err != nil {
			return nil, err
		}
		n, ok := v.(int64)
		if !ok {
			return nil, errorAt(in.src, r.at, "a range needs two integers, not "+kind(v))
		}
		ends[i] = n
	}
	from, to := ends[0], ends[1]
	by := int64(1)
	if to < from {
		by = -1
	}
	// Unsigned, so that no difference overflows.
	if n := uint64((to - from) * by); n >= maxItems {
		return nil, errorAt(in.src, r.at, fmt.Sprintf("a range of more than %d numbers", maxItems))
	}
	out := &List{}
	for i := from; ; i += by {
		out.Items = append(out.Items, i)
		if i == to {
			return out, in.made(16 * len(out.Items))
		}
	}
}

// eval follows the reference. What follows nothing is nothing.
func (r *reference) eval(in *interp) (any, error) { return r.upTo(in, len(r.parts)) }

// upTo follows the first n parts of the reference.
func (r *reference) upTo(in *interp, n int) (any, error) {
	if err := in.step(); err != nil {
		return nil, place(in.src, r.at, err)
	}
	v := in.vars[r.name]
	for _, pt := range r.parts[:n] {
		if v == nil {
			return nil, nil
		}
		next, err := in.follow(v, pt)
		if err != nil {
			return nil, place(in.src, pt.at, err)
		}
		v = next
	}
	return v, nil
}

func (in *interp) follow(v any, pt part) (any, error) {
	if b, ok := v.(*block); ok {
		text, err := in.capture(b.body)
		if err != nil {
			return nil, err
		}
		v = text
	}
	switch {
	case pt.index != nil:
		key, err := pt.index.eval(in)
		if err != nil {
			return nil, err
		}
		return in.element(v, key)
	case !pt.call:
		return property(v, pt.name), nil
	}
	args := make([]any, len(pt.args))
	for i, e := range pt.args {
		a, err := e.eval(in)
		if err != nil {
			return nil, err
		}
		if b, ok := a.(*block); ok {
			if a, err = in.capture(b.body); err != nil {
				return nil, err
			}
		}
		args[i] = a
	}
	if err := in.step(); err != nil {
		return nil, err
	}
	return in.call(v, pt.name, args)
}

// property is v.name; nil when there is none. Java's getters have short names
// too: $list.empty is $list.isEmpty().
func property(v any, name string) any {
	switch o := v.(type) {
	case *Map:
		if p, ok := o.Get(name); ok {
			return p
		}
		if name == "empty" {
			return len(o.keys) == 0
		}
	case *List:
		if name == "empty" {
			return len(o.Items) == 0
		}
	case string:
		if name == "empty" {
			return o == ""
		}
	case Object:
		if p, ok := o.Get(name); ok {
			return p
		}
	}
	return nil
}

func (in *interp) element(v, key any) (any, error) {
	switch o := v.(type) {
	case *List:
		i, err := o.at(key)
		if err != nil {
			return nil, err
		}
		return o.Items[i], nil
	case *Map, Object:
		k, err := in.text(key)
		if err != nil {
			return nil, err
		}
		p, _ := o.(interface{ Get(string) (any, bool) }).Get(k)
		return p, nil
	}
	return nil, fmt.Errorf("%s has no elements", kind(v))
}

// at is an index into the list. A negative one counts from the end.
func (l *List) at(key any) (int, error) {
	i, ok := key.(int64)
	if !ok {
		return 0, fmt.Errorf("a list needs an integer, not %s", kind(key))
	}
	if i < 0 {
		i += int64(len(l.Items))
	}
	if i < 0 || i >= int64(len(l.Items)) {
		return 0, fmt.Errorf("the list has no element %d: it has %d", key, len(l.Items))
	}
	return int(i), nil
}

// elements is what a #foreach goes through: the values of a map.
func elements(v any) ([]any, error) {
	switch o := v.(type) {
	case nil:
		return nil, nil
	case *List:
		return o.Items[:len(o.Items):len(o.Items)], nil
	case *Map:
		return o.list().Items, nil
	}
	return nil, fmt.Errorf("a #foreach needs a list, not %s", kind(v))
}

func (m *Map) list() *List {
	l := &List{Items: make([]any, 0, len(m.keys))}
	for _, k := range m.keys {
		l.Items = append(l.Items, m.values[k])
	}
	return l
}

// kind names a value's type, for errors.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string, *block:
		return "a string"
	case bool:
		return "a boolean"
	case int64, float64:
		return "a number"
	case *List:
		return "a list"
	case *Map:
		return "a map"
	}
	return "an object"
}
