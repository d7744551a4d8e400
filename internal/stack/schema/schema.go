// Package schema holds the vocabulary in which the generated package
// internal/resource/spec describes CloudFormation's resource types: their
// properties, which of them cannot change in place, and what Fn::GetAtt
// returns. It also checks resolved properties against such a description.
//
// It is data and one checker, not behaviour of a type: what a property does is
// the business of the type's provider. The tables carry the facts of AWS's
// published resource schemas without their prose.
//
// Invariants: a table is written once by the generator and never changed;
// references between shapes are indices into the table, so that recursive
// shapes need no initialisation at start-up; types and properties are sorted by
// name.
package schema

import "sort"

// Kind is the kind of a shape.
type Kind uint8

// The kinds of shapes.
const (
	String  Kind = iota
	Integer      // a whole number
	Number       // any number
	Boolean
	JSON   // any value: a policy document, an API definition
	List   // of Elem
	Map    // of Elem, by names of the user's
	Object // of named properties
)

// String returns the name of the kind as diagnostics use it.
func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Integer:
		return "whole number"
	case Number:
		return "number"
	case Boolean:
		return "boolean"
	case List:
		return "list"
	case Map, Object:
		return "map"
	}
	return "value"
}

// Ref is the index of a shape in its table.
type Ref uint16

// Shape describes the value of a property.
type Shape struct {
	Name       string // of an object, such as "TracingConfig"; empty otherwise
	Kind       Kind
	Elem       Ref        // of a List or Map
	Properties []Property // of an Object
}

// Property is one property of a type or an object.
type Property struct {
	Name     string
	Shape    Ref
	Required bool
	// CreateOnly says that a change means a new physical resource.
	CreateOnly bool
}

// Type describes one resource type.
type Type struct {
	Name       string // AWS::Lambda::Function
	Properties []Property
	Attributes []string // what Fn::GetAtt takes
	PrimaryID  []string // the properties or attributes that identify a resource
	Tags       string   // the property that holds the tags as a list of Key and Value; empty when there is none
}

// Table is a set of types and the shapes that they use.
type Table struct {
	Shapes []Shape
	Types  []Type // sorted by name
}

// Type returns the type of that name, or nil.
func (t *Table) Type(name string) *Type {
	i := sort.Search(len(t.Types), func(i int) bool { return t.Types[i].Name >= name })
	if i < len(t.Types) && t.Types[i].Name == name {
		return &t.Types[i]
	}
	return nil
}

// Shape returns the shape that r refers to.
func (t *Table) Shape(r Ref) *Shape { return &t.Shapes[r] }

// Property returns the property of that name, or nil.
func (t *Type) Property(name string) *Property { return find(t.Properties, name) }

// HasAttribute reports whether Fn::GetAtt of a resource of the type takes name.
func (t *Type) HasAttribute(name string) bool {
	for _, a := range t.Attributes {
		if a == name {
			return true
		}
	}
	return false
}

func find(ps []Property, name string) *Property {
	i := sort.Search(len(ps), func(i int) bool { return ps[i].Name >= name })
	if i < len(ps) && ps[i].Name == name {
		return &ps[i]
	}
	return nil
}

func names(ps []Property) []string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.Name
	}
	return out
}
