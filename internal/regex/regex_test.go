package regex

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	const password = `^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,}$`
	for _, test := range []struct {
		text, s          string
		anywhere, wholly bool
	}{
		{`b+`, "abc", true, false},
		{`b+`, "bb", true, true},
		{`a|ab`, "ab", true, true},
		{password, "Secret123", true, true},
		{password, "secret123", false, false},
		{password, "Secr3t", false, false},
		{`(?!test-)[a-z-]+`, "test-bucket", true, false},
		{`(?!test-)[a-z-]+`, "bucket", true, true},
		{`(?<!x)y`, "xy", false, false},
		{`(?<!x)y`, "y", true, true},
		{`(["']).*\1`, `"a'`, false, false},
		{`(["']).*\1`, `'a'`, true, true},
		{`(?>a+)b`, "aab", true, true},
		{`(?=a)\w`, "a", true, true},
		{`(?=\w)\w`, "\u00e9", false, false}, // ASCII's, as in Go
		{`(?=\d)\d`, "\u0663", false, false},
		{`(?=a)a$`, "a\n", false, false},
		{`(?i)(?=A)a`, "A", true, true},
	} {
		for _, of := range []struct {
			name    string
			compile func(string) (*Regexp, error)
			want    bool
		}{{"anywhere", Compile, test.anywhere}, {"whole", CompileWhole, test.wholly}} {
			re, err := of.compile(test.text)
			if err != nil {
				t.Errorf("%s: %v", test.text, err)
				continue
			}
			if got := re.MatchString(test.s); got != of.want {
				t.Errorf("%s matches %q, %s: %v", test.text, test.s, of.name, got)
			}
		}
	}
}

// What is wrong stays wrong, also where what makes it whole would close it.
func TestErrors(t *testing.T) {
	for _, text := range []string{`(`, `a)(b`, `a)(?=b`, `[z-a]`, `(?=a`, `\2(?=a)`, `*a`} {
		for _, compile := range []func(string) (*Regexp, error){Compile, CompileWhole} {
			_, err := compile(text)
			if err == nil {
				t.Errorf("%s is understood", text)
			} else if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error does not name it: %v", text, err)
			}
		}
	}
}

// An expression that would take for ever does not match, and ends.
func TestLimit(t *testing.T) {
	re, err := CompileWhole(`(?=a)(a+)+`)
	if err != nil {
		t.Fatal(err)
	}
	if re.MatchString(strings.Repeat("a", 60) + "!") {
		t.Error("it matches")
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`a(?=b)`, `(?<n>a)\k<n>`, `(?!x).*`, `[^\d-z](?<=a)`, `(?(a)b|c)`, `\x{41}(?=)`} {
		f.Add(s, "ab")
	}
	f.Fuzz(func(t *testing.T, text, s string) {
		if len(text) > 200 || len(s) > 50 {
			return
		}
		anywhere, err := Compile(text)
		whole, wholeErr := CompileWhole(text)
		if err != nil || wholeErr != nil {
			return
		}
		if whole.MatchString(s) && !anywhere.MatchString(s) {
			t.Errorf("%q matches the whole of %q, but not anywhere in it", text, s)
		}
	})
}
