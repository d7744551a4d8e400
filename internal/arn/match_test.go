package arn_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/arn"
)

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything/at:all", true},
		{"?", "", false},
		{"?", "ñ", true},
		{"??", "ñ", false},
		{"a*c", "abbbc", true},
		{"a*c", "abbb", false},
		{"*a*b*", "xxaxxbxx", true},
		{"*ab", "aab", true},
		{"a?c*", "abcd", true},
		{"*??bc", "€bc", false}, // a star ends between characters
		{"a**b", "ab", true},
		{"A", "a", false},
		{"user/*", "user/", true},
		{"[a]", "a", false},
		{`\*`, "*", false},
	} {
		if got := arn.Glob(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Glob(%q, %q) = %t", tt.pattern, tt.s, got)
		}
	}
}

// The documented cases of IAM's Resource element, and those that the parts of
// an ARN add.
func TestMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "arn:aws:sqs:eu-west-1:123456789012:orders", true},
		{"*", "*", true},
		{"arn:aws:s3:::*", "*", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b/c", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1/2/test/3/object.jpg", true},
		{"arn:aws:s3:::b/*/test/*", "arn:aws:s3:::b/1-test/object.jpg", false},
		{"arn:aws:sqs:*:123456789012:orders", "arn:aws:sqs:eu-west-1:123456789012:orders", true},
		{"arn:aws:sqs:eu-*:123456789012:orders", "arn:aws:sqs:us-east-1:123456789012:orders", false},
		// A wildcard does not run over a colon into the next part …
		{"arn:aws:sqs:*:orders", "arn:aws:sqs:eu-west-1:123456789012:orders", false},
		{"arn:aws:s*:::secret", "arn:aws:s3:x::secret", false},
		// … but the resource is one part, with its colons.
		{"arn:aws:lambda:*:*:function:*", "arn:aws:lambda:eu-west-1:123456789012:function:resize:prod", true},
		{"arn:aws:lambda:*:*:function:*:prod", "arn:aws:lambda:eu-west-1:123456789012:function:resize:prod", true},
		{"arn:aws:lambda:*:*:function:resize", "arn:aws:lambda:eu-west-1:123456789012:function:resize:prod", false},
		{"arn:aws:logs:*:*:*", "arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:s", true},
		// Parts that are left out match anything.
		{"arn:aws:sqs", "arn:aws:sqs:eu-west-1:123456789012:orders", true},
		{"arn:aws:sqs:eu-*", "arn:aws:sqs:eu-west-1:123456789012:orders", true},
		{"arn:aws:sqs:eu-*", "arn:aws:sqs:us-east-1:123456789012:orders", false},
		{"arn:aws:sqs:eu-west-1:123456789012:orders", "arn:aws:sqs:eu-west-1", false},
		{"arn:aws:iam::123456789012:user/Bob", "arn:aws:iam::123456789012:user/bob", false},
	} {
		if got := arn.Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %t", tt.pattern, tt.s, got)
		}
	}
}

// glob is the definition, written for reading and not for speed.
func glob(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '*':
		return glob(p[1:], s) || len(s) > 0 && glob(p, s[1:])
	default:
		return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && glob(p[1:], s[1:])
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("*a*a*a*a*b", "aaaaaaaaaa")
	f.Add("ñ?*", "ñandú")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) || len(p) > 24 || len(s) > 24 || strings.Count(p, "*") > 5 {
			return // the definition is exponential, and speaks of characters
		}
		if got, want := arn.Glob(p, s), glob([]rune(p), []rune(s)); got != want {
			t.Errorf("Glob(%q, %q) = %t, want %t", p, s, got, want)
		}
	})
}

// matchParts is Match by its documented words: six parts, each a glob.
func matchParts(pattern, s string) bool {
	ps, ss := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(ps) > len(ss) {
		return false
	}
	for i, p := range ps {
		if !glob([]rune(p), []rune(ss[i])) {
			return false
		}
	}
	return true
}

func FuzzMatch(f *testing.F) {
	f.Add("arn:aws:sqs:*:1:o*", "arn:aws:sqs:x:1:orders")
	f.Add("arn:*", "arn:a:b:c:d:e:f")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, p, s string) {
		if !utf8.ValidString(p) || !utf8.ValidString(s) || len(p) > 32 || len(s) > 32 || strings.Count(p, "*") > 5 {
			return
		}
		if got, want := arn.Match(p, s), matchParts(p, s); got != want {
			t.Errorf("Match(%q, %q) = %t, want %t", p, s, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		if !arn.Match("arn:aws:dynamodb:*:123456789012:table/orders*", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/index/by-date") {
			b.Fatal("no match")
		}
	}
}
