package pattern

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// matcher is an alternative of a field.
type matcher interface{ match(v *value) bool }

// exact accepts one value. Numbers are equal if they are written alike, or if
// they can be compared and are the same.
type exact struct {
	kind    kind
	text    string
	number  float64
	inRange bool // number can be compared
}

func newExact(k kind, text string) matcher {
	e := exact{kind: k, text: text}
	if k == number {
		e.number, e.inRange = toNumber(text)
	}
	return e
}

func (e exact) match(v *value) bool {
	switch {
	case v.kind != e.kind:
		return false
	case v.text == e.text:
		return true
	case e.kind == number && e.inRange:
		n, ok := toNumber(v.text)
		return ok && n == e.number
	}
	return false
}

type (
	prefix       string
	suffix       string
	folded       string // the whole, ignoring case
	foldedPrefix string
	foldedSuffix string
)

func (p prefix) match(v *value) bool { return v.kind == str && strings.HasPrefix(v.text, string(p)) }

func (s suffix) match(v *value) bool { return v.kind == str && strings.HasSuffix(v.text, string(s)) }

func (f folded) match(v *value) bool { return v.kind == str && fold(v.text) == string(f) }

func (p foldedPrefix) match(v *value) bool {
	return v.kind == str && strings.HasPrefix(fold(v.text), string(p))
}

func (s foldedSuffix) match(v *value) bool {
	return v.kind == str && strings.HasSuffix(fold(v.text), string(s))
}

// anythingBut accepts whatever none of its matchers does: null and numbers too
// when they are about strings, but nothing where there is no field.
type anythingBut []matcher

func (a anythingBut) match(v *value) bool {
	for _, m := range a {
		if m.match(v) {
			return false
		}
	}
	return true
}

// fold brings strings that differ in case only to the same form: each character
// to the smallest of those that it equals.
func fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'a' && c <= 'z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	return least
}
