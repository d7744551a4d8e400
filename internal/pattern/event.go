package pattern

import "slices"

// Event is a JSON object as patterns see it: fields by their paths.
type Event struct {
	fields map[string]*field
	order  []*field // as they stand in the event
	spare  []field  // made ahead
}

// field is one value of a path.
type field struct {
	path  string
	value value
	in    *element // the object of an array that it is in, if any
	next  *field   // another of the same path
}

// value is a leaf.
type value struct {
	kind kind
	text string // of a string what it says, of others how they are written
}

// element is an object, or array, in an array.
type element struct {
	parent *element // of the element that the array is in
	array  int      // which array of the event
	index  int      // which of its elements
}

// Parse reads an event.
func Parse(src []byte) (*Event, error) {
	s := &scanner{src: src, str: string(src)}
	if err := s.next(); err != nil {
		return nil, err
	}
	if s.kind != objectStart {
		return nil, s.failHere("Event is not an object")
	}
	// Few members are shorter, with their names.
	e := &Event{fields: make(map[string]*field, len(src)/32)}
	r := reader{scanner: s, event: e}
	if err := r.object(nil); err != nil {
		return nil, err
	}
	return e, s.end()
}

func (e *Event) first(path string) *field { return e.fields[path] }

func (e *Event) add(path string, v value, in *element) {
	if len(e.spare) == 0 {
		e.spare = make([]field, 16)
	}
	f := &e.spare[0]
	e.spare = e.spare[1:]
	*f = field{path: path, value: v, in: in, next: e.fields[path]}
	e.fields[path] = f
	e.order = append(e.order, f)
}

// reader makes fields of JSON.
type reader struct {
	*scanner
	event  *Event
	path   []byte
	arrays int
	depth  int
}

// maxDepth bounds how deep JSON may be nested.
const maxDepth = 1000

// object reads an object whose opening brace has been read.
func (r *reader) object(in *element) error {
	if r.depth++; r.depth > maxDepth {
		return r.failHere("JSON is nested too deep")
	}
	defer func() { r.depth-- }()
	for first := true; ; first = false {
		name, more, err := r.name(first)
		if err != nil || !more {
			return err
		}
		before := len(r.path)
		if before > 0 || r.depth > 1 {
			r.path = append(r.path, '.')
		}
		r.path = append(r.path, name...)
		if err := r.next(); err != nil {
			return err
		}
		if err := r.value(in); err != nil {
			return err
		}
		r.path = r.path[:before]
	}
}

// value reads the value whose first token has been read.
func (r *reader) value(in *element) error {
	switch r.kind {
	case objectStart:
		return r.object(in)
	case arrayStart:
		return r.array(in)
	case objectEnd, arrayEnd:
		return r.unexpected()
	}
	v := value{kind: r.kind}
	var err error
	if v.text, err = r.text(); err != nil {
		return err
	}
	r.event.add(string(r.path), v, in)
	return nil
}

// array reads an array whose opening bracket has been read.
func (r *reader) array(in *element) error {
	if r.depth++; r.depth > maxDepth {
		return r.failHere("JSON is nested too deep")
	}
	defer func() { r.depth-- }()
	id := r.arrays
	r.arrays++
	for i := 0; ; i++ {
		more, err := r.item(i == 0)
		if err != nil || !more {
			return err
		}
		at := in
		if r.kind == objectStart || r.kind == arrayStart {
			at = &element{parent: in, array: id, index: i}
		}
		if err := r.value(at); err != nil {
			return err
		}
	}
}

// agree reports whether one element can be taken of each list such that, of each
// array that several are in, they are in the same element. All of them are below
// root.
func agree(root *element, lists [][]*element) bool {
	// Those that are at the root itself agree with whatever is taken of the others.
	type choice struct {
		array int
		list  []*element
	}
	var open []choice // lists with candidates in one array each
	var more [][]choice
	for _, list := range lists {
		byArray := make(map[int][]*element)
		var order []int
		free := false
		for _, el := range list {
			if el == root {
				free = true
				break
			}
			a := below(root, el).array
			if byArray[a] == nil {
				order = append(order, a)
			}
			byArray[a] = append(byArray[a], el)
		}
		switch {
		case free:
		case len(order) == 1:
			open = append(open, choice{order[0], list})
		default: // names with dots: one path leads into several arrays
			var cs []choice
			for _, a := range order {
				cs = append(cs, choice{a, byArray[a]})
			}
			more = append(more, cs)
		}
	}
	var try func(chosen []choice, rest [][]choice) bool
	try = func(chosen []choice, rest [][]choice) bool {
		if len(rest) > 0 {
			for _, c := range rest[0] {
				if try(append(chosen[:len(chosen):len(chosen)], c), rest[1:]) {
					return true
				}
			}
			return false
		}
		groups := make(map[int][][]*element)
		for _, c := range chosen {
			groups[c.array] = append(groups[c.array], c.list)
		}
		for _, lists := range groups {
			if !oneElement(root, lists) {
				return false
			}
		}
		return true
	}
	return try(open, more)
}

// oneElement reports whether an element of the one array that all lists are in
// holds an agreeing choice of all of them. It goes over the lists once, however
// many elements there are.
func oneElement(root *element, lists [][]*element) bool {
	var order []*element // of the first list: others have to be there too
	within := make(map[*element][][]*element)
	for i, list := range lists {
		for _, el := range list {
			at := below(root, el)
			parts := within[at]
			if parts == nil {
				if i > 0 {
					continue
				}
				parts = make([][]*element, len(lists))
				within[at] = parts
				order = append(order, at)
			}
			parts[i] = append(parts[i], el)
		}
	}
	for _, at := range order {
		parts := within[at]
		if !slices.ContainsFunc(parts, func(of []*element) bool { return len(of) == 0 }) && agree(at, parts) {
			return true
		}
	}
	return false
}

// below returns the element on the way from root to el that is directly below
// root.
func below(root, el *element) *element {
	for el.parent != root {
		el = el.parent
	}
	return el
}
