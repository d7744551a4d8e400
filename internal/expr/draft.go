package expr

import (
	"slices"

	"github.com/nube-run/nube/internal/expr/attr"
)

// draft is a map or list that is being changed: its parts as they were, with drafts only where a change reaches deeper.
type draft struct {
	kind  attr.Kind
	parts []part
}

// part is an entry of a map or an element of a list, named by name or index. A part without value and draft is removed.
type part struct {
	step  Step
	value attr.Value
	draft *draft
}

// newDraft takes a map or a list apart; an absent value is an empty map.
func newDraft(v attr.Value) *draft {
	d := &draft{kind: v.Kind()}
	if d.kind == attr.L {
		i := 0
		for e := range v.Elems() {
			d.parts = append(d.parts, part{step: Step{Index: i, List: true}, value: e})
			i++
		}
		return d
	}
	d.kind = attr.M
	d.parts = make([]part, 0, v.Len()+1)
	for name, e := range v.Entries() {
		d.parts = append(d.parts, part{step: Step{Name: name}, value: e})
	}
	return d
}

// takes reports whether the step can name a part of the draft.
func (d *draft) takes(s Step) bool { return s.List == (d.kind == attr.L) }

func (d *draft) find(s Step) *part {
	for i := range d.parts {
		if d.parts[i].step == s {
			return &d.parts[i]
		}
	}
	return nil
}

// get is the value of a part, absent when there is none.
func (d *draft) get(s Step) attr.Value {
	p := d.find(s)
	switch {
	case p == nil:
		return attr.Value{}
	case p.draft != nil:
		return p.draft.value()
	}
	return p.value
}

// child is the draft of a part that is a map or a list, nil for another part.
func (d *draft) child(s Step) *draft {
	p := d.find(s)
	if p == nil {
		return nil
	}
	if k := p.value.Kind(); p.draft == nil && (k == attr.M || k == attr.L) {
		p.draft = newDraft(p.value)
	}
	return p.draft
}

// set replaces, adds or, with an absent value, removes a part.
func (d *draft) set(s Step, v attr.Value) {
	if p := d.find(s); p != nil {
		p.value, p.draft = v, nil
		return
	}
	d.parts = append(d.parts, part{step: s, value: v})
}

// value is the draft as a value. Elements of a list close up where others were removed or never were.
func (d *draft) value() attr.Value {
	if d.kind == attr.M {
		entries := make([]attr.Entry, len(d.parts))
		for i, p := range d.parts {
			entries[i] = attr.Entry{Name: p.step.Name, Value: p.final()}
		}
		return attr.NewItem(entries...).Value()
	}
	slices.SortFunc(d.parts, func(a, b part) int { return a.step.Index - b.step.Index })
	elems := make([]attr.Value, 0, len(d.parts))
	for _, p := range d.parts {
		elems = append(elems, p.final())
	}
	return attr.List(elems...)
}

func (p part) final() attr.Value {
	if p.draft != nil {
		return p.draft.value()
	}
	return p.value
}
