package inject

import (
	"path"
	"strings"
	"testing"
	"time"
)

func TestRulesThatSayTooLittleOrTooMuch(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want string // in the complaint; "" for none
	}{
		{Rule{Kind: "slow"}, `"slow" is not a kind of fault`},
		{Rule{Kind: Latency, Service: "s3"}, "how long?"},
		{Rule{Kind: Latency, Wait: time.Second}, "of which service or function?"},
		{Rule{Kind: Latency, Wait: -1, Service: "s3"}, "not negative"},
		{Rule{Kind: Latency, Wait: time.Second, Operation: "PutItem"}, "of which service?"},
		{Rule{Kind: Latency, Wait: time.Second, Service: "*"}, ""},
		{Rule{Kind: Latency, Jitter: time.Second, Function: "f"}, ""},
		{Rule{Kind: Error, Service: "s3"}, "is not an error code"},
		{Rule{Kind: Error, Service: "s3", Code: "a b"}, "is not an error code"},
		{Rule{Kind: Error, Service: "s3", Code: "Bad", Status: 200}, "between 400 and 599"},
		{Rule{Kind: Error, Function: "f", Code: "Bad", After: true}, "of which service?"},
		{Rule{Kind: Error, Service: "s3", Code: "Bad", Status: 418, After: true}, ""},
		{Rule{Kind: Throttle}, "of which service or function?"},
		{Rule{Kind: Throttle, Service: "s3", Status: 429}, "a status belongs to error"},
		{Rule{Kind: Throttle, Service: "s3", After: true}, "after belongs to error and lost"},
		{Rule{Kind: Lost, Function: "f"}, "to which service?"},
		{Rule{Kind: Lost, Service: "*", After: true}, ""},
		{Rule{Kind: Kill, Service: "lambda"}, "not services"},
		{Rule{Kind: Kill}, ""},
		{Rule{Kind: Duplicate}, ""},
		{Rule{Kind: Reorder, Probability: 1.5}, "between 0 and 1"},
		{Rule{Kind: Reorder, Probability: -1}, "between 0 and 1"},
		{Rule{Kind: Reorder, Count: -1}, "not negative"},
		{Rule{Kind: DiskFull, Service: "s3"}, "one disk for all"},
		{Rule{Kind: DiskFull}, ""},
	} {
		var s Set
		got, err := s.Add(c.rule)
		switch {
		case err == nil && c.want != "":
			t.Errorf("%+v was taken as %+v", c.rule, got)
		case err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%+v: %v, want %q", c.rule, err, c.want)
		case err == nil && (got.ID != "f1" || got.Probability != 1 || got.Seed != 1):
			t.Errorf("%+v became %+v", c.rule, got)
		}
	}
}

func TestFunctionNames(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "app-dev-api", true},
		{"api", "app-dev-api", true},
		{"app-dev-api", "app-dev-api", true},
		{"dev", "app-dev-api", false},
		{"pi", "app-dev-api", false},
		{"app-*", "app-dev-api", true},
		{"*-api", "app-dev-api", true},
		{"*api", "app-dev-apis", false},
	} {
		if got := isFunction(c.pattern, c.name); got != c.want {
			t.Errorf("isFunction(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// Where a pattern has nothing but letters and stars, package path agrees.
func FuzzMatches(f *testing.F) {
	f.Add("", "x")
	f.Add("*", "")
	f.Add("Put*", "PutItem")
	f.Add("a*b*c", "axxbyyc")
	f.Add("*a", "baab")
	f.Add("POST /users*", "POST /users/1")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern)+len(name) > 40 {
			return
		}
		got := matches(pattern, name)
		if pattern == "" {
			if !got {
				t.Error("an empty pattern does not match")
			}
			return
		}
		if strings.ContainsAny(pattern, `?[\/`) || strings.Contains(name, "/") {
			return
		}
		if want, err := path.Match(pattern, name); err == nil && want != got && !strings.ContainsRune(pattern+name, '\uFFFD') {
			t.Errorf("matches(%q, %q) = %v", pattern, name, got)
		}
	})
}
