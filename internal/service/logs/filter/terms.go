package filter

import (
	"fmt"
	"strings"
)

// terms is an unstructured pattern: messages that contain every term and none
// of those excluded. Optional terms count only where there is nothing else.
type terms struct {
	include, exclude, optional []string
}

func (t *terms) match(message string) bool {
	for _, s := range t.exclude {
		if strings.Contains(message, s) {
			return false
		}
	}
	for _, s := range t.include {
		if !strings.Contains(message, s) {
			return false
		}
	}
	if len(t.include) > 0 || len(t.exclude) > 0 || len(t.optional) == 0 {
		return true
	}
	for _, s := range t.optional {
		if strings.Contains(message, s) {
			return true
		}
	}
	return false
}

// terms takes an unstructured pattern.
func (p *parser) terms() (matcher, error) {
	t := &terms{}
	for p.space(); !p.done(); p.space() {
		list := &t.include
		switch {
		case p.has("?"):
			list = &t.optional
		case p.has("-"):
			list = &t.exclude
		}
		s, err := p.term()
		if err != nil {
			return nil, err
		}
		// A phrase of nothing but space matches everything, by AWS's page.
		if strings.TrimSpace(s) != "" {
			*list = append(*list, s)
		}
	}
	return t, nil
}

// term takes one term. What is not alphanumeric must be quoted.
func (p *parser) term() (string, error) {
	if p.peek() == '"' {
		return p.quoted()
	}
	start := p.at
	ok := true
	for !p.done() && !isSpace(p.in[p.at]) {
		ok = ok && isWord(p.in[p.at])
		p.at++
	}
	s := p.in[start:p.at]
	if s == "" {
		return "", invalid("a term is missing at %q", p.in[max(0, start-1):])
	}
	if !ok {
		return "", fmt.Errorf("%w", &termError{s})
	}
	return s, nil
}

// termError is what AWS says of a term that should have been quoted.
type termError struct{ term string }

func (e *termError) Error() string { return "Invalid character(s) in term '" + e.term + "'" }

func (e *termError) Unwrap() error { return ErrInvalid }
