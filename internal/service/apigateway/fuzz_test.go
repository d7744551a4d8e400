package apigateway

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
)

// FuzzSubstitute: what is no variable stays as it is, and what is one is
// replaced once.
func FuzzSubstitute(f *testing.F) {
	for _, s := range []string{"", "$", "$context.requestId", "a $context.status b", "${context.a}$context.b-$c", "$5.00 ${", "$$context.x.", "${}$.", "\"$context.error.messageString\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		same := substitute(s, func(string) (string, bool) { return "", false })
		if same != s {
			t.Errorf("%q became %q", s, same)
		}
		n := 0
		out := substitute(s, func(name string) (string, bool) { n++; return "$", name != "" })
		if strings.Count(out, "$") < n-1 && utf8.ValidString(s) {
			t.Errorf("%q became %q after %d variables", s, out, n)
		}
	})
}

// FuzzVerdict: no answer of an authorizer is fatal, and one that is taken has a
// principal and a policy.
func FuzzVerdict(f *testing.F) {
	for _, s := range []string{
		`{"principalId":"a","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]},"context":{"a":"b","n":1.50,"t":true,"z":null}}`,
		`{"principalId":7,"policyDocument":{}}`, `null`, `[]`, `"x"`, `{"principalId":"a","policyDocument":"x","context":[]}`, `{"principalId":"a","context":{"a":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := readVerdict(payload)
		if err == nil && (a == nil || a.doc == nil) {
			t.Errorf("%s was taken", payload)
		}
	})
}

// FuzzPolicy: no resource policy is fatal.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":["execute-api:/*","arn:aws:execute-api:*:*:*"]}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*","NotResource":"execute-api:/a/GET/b"}}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parsePolicy(arn.In("eu-central-1", "123456789012"), "abc", text)
		if (d == nil) != (err != nil) {
			t.Errorf("%s: %v, %v", text, d, err)
		}
	})
}

// FuzzSettings: no path of a patch is fatal.
func FuzzSettings(f *testing.F) {
	f.Add("replace", "/*/*/throttling/rateLimit", "1.5")
	f.Add("replace", "/a~1{b}/GET/logging/loglevel", "INFO")
	f.Add("remove", "/*/*", "")
	f.Add("add", "////", "")
	f.Fuzz(func(t *testing.T, op, path, v string) {
		st := &shapes.Stage{MethodSettings: map[string]shapes.MethodSetting{}}
		if err := patchSettings(st, shapes.PatchOperation{Op: &op, Path: &path, Value: &v}); err == nil && len(st.MethodSettings) != 1 {
			t.Errorf("%s %s: %v", op, path, st.MethodSettings)
		}
	})
}
