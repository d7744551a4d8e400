package expr

import (
	"slices"

	"github.com/nube-run/nube/internal/expr/attr"
)

// The messages about an update that does not fit the item.
const (
	errOperandType = attr.Error("An operand in the update expression has an incorrect data type")
	errNoAttribute = attr.Error("The provided expression refers to an attribute that does not exist in the item")
	errLegacyType  = attr.Error("Type mismatch for attribute to update")
	errPath        = attr.Error("The document path provided in the update expression is invalid for update")
)

// Apply returns the item as the update leaves it. All values are computed from the item as it was, and list indices mean
// the list as it was; elements beyond a list's end are appended in the order of their indices.
func (u *Update) Apply(item attr.Item) (attr.Item, error) {
	var buf [8]attr.Value
	values := buf[:0]
	for _, c := range u.changes {
		var (
			v   attr.Value
			err error
		)
		if c.value != nil {
			if v, err = u.evaluate(c.value, item); err != nil {
				return attr.Item{}, err
			}
		}
		values = append(values, v)
	}
	root, nested := newDraft(item.Value()), false
	for i, c := range u.changes {
		if err := u.change(root, c.action, u.paths[i], values[i]); err != nil {
			return attr.Item{}, err
		}
		nested = nested || len(c.path) > 1
	}
	out := root.value().Item()
	if nested { // a whole attribute was checked as it was read
		if err := out.NestingError(); err != nil {
			return attr.Item{}, err
		}
	}
	return out, nil
}

// change applies one assignment.
func (u *Update) change(root *draft, a action, p Path, v attr.Value) error {
	parent := root
	for _, s := range p[:len(p)-1] {
		if parent = parent.child(s); parent == nil {
			return errPath
		}
	}
	last := p[len(p)-1]
	if !parent.takes(last) {
		return errPath
	}
	if a == actionAdd || a == actionDelete {
		var err error
		if v, err = u.combine(a, parent.get(last), v); err != nil {
			return err
		}
	}
	parent.set(last, v)
	return nil
}

// combine is what ADD and DELETE make of the value that is there; absent when nothing is left.
func (u *Update) combine(a action, old, v attr.Value) (attr.Value, error) {
	if old.IsZero() {
		if a == actionDelete {
			return attr.Value{}, nil
		}
		return v, nil
	}
	if old.Kind() != v.Kind() {
		if u.legacy {
			return attr.Value{}, errLegacyType
		}
		return attr.Value{}, errOperandType
	}
	switch v.Kind() {
	case attr.L:
		return listAppend(old, v)
	case attr.N:
		n, err := old.Number().Add(v.Number())
		return attr.NumberOf(n), err
	}
	members := slices.Collect(old.Members())
	if a == actionAdd {
		members = slices.AppendSeq(members, v.Members())
	} else {
		gone := map[string]bool{}
		for m := range v.Members() {
			gone[m] = true
		}
		members = slices.DeleteFunc(members, func(m string) bool { return gone[m] })
	}
	return attr.Set(v.Kind(), members...), nil
}

// evaluate is the value of the right side of a SET.
func (e env) evaluate(n *node, item attr.Item) (attr.Value, error) {
	switch n.op {
	case opValue:
		return e.values[n.slot], nil
	case opPath:
		v := e.lookup(n.path, item)
		if v.IsZero() {
			return v, errNoAttribute
		}
		return v, nil
	}
	if n.op == opCall && n.text == "if_not_exists" {
		v := e.lookup(n.args[0].path, item)
		w, err := e.evaluate(n.args[1], item)
		if v.IsZero() || err != nil {
			return w, err
		}
		return v, nil
	}
	v, err := e.evaluate(n.args[0], item)
	if err != nil {
		return v, err
	}
	w, err := e.evaluate(n.args[1], item)
	if err != nil {
		return w, err
	}
	if n.op == opCall {
		return listAppend(v, w)
	}
	if v.Kind() != attr.N || w.Kind() != attr.N {
		return attr.Value{}, errOperandType
	}
	var sum attr.Number
	if n.op == opPlus {
		sum, err = v.Number().Add(w.Number())
	} else {
		sum, err = v.Number().Sub(w.Number())
	}
	return attr.NumberOf(sum), err
}

func listAppend(v, w attr.Value) (attr.Value, error) {
	if v.Kind() != attr.L || w.Kind() != attr.L {
		return attr.Value{}, errOperandType
	}
	var elems []attr.Value
	for e := range v.Elems() {
		elems = append(elems, e)
	}
	for e := range w.Elems() {
		elems = append(elems, e)
	}
	return attr.List(elems...), nil
}
