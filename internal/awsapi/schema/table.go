package schema

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Table is the shapes of a model. The generator writes them down as text, which
// takes a fourth of their room, and it is read when somebody asks for a shape: a
// service that nobody calls costs nothing but its text. The shapes' strings are
// parts of that text.
//
// A shape is a line, and each member of a structure a line below it. Tabs part
// the fields; a member's line begins with one.
//
//	PublishInput	structure
//		TopicArn	108
//		Message!	104
//	AmazonResourceName	string	min=1	max=1011
//
// A required member's name ends in "!". Shapes refer to each other by their
// place, counted from 0. What else there is to say of a shape or a member
// follows: see [Shape.set] and [Member.set].
type Table struct {
	Text string

	once   sync.Once
	shapes []Shape
}

// NewTable returns a table of shapes that are there already.
func NewTable(shapes []Shape) *Table {
	t := &Table{shapes: shapes}
	t.once.Do(func() {})
	return t
}

// All returns the shapes, which nobody may change.
func (t *Table) All() []Shape {
	t.once.Do(t.read)
	return t.shapes
}

// read panics when the text is none that the generator writes.
func (t *Table) read() {
	var err error
	if t.shapes, err = readTable(t.Text); err != nil {
		panic("schema: " + err.Error())
	}
}

func readTable(text string) ([]Shape, error) {
	n := strings.Count(text, "\n\t")
	members := make([]Member, 0, n) // of all structures, each of which has a part of it
	shapes := make([]Shape, 0, strings.Count(text, "\n")-n)
	for at := 1; text != ""; at++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		var err error
		if !strings.HasPrefix(line, "\t") {
			shapes = append(shapes, Shape{Key: None, Elem: None})
			err = shapes[len(shapes)-1].read(line)
		} else if len(shapes) == 0 {
			err = errors.New("a member of no shape")
		} else {
			members = append(members, Member{})
			s := &shapes[len(shapes)-1]
			s.Members = members[len(members)-len(s.Members)-1:]
			err = s.Members[len(s.Members)-1].read(line[1:])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d of a table, %q: %w", at, line, err)
		}
	}
	for i := range shapes {
		if err := shapes[i].check(len(shapes)); err != nil {
			return nil, fmt.Errorf("shape %s of a table: %w", shapes[i].Name, err)
		}
	}
	return shapes, nil
}

// check is that a shape refers to shapes of its table, which has n of them.
func (s *Shape) check(n int) error {
	for i := range s.Members {
		if m := &s.Members[i]; int(m.Shape) >= n {
			return fmt.Errorf("member %s has the shape %d, of %d", m.Name, m.Shape, n)
		}
	}
	if s.Payload < 0 || s.Payload > len(s.Members) {
		return fmt.Errorf("its member %d is its payload, of %d", s.Payload, len(s.Members))
	}
	switch {
	case s.Kind == List && int(s.Elem) >= n, s.Kind == Map && max(int(s.Key), int(s.Elem)) >= n:
		return fmt.Errorf("its elements have the shapes %d and %d, of %d", s.Key, s.Elem, n)
	}
	return nil
}

func (s *Shape) read(line string) error {
	var kind string
	s.Name, line, _ = strings.Cut(line, "\t")
	kind, line, _ = strings.Cut(line, "\t")
	var ok bool
	if s.Kind, ok = kindNamed(kind); !ok {
		return fmt.Errorf("no kind is called %q", kind)
	}
	return eachAttribute(line, s.set)
}

func (m *Member) read(line string) error {
	var shape string
	m.Name, line, _ = strings.Cut(line, "\t")
	m.Name, m.Required = strings.CutSuffix(m.Name, "!")
	m.Wire = m.Name
	shape, line, _ = strings.Cut(line, "\t")
	var err error
	if m.Shape, err = readRef(shape); err != nil {
		return err
	}
	return eachAttribute(line, m.set)
}
