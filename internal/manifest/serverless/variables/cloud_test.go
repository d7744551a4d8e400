package variables

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// parameters is a cloud that has these, and nothing else. A name is "region name",
// and " encrypted" where it is not decrypted.
type parameters map[string]Parameter

func (parameters) StackOutput(context.Context, string, string, string) (string, bool, error) {
	return "", false, nil
}

func (parameters) Object(context.Context, string, string) (string, bool, error) {
	return "", false, nil
}

func (ps parameters) Parameter(_ context.Context, region, name string, decrypt bool) (Parameter, bool, error) {
	if strings.HasPrefix(name, "/broken") {
		return Parameter{}, false, errors.New("no")
	}
	key := strings.TrimSpace(region + " " + name)
	if !decrypt {
		key += " encrypted"
	}
	p, ok := ps[key]
	return p, ok, nil
}

// https://www.serverless.com/framework/docs/providers/aws/guide/variables#reference-variables-using-the-ssm-parameter-store
func TestParameters(t *testing.T) {
	cloud := parameters{
		"/a": {"String", "one"}, "us-west-2 /a": {"String", "west"}, "/list": {"StringList", "a,b"}, "/secret": {"SecureString", "hidden"},
		"/secret encrypted": {"SecureString", "ciphertext"}, "/aws/reference/secretsmanager/db": {"SecureString", `{"user":"ana","port":5432}`},
	}
	for in, want := range map[string]string{
		"${ssm:/a}": `"one"`, "x-${ssm:/a}": `"x-one"`, "${ssm(us-west-2):/a}": `"west"`, "${ssm:/list}": `["a","b"]`, "${ssm(raw):/list}": `"a,b"`,
		"${ssm:/secret}": `"hidden"`, "${ssm:/secret~true}": `"hidden"`, "${ssm:/list~split}": `["a","b"]`, "${ssm(noDecrypt):/secret}": `"ciphertext"`,
		"${ssm:/aws/reference/secretsmanager/db}": `{"user":"ana","port":5432}`, "${ssm(raw):/aws/reference/secretsmanager/db}": `"{\"user\":\"ana\",\"port\":5432}"`,
		"${ssm:/none, 'else'}": `"else"`,
	} {
		c := config(nil)
		c.Cloud = cloud
		v, ds := New(parse(t, `out: "`+in+`"`), c).All(context.Background())
		if err := ds.Err(); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := string(v.Get("out").AppendJSON(nil)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"${ssm:/none}", "${ssm:/broken, 'else'}"} {
		c := config(nil)
		c.Cloud = cloud
		if _, ds := New(parse(t, `out: "`+in+`"`), c).All(context.Background()); !ds.HasErrors() {
			t.Errorf("%s has a value", in)
		}
	}
}
