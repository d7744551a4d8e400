package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDenied takes a permission out of the shop's manifest: the function is
// refused in AWS's words, nube says which statement is missing, and pasting it
// into the manifest is the cure.
//
// localstack#7183, #6173: policies were there, and nothing was enforced.
//
// Mutations that it finds: denials that are not enforced; denials that nobody
// notes.
func TestDenied(t *testing.T) {
	c, manifest := deniedShop(t)
	want(t, c.create("Ada", "ada@example.com"), http.StatusInternalServerError)
	c.settle()

	log, _ := c.nube("logs", "userApi")
	said := "AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/my-serverless-app-dev-us-east-1-lambdaRole/" + shopFunction +
		" is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:000000000000:table/users-dev" +
		" because no identity-based policy allows the dynamodb:PutItem action"
	if !strings.Contains(log, said) {
		t.Errorf("the function logged %s, want %s", log, said)
	}

	missing, code := c.nube("iam", "missing")
	if code != 1 {
		t.Errorf("nube iam missing ended with %d, want 1", code)
	}
	title, statement, _ := strings.Cut(missing, "\n")
	if title != "# identity-based policy of arn:aws:iam::000000000000:role/my-serverless-app-dev-us-east-1-lambdaRole" {
		t.Errorf("missing of %s", title)
	}
	if want := "- Effect: Allow\n  Action: dynamodb:PutItem\n  Resource: arn:aws:dynamodb:us-east-1:000000000000:table/users-dev\n"; strings.TrimRight(statement, "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("missing %q, want %q", statement, want)
	}

	indented := strings.ReplaceAll(strings.TrimRight(statement, "\n"), "\n", "\n    ")
	edit(t, manifest, "iamRoleStatements:\n", "iamRoleStatements:\n    "+indented+"\n")
	if out, code := c.nube("deploy", filepath.Dir(manifest)); code != 0 {
		t.Fatalf("nube deploy ended with %d: %s", code, out)
	}
	if out, code := c.nube("iam", "missing", "--forget"); code != 0 {
		t.Fatalf("forgetting ended with %d: %s", code, out)
	}
	want(t, c.create("Ada", "ada@example.com"), http.StatusCreated)
	if out, code := c.nube("iam", "missing"); code != 0 {
		t.Errorf("still missing: %s", out)
	}
	c.stop()
}

// TestWarn: what is missing is only told of.
//
// Mutation that it finds: denials that are enforced all the same.
func TestWarn(t *testing.T) {
	c, _ := deniedShop(t, "--iam", "warn")
	want(t, c.create("Ada", "ada@example.com"), http.StatusCreated)
	if out, code := c.nube("iam", "missing"); code != 1 || !strings.Contains(out, "Action: dynamodb:PutItem") {
		t.Errorf("nube iam missing ended with %d: %s", code, out)
	}
	c.stop()
}

// deniedShop is the running shop without the permission to put items.
func deniedShop(t *testing.T, flags ...string) (c *cloud, manifest string) {
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.CopyFS(dir, os.DirFS("../examples/shop")); err != nil {
		t.Fatal(err)
	}
	manifest = filepath.Join(dir, "serverless.yml")
	edit(t, manifest, "        - dynamodb:GetItem\n        - dynamodb:PutItem\n", "        - dynamodb:GetItem\n")
	return start(t, "memory", append([]string{"up", dir}, flags...)...), manifest
}

// TestOtherKeys: a key that nobody has is refused by every tool.
func TestOtherKeys(t *testing.T) {
	c := start(t, "memory", "start")
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "iam", "missing")
	cmd.Env = append(c.env(), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "The security token included in the request is invalid") {
		t.Errorf("%v: %s", err, out)
	}
	c.stop()
}
