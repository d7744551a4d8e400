// Command faults is a function that does what its event says. The functions in
// ../node and ../python do the same, so that the tests can hold the platform to
// the same behaviour in every language.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	N    int    `json:"n"`
}

type answer struct {
	Text    string            `json:"text,omitempty"`
	Count   int               `json:"count,omitempty"`
	Context map[string]any    `json:"context,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
}

// Mistake is an error with a name of its own.
type Mistake struct{ text string }

func (m *Mistake) Error() string { return m.text }

var (
	count int
	hold  [][]byte
)

func handle(ctx context.Context, e event) (answer, error) {
	count++
	switch e.Do {
	case "echo":
		return answer{Text: e.Text}, nil
	case "count":
		return answer{Count: count}, nil
	case "print":
		fmt.Println(e.Text)
		return answer{}, nil
	case "fail":
		return answer{}, &Mistake{e.Text}
	case "throw":
		panic(errors.New(e.Text))
	case "exit":
		os.Exit(e.N)
	case "sleep":
		time.Sleep(time.Duration(e.N) * time.Millisecond)
		return answer{Text: "slept"}, nil
	case "large":
		return answer{Text: strings.Repeat("x", e.N)}, nil
	case "memory":
		for n := 0; n < e.N; n++ {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i)
			}
			hold = append(hold, b)
		}
		return answer{Count: len(hold)}, nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return answer{Context: map[string]any{
			"requestId": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "client": lc.ClientContext.Custom,
			"name": lambdacontext.FunctionName, "version": lambdacontext.FunctionVersion,
			"memory": lambdacontext.MemoryLimitInMB, "remaining": time.Until(deadline).Milliseconds(),
			"trace": ctx.Value("x-amzn-trace-id"),
		}}, nil
	case "env":
		env := map[string]string{}
		for _, kv := range os.Environ() {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
		return answer{Env: env}, nil
	}
	return answer{}, fmt.Errorf("do not know how to do %q", e.Do)
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		os.Exit(3)
	case "sleep":
		time.Sleep(time.Minute)
	case "slow": // as slow as the environment says
		d, _ := time.ParseDuration(os.Getenv("INIT_FOR"))
		time.Sleep(d)
	}
	fmt.Fprintln(os.Stderr, "init")
	lambda.Start(handle)
}
