package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// TestFaults: a function that fails, in each language, looks to its caller as
// it does on AWS, and the next invocation is answered.
// https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html
func TestFaults(t *testing.T) {
	for language, code := range map[string]string{"go": ".", "node": "node", "python": "python"} {
		t.Run(language, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "conformance", "functions", code))); err != nil {
				t.Fatal(err)
			}
			manifest, err := os.ReadFile(filepath.Join("testdata", "faults", language+".yml"))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "serverless.yml"), manifest, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			faults(t, start(t, "memory", "up", dir), "faults-"+language+"-dev-")
		})
	}
}

func faults(t *testing.T, c *cloud, prefix string) {
	client := lambda.NewFromConfig(c.config())
	for _, f := range []struct {
		name, function, event string
		want                  string // the answer, with ID for the request's id
		log                   string // in the end of the log, likewise
	}{
		{"an error", "obedient", `{"do":"fail","text":"no luck"}`, `"errorMessage": ?"no luck"`, `REPORT RequestId: ID`},
		{"an error's type", "obedient", `{"do":"fail","text":"no luck"}`, `"errorType": ?"Mistake"`, `END RequestId: ID`},
		{"a crash", "obedient", `{"do":"exit","n":7}`,
			`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 7"}$`,
			`RequestId: ID Error: Runtime exited with error: exit status 7\nRuntime.ExitError\nEND RequestId: ID\nREPORT RequestId: ID\t`},
		{"an exit", "obedient", `{"do":"exit","n":0}`,
			`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}$`,
			`Error: Runtime exited without providing a reason`},
		{"a time-out", "hasty", `{"do":"sleep","n":60000}`,
			`^{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 1.00 seconds"}$`,
			`ID Task timed out after 1.00 seconds\n\nEND RequestId: ID\nREPORT RequestId: ID\t.*Status: timeout`},
		{"too much memory", "small", `{"do":"memory","n":1024}`,
			`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}$`,
			`Memory Size: 128 MB\tMax Memory Used: 128 MB\t.*Error Type: Runtime.OutOfMemory`},
		{"a start that fails", "stillborn", `{"do":"echo"}`,
			`^{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}$`,
			`exit status 3`},
		{"too large an answer", "obedient", `{"do":"large","n":6500000}`,
			`^{"errorMessage":"Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.","errorType":"Function.ResponseSizeTooLarge"}$`,
			`REPORT RequestId: ID`},
	} {
		t.Run(f.name, func(t *testing.T) {
			out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: aws.String(prefix + f.function), Payload: []byte(f.event), LogType: lambdatypes.LogTypeTail,
			})
			if err != nil {
				t.Fatal(err) // a function's error is no error of the call
			}
			if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || aws.ToString(out.ExecutedVersion) != "$LATEST" {
				t.Errorf("status %d, function error %q, version %q", out.StatusCode, aws.ToString(out.FunctionError), aws.ToString(out.ExecutedVersion))
			}
			id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
			log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
			if err != nil {
				t.Error(err)
			}
			matches(t, "answer", f.want, id, out.Payload)
			matches(t, "log", f.log, id, log)

			// Whatever happened, the next one is answered.
			if f.function != "stillborn" {
				out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(prefix + f.function), Payload: []byte(`{"do":"echo","text":"still here"}`)})
				if err != nil || out.FunctionError != nil || !strings.Contains(string(out.Payload), "still here") {
					t.Errorf("afterwards %s: %v", out.Payload, err)
				}
			}
		})
	}
	t.Run("the command line", func(t *testing.T) { faultsOnCommandLine(t, c, prefix+"obedient") })
	c.settle()
	c.stop()
}

func faultsOnCommandLine(t *testing.T, c *cloud, function string) {
	out, code := c.nube("invoke", "obedient", "--data", `{"do":"fail","text":"no luck"}`)
	if code != 1 || !strings.Contains(out, "no luck") {
		t.Errorf("an error ends nube invoke with %d: %s", code, out)
	}
	file := filepath.Join(t.TempDir(), "answer")
	got := c.awsCLI(t, "lambda", "invoke", "--function-name", function, "--payload", `{"do":"exit","n":7}`, file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	if got["StatusCode"] != 200.0 || got["FunctionError"] != "Unhandled" || answer.ErrorType != "Runtime.ExitError" || !strings.HasSuffix(answer.ErrorMessage, "exit status 7") {
		t.Errorf("the AWS CLI shows %v and %s", got, text)
	}
}

// matches checks a text against a pattern in which ID stands for an id.
func matches(t *testing.T, what, pattern, id string, text []byte) {
	t.Helper()
	if id == "" {
		t.Error("the answer has no request id")
	}
	if !regexp.MustCompile(strings.ReplaceAll(pattern, "ID", regexp.QuoteMeta(id))).Match(text) {
		t.Errorf("%s of %s is %q, want %s", what, id, text, pattern)
	}
}
