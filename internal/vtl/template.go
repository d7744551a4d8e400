package vtl

import (
	"fmt"
	"maps"
	"strings"
)

// Limits. The first two are API Gateway's.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
const (
	maxSize   = 300 << 10 // bytes of a template
	maxLoop   = 1000      // turns of one #foreach
	maxSteps  = 1 << 18   // directives, references and operators of an execution
	maxBytes  = 64 << 20  // of all strings that an execution makes
	maxOutput = 10 << 20  // of the result
	maxItems  = 1 << 16   // of a list that a template makes
	maxDepth  = 64        // of what stands within something else
)

// Vars are the variables of an execution, without their "$". A value is nil, a
// string, a bool, an int64, a float64, a [*List], a [*Map] or an [Object].
type Vars map[string]any

// Template is a parsed template.
type Template struct {
	src  string
	body []node
}

// Parse reads a template. What is wrong with it is an [*Error].
func Parse(text string) (*Template, error) {
	if len(text) > maxSize {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the template has %d bytes; the most are %d", len(text), maxSize)}
	}
	p := &parser{src: text, end: len(text)}
	body, closer, err := p.block()
	if err != nil {
		return nil, err
	}
	if closer.name != "" {
		return nil, p.errorf(closer.at, "#%s without a directive that it belongs to", closer.name)
	}
	return &Template{src: text, body: body}, nil
}

// Execute runs the template. It changes no variable of vars, but a template may
// change the lists and maps that they lead to. What goes wrong is an [*Error].
func (t *Template) Execute(vars Vars) (string, error) {
	in := &interp{src: t.src, vars: maps.Clone(vars), out: &strings.Builder{}}
	if in.vars == nil {
		in.vars = Vars{}
	}
	if err := in.run(t.body); err != nil && err != errStop {
		return "", place(in.src, in.at, err)
	}
	return in.out.String(), nil
}
