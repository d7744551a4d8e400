// Package regex compiles the regular expressions that users of AWS write: those of
// Java in AllowedPattern, in selection patterns and in what a token has to match,
// those of ECMA 262 in JSON Schema.
//
// It is not an engine. What Go's regexp understands is Go's, which takes time in
// proportion to the text; the rest, which looks ahead or behind or refers back to
// what was matched, is left to one that tries one way after another.
//
// Invariants: a match ends within [Limit] or so, whatever the expression; what takes
// longer does not match. The two engines agree on what both understand, but for
// Unicode: \d, \w and \s are ASCII's in either, as in Java and ECMAScript.
package regex

import (
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
)

// Limit is how long a match may take.
const Limit = time.Second

// Regexp is a compiled expression. It is safe for concurrent use.
type Regexp struct {
	linear *regexp.Regexp  // nil: it needs the other
	trying *regexp2.Regexp // with a time limit
}

// Compile compiles an expression that matches anywhere in a text.
func Compile(text string) (*Regexp, error) { return compile(text, text) }

// CompileWhole compiles an expression that has to match the whole of a text.
func CompileWhole(text string) (*Regexp, error) { return compile(text, `\A(?:`+text+`)\z`) }

func compile(text, full string) (*Regexp, error) {
	// By itself first: what surrounds it must not make sense of it.
	_, err := regexp.Compile(text)
	if err == nil {
		linear, err := regexp.Compile(full)
		return &Regexp{linear: linear}, err
	}
	if _, err := regexp2.Compile(text, regexp2.RE2); err != nil {
		return nil, err // which shows the expression
	}
	trying, err := regexp2.Compile(full, regexp2.RE2)
	if err != nil {
		return nil, err
	}
	trying.MatchTimeout = Limit
	return &Regexp{trying: trying}, nil
}

// MatchString reports whether the expression matches.
func (r *Regexp) MatchString(s string) bool {
	if r.linear != nil {
		return r.linear.MatchString(s)
	}
	ok, err := r.trying.MatchString(s)
	return ok && err == nil
}
