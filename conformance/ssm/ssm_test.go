// Package ssm holds the documentation of Systems Manager's Parameter Store to a server, through AWS's own SDK. Each case
// cites its page.
package ssm

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a hierarchy of its own.
type suite struct {
	*testing.T
	*ssm.Client
	ctx  context.Context
	path string
}

func open(t *testing.T) *suite {
	return &suite{T: t, Client: ssm.NewFromConfig(target.Config()), ctx: t.Context(), path: "/" + target.Name()}
}

// put puts a parameter below the suite's path, and deletes it at the end.
func (x *suite) put(name, value string, kind types.ParameterType) *string {
	x.Helper()
	full := aws.String(x.path + "/" + name)
	_, err := x.PutParameter(x.ctx, &ssm.PutParameterInput{Name: full, Value: &value, Type: kind, Overwrite: aws.Bool(true)})
	target.Must(x, err)
	x.Cleanup(func() { x.DeleteParameter(context.Background(), &ssm.DeleteParameterInput{Name: full}) })
	return full
}

func (x *suite) value(name string) string {
	x.Helper()
	out, err := x.GetParameter(x.ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	target.Must(x, err)
	return *out.Parameter.Value
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
func TestVersionsAndLabels(t *testing.T) {
	x := open(t)
	name := x.put("x", "one", types.ParameterTypeString)
	x.put("x", "two", types.ParameterTypeString)
	_, err := x.LabelParameterVersion(x.ctx, &ssm.LabelParameterVersionInput{Name: name, ParameterVersion: aws.Int64(1), Labels: []string{"first"}})
	target.Must(t, err)
	for selector, want := range map[string]string{"": "two", ":1": "one", ":2": "two", ":first": "one"} {
		if got := x.value(*name + selector); got != want {
			t.Errorf("%s: %q", selector, got)
		}
	}
	_, err = x.GetParameter(x.ctx, &ssm.GetParameterInput{Name: aws.String(*name + ":9")})
	target.Refused(t, err, "ParameterVersionNotFound", "")
	_, err = x.PutParameter(x.ctx, &ssm.PutParameterInput{Name: name, Value: aws.String("three"), Type: types.ParameterTypeString})
	target.Refused(t, err, "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	h, err := x.GetParameterHistory(x.ctx, &ssm.GetParameterHistoryInput{Name: name})
	target.Must(t, err)
	if len(h.Parameters) != 2 || !slices.Equal(h.Parameters[0].Labels, []string{"first"}) {
		t.Errorf("%+v", h.Parameters)
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
func TestSecureString(t *testing.T) {
	x := open(t)
	name := x.put("secret", "hidden", types.ParameterTypeSecureString)
	if got := x.value(*name); got != "hidden" {
		t.Errorf("%q", got)
	}
	raw, err := x.GetParameter(x.ctx, &ssm.GetParameterInput{Name: name})
	target.Must(t, err)
	if strings.Contains(*raw.Parameter.Value, "hidden") {
		t.Error("the value can be read without decryption")
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
func TestByPath(t *testing.T) {
	x := open(t)
	for _, n := range []string{"a", "b", "c/d"} {
		x.put(n, n, types.ParameterTypeString)
	}
	for recursive, want := range map[bool]int{false: 2, true: 3} {
		n := 0
		p := ssm.NewGetParametersByPathPaginator(x, &ssm.GetParametersByPathInput{Path: &x.path, Recursive: &recursive, MaxResults: aws.Int32(1)})
		for p.HasMorePages() {
			page, err := p.NextPage(x.ctx)
			target.Must(t, err)
			n += len(page.Parameters)
		}
		if n != want {
			t.Errorf("%d below the path, recursively: %v", n, recursive)
		}
	}
}

// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html
func TestNames(t *testing.T) {
	x := open(t)
	for name, code := range map[string]string{
		"a/b": "ValidationException", "ssm-thing": "ValidationException", "aws-thing": "ValidationException", "/a b": "ValidationException",
		strings.Repeat("/l", 16): "HierarchyLevelLimitExceededException",
	} {
		_, err := x.PutParameter(x.ctx, &ssm.PutParameterInput{Name: &name, Value: aws.String("v"), Type: types.ParameterTypeString})
		target.Refused(t, err, code, "")
	}
	out, err := x.GetParameters(x.ctx, &ssm.GetParametersInput{Names: []string{x.path + "/none"}})
	target.Must(t, err)
	if len(out.InvalidParameters) != 1 {
		t.Errorf("%+v", out)
	}
}
