package policy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/arn"
)

// Whatever the text, Parse gives a document or an Error, and a document that
// was parsed can be evaluated and explained.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:Get*","sqs:SendMessage"],"Resource":["arn:aws:s3:::b/${aws:username, 'x'}/*","*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"k":["${*}","a?"]},"NumericLessThan":{"n":5},"DateEquals":{"d":"2026"},"Bool":{"b":"true"},"IpAddress":{"i":"10.0.0.0/8"},"ArnLike":{"a":"arn:aws:${k}"},"BinaryEquals":{"x":"QQ=="},"Null":{"k":"true"}}}]}`,
		`{"Version":"2008-10-17","Id":"x","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012"],"Service":"s3.amazonaws.com"},"NotAction":"*","NotResource":"arn:aws:sqs"}}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`,
		`{`,
		`[[[[`,
	} {
		for k := Identity; k <= Control; k++ {
			f.Add(uint8(k), s)
		}
	}
	r := Request{Principal: ana, Action: "s3:GetObject", Resource: scope.Object("b", "ana/k"), Keys: KeyMap{
		"k": Many("a*", "b"), "n": One("3"), "d": One("2026"), "b": One("true"), "i": One("10.1.1.1"),
		"a": One("arn:aws:s3:::b"), "x": One("A"), "aws:username": One("ana"),
	}}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		k := Kind(kind % uint8(Control+1))
		d, err := Parse(k, text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Message == "" {
				t.Errorf("Parse(%q) = %v, want an Error", text, err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%q is not JSON and was parsed", text)
		}
		for _, s := range d.Statements() {
			if !json.Valid([]byte(s.Text())) {
				t.Errorf("statement %q of %q", s.Text(), text)
			}
		}
		s := Set{Identity: []*Doc{d}}
		switch {
		case k.hasPrincipal():
			s = Set{Resource: []*Doc{d}}
		case k == Control:
			s = Set{Control: [][]*Doc{{d}}}
		}
		if tr := s.Explain(&r); tr.Decision != s.Evaluate(&r) {
			t.Errorf("Explain and Evaluate differ for %q", text)
		}
	})
}

// reference is the definition of a wildcard match, over characters.
func reference(p, s []rune, fold bool) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return reference(p[1:], s, fold) || len(s) > 0 && reference(p, s[1:], fold)
	case len(s) == 0:
		return false
	}
	same := p[0] == s[0]
	if fold && s[0] < utf8.RuneSelf && p[0] < utf8.RuneSelf {
		same = lower(byte(p[0])) == lower(byte(s[0]))
	}
	return (p[0] == '?' || same) && reference(p[1:], s[1:], fold)
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "aXXbYc", false)
	f.Add("*a*a*a*b", "aaaaaaaaa", false)
	f.Add("S3:Get*", "s3:getobject", true)
	f.Add("*??bc", "€bc", false)
	f.Fuzz(func(t *testing.T, p, s string, fold bool) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) || len(p) > 24 || len(s) > 24 || strings.Count(p, "*") > 5 {
			return // the definition is exponential, and speaks of characters
		}
		compiled := parseTemplate(p, false, true).text
		if fold {
			b := []byte(compiled)
			for i := range b {
				b[i] = lower(b[i])
			}
			compiled = string(b)
		}
		if got, want := glob(compiled, s, fold), reference([]rune(p), []rune(s), fold); got != want {
			t.Errorf("glob(%q, %q, %t) = %t, want %t", p, s, fold, got, want)
		}
	})
}

// A list of actions means what its patterns mean one by one.
func FuzzActions(f *testing.F) {
	f.Add("s3:Get*", "*:List*", "sqs:SendMessage", "S3:GETOBJECT")
	f.Add("*", "a:b", "a:*b?", "a:xbc")
	f.Add("*:*", "*:x", "x:*", "x:")
	f.Add("*:", "a:b", "a:**", "a:xA@")
	f.Fuzz(func(t *testing.T, a, b, c, name string) {
		list := []string{a, b, c}
		want := false
		for _, p := range list {
			vendor, rest, ok := strings.Cut(p, ":")
			if !ok && p != "*" || strings.Contains(rest, ":") || vendor != "*" && !validVendor(vendor) || strings.Count(p, "*") > 5 || len(p) > 24 {
				return // not in a policy
			}
			if p == "*" {
				want = true
				continue
			}
			for _, part := range []string{p, name} { // actions are ASCII, as their services are
				for i := range len(part) {
					if part[i] >= utf8.RuneSelf {
						return
					}
				}
			}
			svc, action, ok := strings.Cut(name, ":")
			if !ok || strings.Contains(action, ":") || len(name) > 24 {
				return
			}
			want = want || reference([]rune(vendor), []rune(svc), true) && reference([]rune(rest), []rune(action), true)
		}
		set := newActionSet(list)
		if got := set.has(name); got != want {
			t.Errorf("%q has %q: %t, want %t", list, name, got, want)
		}
	})
}

// A compiled resource means what arn.Match says of its text.
func FuzzResource(f *testing.F) {
	f.Add("arn:aws:sqs:*:1:o*", "arn:aws:sqs:x:1:orders")
	f.Add("arn:aws:s3:::b/*", "arn:aws:s3:::b/k")
	f.Add("arn:aws:sqs", "arn:aws:sqs:x:1:orders")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) {
			return
		}
		res, tgt := parseResource(p, false), newTarget(arn.ARN(s))
		got, unresolved := res.matches(&tgt, &Request{})
		if want := arn.Match(p, s); got != want || unresolved {
			t.Errorf("%q against %q = %t, want %t", p, s, got, want)
		}
	})
}

// Text without variables is itself, and with them expansion never invents
// wildcards.
func FuzzTemplate(f *testing.F) {
	f.Add("a${k}b", "v")
	f.Add("${*}${?}${$}", "*")
	f.Add("${k, 'd}'}", "\xff")
	f.Add("${", "")
	f.Fuzz(func(t *testing.T, s, value string) {
		r := Request{Keys: KeyMap{"k": One(value)}}
		plain := parseTemplate(s, false, false)
		if got, ok := plain.expand(&r); !ok || got != s {
			t.Errorf("%q without variables = %q, %t", s, got, ok)
		}
		if !utf8.ValidString(s) {
			return // JSON holds no such strings
		}
		tmpl := parseTemplate(s, true, false)
		if got, ok := tmpl.expand(&r); ok && wildBytes(got) {
			t.Errorf("%q with %q has wildcards: %q", s, value, got)
		}
	})
}
