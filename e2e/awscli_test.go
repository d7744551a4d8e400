package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool is a program of the Python environment with AWS's tools, which
// NUBE_TOOLS names; ./test makes it.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("NUBE_TOOLS")
	if dir == "" {
		dir = filepath.Join("..", ".cache", "venv", "bin")
	}
	path, err := exec.LookPath(filepath.Join(dir, name))
	if err != nil {
		t.Fatalf("%v: `./test e2e` installs AWS's tools, NUBE_TOOLS says where they are", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// awsCLI runs the AWS CLI and returns its answer.
func (c *cloud) awsCLI(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, code := c.run(exec.Command(tool(t, "aws"), args...))
	if code != 0 {
		t.Fatalf("aws %s ended with %d: %s", strings.Join(args, " "), code, out)
	}
	v := map[string]any{}
	if strings.TrimSpace(out) != "" {
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatalf("aws %s: %v in %s", strings.Join(args, " "), err, out)
		}
	}
	return v
}

// awsCLIRefused runs the AWS CLI and checks the error that it shows.
func (c *cloud) awsCLIRefused(t *testing.T, message string, args ...string) {
	t.Helper()
	if out, code := c.run(exec.Command(tool(t, "aws"), args...)); code == 0 || !strings.Contains(out, message) {
		t.Errorf("aws %s ended with %d, want %q: %s", strings.Join(args, " "), code, message, out)
	}
}

func TestAWSCommandLine(t *testing.T) {
	c := start(t, "memory", "up", "../examples/shop")
	id := want(t, c.create("Ada", "ada@example.com"), http.StatusCreated).object(t)["id"].(string)

	t.Run("sts", func(t *testing.T) {
		me := c.awsCLI(t, "sts", "get-caller-identity")
		if arn, _ := me["Arn"].(string); arn != "arn:aws:iam::"+me["Account"].(string)+":root" {
			t.Errorf("caller %v", me)
		}
	})
	t.Run("dynamodb", func(t *testing.T) {
		scan := c.awsCLI(t, "dynamodb", "scan", "--table-name", "users-dev", "--filter-expression", "attribute_exists(email)")
		if scan["Count"] != 1.0 {
			t.Errorf("scanned %v", scan)
		}
		query := c.awsCLI(t, "dynamodb", "query", "--table-name", "users-dev", "--key-condition-expression", "id = :id",
			"--expression-attribute-values", `{":id":{"S":"`+id+`"}}`)
		if query["Count"] != 1.0 || walk(query, []string{"Items", "0", "name", "S"}) != "Ada" {
			t.Errorf("queried %v", query)
		}
		c.awsCLIRefused(t, "An error occurred (ResourceNotFoundException) when calling the DescribeTable operation: Requested resource not found: Table: nothing not found",
			"dynamodb", "describe-table", "--table-name", "nothing")
	})
	t.Run("lambda", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "answer")
		invoke := func(kind string) map[string]any {
			return c.awsCLI(t, "lambda", "invoke", "--function-name", shopFunction, "--invocation-type", kind,
				"--payload", `{"httpMethod":"GET","path":"/users/`+id+`"}`, file)
		}
		out := invoke("RequestResponse")
		answer, err := os.ReadFile(file)
		if err != nil || out["StatusCode"] != 200.0 || !strings.Contains(string(answer), `\"name\":\"Ada\"`) {
			t.Errorf("invoked %v, %s: %v", out, answer, err)
		}
		if out := invoke("Event"); out["StatusCode"] != 202.0 {
			t.Errorf("event %v", out)
		}
		if out := invoke("DryRun"); out["StatusCode"] != 204.0 {
			t.Errorf("dry run %v", out)
		}
		c.awsCLIRefused(t, "(ResourceNotFoundException) when calling the Invoke operation: Function not found: arn:aws:lambda:us-east-1:",
			"lambda", "invoke", "--function-name", "nobody", file)
	})
	c.settle()
	t.Run("logs", func(t *testing.T) {
		found := c.awsCLI(t, "logs", "filter-log-events", "--log-group-name", shopGroup, "--filter-pattern", `{ $.path = "/users/`+id+`" }`)
		if events, _ := found["events"].([]any); len(events) != 2 { // the request and the event
			t.Errorf("found %v", found)
		}
		reports := c.awsCLI(t, "logs", "filter-log-events", "--log-group-name", shopGroup, "--filter-pattern", "REPORT")
		if events, _ := reports["events"].([]any); len(events) != 3 { // those and the creation
			t.Errorf("reports %v", reports)
		}
		c.awsCLIRefused(t, "(ResourceNotFoundException) when calling the FilterLogEvents operation: The specified log group does not exist.",
			"logs", "filter-log-events", "--log-group-name", "/nothing")
	})
	t.Run("cloudformation", func(t *testing.T) {
		if got := c.awsCLI(t, "cloudformation", "describe-stacks"); walk(got, []string{"Stacks", "0", "StackStatus"}) != "CREATE_COMPLETE" {
			t.Errorf("stacks %v", got)
		}
		if got := c.awsCLI(t, "cloudformation", "describe-stack-resource", "--stack-name", shopStack, "--logical-resource-id", "UsersTable"); walk(got, []string{"StackResourceDetail", "PhysicalResourceId"}) != "users-dev" {
			t.Errorf("table %v", got)
		}
		c.awsCLIRefused(t, "(ValidationError) when calling the DescribeStacks operation: Stack with id nothing does not exist",
			"cloudformation", "describe-stacks", "--stack-name", "nothing")
	})
	t.Run("a key that is wrong", func(t *testing.T) {
		cmd := exec.Command(tool(t, "aws"), "sts", "get-caller-identity")
		cmd.Env = append(c.env(), "AWS_SECRET_ACCESS_KEY=wrong")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "(SignatureDoesNotMatch)") {
			t.Errorf("%v: %s", err, out)
		}
	})
	c.stop()
}
