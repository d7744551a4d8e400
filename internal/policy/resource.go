package policy

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
)

// A resource is a compiled pattern of the Resource element. Its meaning is
// that of [arn.Match]: five parts that are compared one by one and the rest,
// which alone may hold variables.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
type resource struct {
	shape shape
	text  string    // for all shapes but shapeGlob
	parts [5]string // compiled patterns
	n     int       // how many of the six parts the pattern has; the rest match anything
	rest  template
}

func parseResource(s string, vars bool) resource {
	var r resource
	whole := parseTemplate(s, vars, true)
	if whole.parts == nil && strings.Count(s, ":") >= 5 || s == "*" {
		// Literal up to a last star, it can be compared as one string: the
		// colons of a literal prefix are the colons of whatever matches it,
		// provided that the star is in the last part.
		if sh, text := shapeOf(whole.text); sh != shapeGlob && (sh != shapePrefix || strings.Count(text, ":") >= 5) {
			r.shape, r.text = sh, text
			return r
		}
	}
	r.shape = shapeGlob
	more := true
	for r.n < 5 && more {
		var p string
		p, s, more = strings.Cut(s, ":")
		r.parts[r.n] = parseTemplate(p, false, true).text
		r.n++
	}
	if more {
		r.rest = parseTemplate(s, vars, true)
		r.n++
	}
	return r
}

// A target is the request's resource, cut once for all patterns.
type target struct {
	text  string
	parts [6]string
	n     int
}

func newTarget(a arn.ARN) target {
	t := target{text: string(a)}
	s, more := t.text, true
	for t.n < 5 && more {
		t.parts[t.n], s, more = strings.Cut(s, ":")
		t.n++
	}
	if more {
		t.parts[5] = s
		t.n++
	}
	return t
}

// matches compares a resource with the pattern. An unresolved variable makes
// the pattern match nothing, and is reported, because it makes the statement
// void even when the pattern is negated.
func (p *resource) matches(t *target, r *Request) (ok, unresolved bool) {
	switch p.shape {
	case shapeAny:
		return true, false
	case shapeExact:
		return t.text == p.text, false
	case shapePrefix:
		return strings.HasPrefix(t.text, p.text), false
	}
	if p.n > t.n {
		return false, false
	}
	for i := range min(p.n, 5) {
		if p.parts[i] != t.parts[i] && !glob(p.parts[i], t.parts[i], false) {
			return false, false
		}
	}
	if p.n < 6 {
		return true, false
	}
	rest, resolved := p.rest.expand(r)
	if !resolved {
		return false, true
	}
	return glob(rest, t.parts[5], false), false
}
