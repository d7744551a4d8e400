package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// base is what every type has: the way to its service.
type base struct{ caller awsapi.Caller }

// do calls an operation.
func do[I, O any](ctx context.Context, b base, op schema.TypedOp[I, O], in I) (O, error) {
	return awsapi.Do(ctx, b.caller, op, in)
}

// run calls an operation whose answer does not matter.
func run[I, O any](ctx context.Context, b base, op schema.TypedOp[I, O], in I) error {
	_, err := awsapi.Do(ctx, b.caller, op, in)
	return err
}

// absent reports whether an error says that something does not exist.
func absent(err error) bool {
	e, ok := fault.As(err)
	if !ok {
		return false
	}
	switch e.Code {
	case "ResourceNotFoundException", "NoSuchEntity", "NotFoundException", "NotFound", "ParameterNotFound", "QueueDoesNotExist", "ResourceNotFound":
		return true
	}
	return false
}

// present reports whether an error says that something exists already.
func present(err error) bool {
	e, ok := fault.As(err)
	if !ok {
		return false
	}
	switch e.Code {
	case "ResourceInUseException", "ResourceAlreadyExistsException", "EntityAlreadyExists", "ResourceConflictException", "ConflictException", "AlreadyExistsException",
		"ResourceExistsException", "ParameterAlreadyExists":
		return true
	}
	return false
}

// gone makes a deletion of what does not exist a success.
func gone(err error) (stack.Progress, error) {
	if absent(err) {
		err = nil
	}
	return stack.Progress{}, err
}

// found turns the error of a read into [stack.ErrNotFound] where it says that.
func found(err error) error {
	if absent(err) {
		return stack.ErrNotFound
	}
	return err
}

// short is the rule for ids of resources that have no name.
var short = stack.NameRule{Max: 32, Short: true}

func ptr[T any](v T) *T { return &v }

// val returns what p points to, or the zero value.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// text returns a property as a string, empty when it is absent.
func text(props *template.Value, path ...string) string {
	s, _ := props.Get(path...).AsString()
	return s
}

// has reports whether a property is there and true.
func has(props *template.Value, path ...string) bool {
	b, _ := props.Get(path...).AsBool()
	return b
}

// texts returns a property that is a list of strings.
func texts(props *template.Value, name string) []string {
	v := props.Get(name)
	if v == nil {
		return nil
	}
	out := make([]string, 0, len(v.Items))
	for _, item := range v.Items {
		out = append(out, item.Text)
	}
	return out
}

// document returns a property that is JSON, or a text that holds JSON.
func document(v *template.Value) string {
	switch {
	case v == nil:
		return ""
	case v.Kind == template.String:
		return v.Text
	}
	return string(v.AppendJSON(nil))
}

// same reports whether a property is the same in two versions.
func same(a, b *template.Value, name string) bool {
	x, y := a.Get(name), b.Get(name)
	return x == nil && y == nil || x != nil && y != nil && template.Equal(x, y)
}

// changed reports whether any of some properties differs in two versions.
func changed(a, b *template.Value, names ...string) bool {
	for _, n := range names {
		if !same(a, b, n) {
			return true
		}
	}
	return false
}
