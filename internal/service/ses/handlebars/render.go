package handlebars

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MissingError says that the data does not have what a template wants.
type MissingError struct{ Name string }

// Error implements error, in SES's words.
func (e *MissingError) Error() string {
	return fmt.Sprintf("Attribute '%s' is not present in the rendering data.", e.Name)
}

// ErrTooLarge says that a template would write more than a message may hold.
var ErrTooLarge = errors.New("the rendered template is larger than 10 MB")

// outputMax is the largest text that a template may write.
const outputMax = 10 << 20

// errEndless says that a template goes through its lists in lists for ever.
var errEndless = errors.New("the template goes through lists in lists more often than a message needs")

// stepsMax is how many nodes an execution may render.
const stepsMax = 1_000_000

// Execute renders the template.
func (t *Template) Execute(d Data) (string, error) {
	r := &renderer{}
	root := &scope{context: d.value, root: d.value}
	if err := r.all(t.nodes, root); err != nil {
		return "", err
	}
	return r.out.String(), nil
}

// renderer is one execution.
type renderer struct {
	out   strings.Builder
	depth int // of partials
	steps int
}

// scope is what names mean at a place.
type scope struct {
	context  any
	root     any
	outer    *scope // of the block around it
	vars     map[string]any
	names    map[string]any // block parameters
	partials map[string][]node
	shadow   bool // has the context of outer: ".." does not count it
}

// into returns the scope of a block with its own context.
func (s *scope) into(context any) *scope { return &scope{context: context, root: s.root, outer: s} }

// same returns the scope of a block with the context that is already there.
func (s *scope) same() *scope {
	return &scope{context: s.context, root: s.root, outer: s, shadow: true}
}

func (r *renderer) write(s string) error {
	if r.out.Len()+len(s) > outputMax {
		return ErrTooLarge
	}
	r.out.WriteString(s)
	return nil
}

func (r *renderer) all(nodes []node, s *scope) error {
	for _, n := range nodes {
		if r.steps++; r.steps > stepsMax {
			return errEndless
		}
		if err := n.render(r, s); err != nil {
			return err
		}
	}
	return nil
}

func (l literal) render(r *renderer, _ *scope) error { return r.write(string(l)) }

func (o output) render(r *renderer, s *scope) error {
	v, ok := o.value.eval(s)
	if _, written := o.value.(constant); !written && (!ok || v == nil) {
		return &MissingError{o.value.String()}
	}
	return r.write(show(v))
}

func (b *block) render(r *renderer, s *scope) error {
	v, _ := b.value.eval(s)
	yes := truth(v)
	kind := b.kind
	if kind == section {
		switch v.(type) {
		case []any:
			kind = eachBlock
		case *object:
			kind = withBlock
		default:
			kind = ifBlock
		}
	}
	switch kind {
	case ifBlock, unlessBlock:
		if yes == (kind == ifBlock) {
			return r.all(b.body, s.same())
		}
	case withBlock:
		if yes {
			in := s.into(v)
			b.name(in, v)
			return r.all(b.body, in)
		}
	case eachBlock:
		if done, err := b.each(r, s, v); done || err != nil {
			return err
		}
	}
	return r.all(b.inverse, s.same())
}

// name gives values to a block's parameters.
func (b *block) name(s *scope, values ...any) {
	for i, v := range values {
		if i < len(b.names) {
			if s.names == nil {
				s.names = map[string]any{}
			}
			s.names[b.names[i]] = v
		}
	}
}

// each goes through a list or an object; done is false when there is nothing in
// it.
func (b *block) each(r *renderer, s *scope, v any) (done bool, err error) {
	var keys []any
	var values []any
	switch v := v.(type) {
	case []any:
		values = v
		for i := range v {
			keys = append(keys, json.Number(strconv.Itoa(i)))
		}
	case *object:
		for _, k := range v.keys {
			keys, values = append(keys, k), append(values, v.values[k])
		}
	}
	for i, value := range values {
		if r.steps++; r.steps > stepsMax {
			return true, errEndless
		}
		in := s.into(value)
		in.vars = map[string]any{
			"index": json.Number(strconv.Itoa(i)), "key": keys[i], "first": i == 0, "last": i == len(values)-1,
		}
		b.name(in, value, keys[i])
		if err := r.all(b.body, in); err != nil {
			return true, err
		}
	}
	return len(values) > 0, nil
}

func (d declare) render(_ *renderer, s *scope) error {
	if s.partials == nil {
		s.partials = map[string][]node{}
	}
	s.partials[d.name] = d.body
	return nil
}

func (c call) render(r *renderer, s *scope) error {
	var body []node
	found := false
	for in := s; in != nil && !found; in = in.outer {
		body, found = in.partials[c.name]
	}
	if !found {
		return fmt.Errorf("the partial %s could not be found", c.name)
	}
	if r.depth++; r.depth > depthMax {
		return fmt.Errorf("the partial %s calls itself without end", c.name)
	}
	defer func() { r.depth-- }()
	in := s.same()
	if c.context != nil {
		v, ok := c.context.eval(s)
		if !ok {
			return &MissingError{c.context.String()}
		}
		in = s.into(v)
	}
	if len(c.hash) > 0 {
		with := &object{values: map[string]any{}}
		if o, ok := in.context.(*object); ok {
			for _, k := range o.keys {
				with.set(k, o.values[k])
			}
		}
		for _, p := range c.hash {
			v, ok := p.value.eval(s)
			if !ok {
				return &MissingError{p.value.String()}
			}
			with.set(p.name, v)
		}
		in.context = with
	}
	return r.all(body, in)
}

func (c constant) eval(*scope) (any, bool) { return c.value, true }

func (l lookup) eval(s *scope) (any, bool) {
	v, ok := l.value.eval(s)
	if !ok {
		return nil, false
	}
	k, ok := l.key.eval(s)
	if !ok {
		return nil, false
	}
	return member(v, show(k))
}

func (p path) eval(s *scope) (any, bool) {
	for range p.up {
		for s.shadow {
			s = s.outer
		}
		if s.outer == nil {
			return nil, false
		}
		s = s.outer
	}
	v, names := s.context, p.names
	switch {
	case p.variable:
		var ok bool
		if v, ok = s.variable(names[0]); !ok {
			return nil, false
		}
		names = names[1:]
	case len(names) > 0 && !p.this && p.up == 0:
		if named, ok := s.parameter(names[0]); ok {
			v, names = named, names[1:]
		}
	}
	for _, n := range names {
		var ok bool
		if v, ok = member(v, n); !ok {
			return nil, false
		}
	}
	return v, true
}

// variable is what @name means: of the nearest block that has it.
func (s *scope) variable(name string) (any, bool) {
	if name == "root" {
		return s.root, true
	}
	for in := s; in != nil; in = in.outer {
		if v, ok := in.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// parameter is what a block parameter means.
func (s *scope) parameter(name string) (any, bool) {
	for in := s; in != nil; in = in.outer {
		if v, ok := in.names[name]; ok {
			return v, true
		}
	}
	return nil, false
}
