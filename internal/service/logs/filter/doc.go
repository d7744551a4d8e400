// Package filter is the filter pattern language of CloudWatch Logs, with which
// events are searched, counted and passed on:
//
//	ERROR -timeout "exact phrase"       terms, all of them but those excluded
//	?ERROR ?WARN                        any of the terms
//	%regular [a-z]+ expression%         a regular expression
//	{ $.level = "error" && $.ms > 50 }  conditions on a JSON message
//	[ip, ..., status = 4*, bytes]       conditions on fields between spaces
//
// It knows messages, not events, and stores nothing. A pattern is compiled once
// and matches in time linear to the message.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
package filter

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInvalid is wrapped by the errors of [Parse]. Their texts are AWS's, which
// clients show as they are.
var ErrInvalid = errors.New("Invalid filter pattern")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Pattern is a compiled filter pattern. It is safe for concurrent use.
type Pattern struct{ m matcher }

// matcher is one of the kinds of patterns.
type matcher interface{ match(message string) bool }

// Parse compiles a pattern. The empty pattern matches everything.
func Parse(pattern string) (*Pattern, error) {
	p := &parser{in: pattern}
	p.space()
	var m matcher
	var err error
	switch {
	case p.done():
		m = everything{}
	case p.peek() == '{':
		m, err = p.json()
	case p.peek() == '[':
		m, err = p.fields()
	case p.peek() == '%':
		m, err = p.standalone()
	default:
		m, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	if p.regexes > maxRegexes {
		return nil, invalid("more than %d regular expressions", maxRegexes)
	}
	return &Pattern{m}, nil
}

// Match reports whether a message matches.
func (p *Pattern) Match(message string) bool { return p.m.match(message) }

// everything is the empty pattern.
type everything struct{}

func (everything) match(string) bool { return true }

// parser is a place in a pattern.
type parser struct {
	in        string
	at        int
	regexes   int
	wildcards int      // of JSON selectors
	depth     int      // of parentheses
	named     string   // the field that was read last
	selectors []string // of a JSON pattern
}

func (p *parser) done() bool { return p.at >= len(p.in) }

func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.in[p.at]
}

// has takes s if it is next.
func (p *parser) has(s string) bool {
	if !strings.HasPrefix(p.in[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) space() {
	for !p.done() && isSpace(p.in[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// quoted takes a string in double quotation marks, in which a backslash takes
// the meaning from a quotation mark or a backslash.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	start := p.at
	p.at++
	for !p.done() {
		c := p.in[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\' && (p.peek() == '"' || p.peek() == '\\'):
			b.WriteByte(p.peek())
			p.at++
		default:
			b.WriteByte(c)
		}
	}
	return "", invalid("%s has no closing quotation mark", p.in[start:])
}
