package stack

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/stack/schema"
	"github.com/nube-run/nube/internal/template"
)

// Provider makes, changes and removes the resources of one type. Its methods
// are called by several goroutines, for different resources.
//
// A method may be called again for a step that it has done before, because a
// crash came before its result was recorded: then Request.Again is set, and
// finding the thing done is success.
type Provider interface {
	// Create makes the resource. It returns its physical id, which is what Ref
	// yields, and its attributes. With an error it returns the physical id of
	// what exists nevertheless, and an empty one when nothing does.
	Create(ctx context.Context, r Request) (Progress, error)

	// Update makes the resource what r.Properties say; r.Old is what it was
	// asked to be before. The physical id stays.
	Update(ctx context.Context, r Request) (Progress, error)

	// Delete removes the resource. That it is gone already is success.
	Delete(ctx context.Context, r Request) (Progress, error)

	// Read returns the attributes of the resource, or [ErrNotFound].
	Read(ctx context.Context, r Request) (Attrs, error)
}

// ErrNotFound says that a resource does not exist.
var ErrNotFound = errors.New("the resource does not exist")

// Attrs is what Fn::GetAtt yields, by the name of the attribute, nested ones
// with dots. Values are what [template.New] takes.
type Attrs map[string]any

// Request is one step on one resource.
type Request struct {
	Stack     StackRef
	LogicalID string
	Type      string
	// PhysicalID is the resource's. Of a Create it is the name of the
	// resource, from its properties or generated, or empty when its service
	// gives the id; a repeated Create may know it already.
	PhysicalID string
	Token      string          // the same each time this step is called, different for every other step
	Properties *template.Value // checked against the schema, scalars of the kind it says; a map
	Old        *template.Value // of an Update; a map
	Attrs      Attrs           // of an Update or Delete: what the last step returned
	Again      bool            // the step may have been done before
	Since      clock.Instant   // when the step began, also if it is called again
}

// StackRef is the stack that a resource belongs to.
type StackRef struct {
	ID    string // ARN
	Name  string
	Scope arn.Scope
}

// Progress is what a step achieved.
type Progress struct {
	PhysicalID string
	Attrs      Attrs
	// Wait says what the resource still waits for. The engine then calls the
	// method again, with the physical id and Again, until it is empty.
	Wait string
}

// Type is a resource type that stacks can have.
type Type struct {
	Schema   *schema.Type
	Table    *schema.Table // to which Schema belongs
	Provider Provider

	// NameProperty names the property that names the resource, such as
	// TableName. It is empty when the service gives the id, or when the id is
	// not a name.
	NameProperty string
	// Name bounds generated names. They are made for types that have a
	// NameProperty or Name.Max.
	Name NameRule

	// Refused are properties that the schema has and the provider does not
	// honour, with dots where they are inside of others ("Code.ImageUri"); a
	// template that uses one is refused.
	Refused []string
	// Ignored are properties that make no difference here. A template that uses
	// one is accepted with a warning.
	Ignored []Ignored

	// Attributes are further attributes that Fn::GetAtt takes.
	Attributes []string

	// Replaces says whether a change of properties that may be made in place
	// needs a new resource all the same; nil means never. changed are the names
	// of the top-level properties that differ.
	Replaces func(old, new *template.Value, changed []string) bool
}

// hasAttribute reports whether Fn::GetAtt takes name.
func (t *Type) hasAttribute(name string) bool {
	for _, a := range t.Attributes {
		if a == name {
			return true
		}
	}
	return t.Schema.HasAttribute(name)
}

// Ignored is a property that makes no difference.
type Ignored struct {
	Property string
	Why      string // "nube keeps no backups of single tables"
}

// NameRule says what a generated name may look like.
type NameRule struct {
	Max   int  // characters; zero: the type has no generated names
	Lower bool // lower case only
	// Short names begin with a few characters of stack and logical id, as AWS
	// makes the ids of resources that have no name of their own.
	Short bool
}
