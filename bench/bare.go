package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// bareCommand is the subcommand that runs the bare path in a process of its
// own, as nube is one.
const bareCommand = "bare"

// bare is the least that can stand between an HTTP client and a Lambda
// function: an HTTP server that turns a request into an event, the four
// operations of the Runtime API that a function cannot do without, and the
// function's processes. It authenticates, authorises, limits, confines, records
// and recovers nothing; what nube adds to it is what nube costs.
func bare(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(bareCommand, flag.ContinueOnError)
	function := flags.String("function", "", "the function's binary")
	instances := flags.Int("instances", 1, "processes of it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	free := make(chan *instance, *instances)
	for range *instances {
		i, err := spawn(ctx, *function)
		if err != nil {
			return err
		}
		defer i.kill()
		free <- i
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: front(free)}
	go srv.Serve(l)
	fmt.Printf("{\"ready\":true,\"gateway\":\"http://%s\"}\n", l.Addr())
	<-ctx.Done()
	return srv.Close()
}

// front answers each request with what a free instance makes of it.
func front(free chan *instance) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := eventOf(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		i := <-free
		text := i.invoke(event)
		free <- i
		var answer struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		if err := json.Unmarshal(text, &answer); err != nil || answer.StatusCode == 0 {
			http.Error(w, fmt.Sprintf("function: %s", text), http.StatusBadGateway)
			return
		}
		for k, v := range answer.Headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(answer.StatusCode)
		io.WriteString(w, answer.Body)
	})
}

// eventOf is the proxy event of a request: the fields and headers that API
// Gateway and nube send, most of them the same each time, so that the function
// has the same to read.
func eventOf(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	quote := func(s string) string { text, _ := json.Marshal(s); return string(text) } // strings always marshal
	id := strings.TrimPrefix(r.URL.Path, "/users/")
	event := make([]byte, 0, 2048)
	event = fmt.Appendf(event, `{"resource":"/{proxy+}","path":%s,"httpMethod":%q,"headers":{"Host":%s,"X-Amzn-Trace-Id":"`+traceID+
		`","X-Forwarded-For":"127.0.0.1","X-Forwarded-Port":"80","X-Forwarded-Proto":"http"},"multiValueHeaders":{"Host":[%s],"X-Amzn-Trace-Id":["`+
		traceID+`"],"X-Forwarded-For":["127.0.0.1"],"X-Forwarded-Port":["80"],"X-Forwarded-Proto":["http"]},`+
		`"queryStringParameters":null,"multiValueQueryStringParameters":null,"pathParameters":{"proxy":%s},"stageVariables":null,`,
		quote(r.URL.Path), r.Method, quote(r.Host), quote(r.Host), quote(id))
	event = append(event, `"requestContext":{"resourceId":"abc123","resourcePath":"/{proxy+}","httpMethod":"GET","extendedRequestId":"YzZlMWZlMDI4MTE=",`+
		`"requestTime":"22/Nov/2026:00:46:35 +0000","path":"/dev/users","accountId":"000000000000","protocol":"HTTP/1.1","stage":"dev",`+
		`"domainPrefix":"127","requestTimeEpoch":1795308395000,"requestId":"c6e1fe02-811c-4113-8048-7d48ab062b62","identity":{"cognitoIdentityPoolId":null,`+
		`"accountId":null,"cognitoIdentityId":null,"caller":null,"sourceIp":"127.0.0.1","principalOrgId":null,"accessKey":null,`+
		`"cognitoAuthenticationType":null,"cognitoAuthenticationProvider":null,"userArn":null,"userAgent":null,"user":null},`+
		`"domainName":"127.0.0.1","deploymentId":"n2avut","apiId":"a1b2c3d4e5"},`...)
	event = fmt.Appendf(event, `"body":%s,"isBase64Encoded":false}`, quote(string(body)))
	return event, nil
}

// instance is a process of a function with a Runtime API of its own.
type instance struct {
	cmd     *exec.Cmd
	srv     *http.Server
	events  chan []byte
	answers chan []byte
	n       atomic.Int64
}

const runtimeAPI = "/2018-06-01/runtime/"

// traceID is in every event and every answer of the Runtime API, as on Lambda;
// here it is always the same.
const traceID = "Root=1-6b027c4a-8f646ec4943c52346d51f4ff"

// spawn starts a process of a function; it asks for an event when it is ready.
// More is added to the environment that Lambda gives.
func spawn(ctx context.Context, function string, more ...string) (*instance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &instance{events: make(chan []byte), answers: make(chan []byte)}
	i.srv = &http.Server{Handler: i}
	go i.srv.Serve(l)
	i.cmd = exec.CommandContext(ctx, function)
	// What nube gives a function with 1769 MB, one processor's worth.
	i.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "GOMAXPROCS=1", "AWS_LAMBDA_FUNCTION_NAME=bare", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_REGION=us-east-1", "PATH=/usr/bin:/bin", "_HANDLER=bootstrap"}, passed()...)
	i.cmd.Env = append(i.cmd.Env, more...)
	i.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return i, i.cmd.Start()
}

// passed are the variables of this process that its functions need: where
// DynamoDB is, and the name of the table.
func passed() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		return !strings.HasPrefix(v, "AWS_ENDPOINT_URL") && !strings.HasPrefix(v, "AWS_ACCESS_KEY_ID=") && !strings.HasPrefix(v, "AWS_SECRET_ACCESS_KEY=") &&
			!strings.HasPrefix(v, "TABLE_NAME=")
	})
}

func (i *instance) kill() {
	i.cmd.Process.Kill()
	i.cmd.Wait()
	i.srv.Close()
}

// invoke hands the process an event, waiting until it asks for one, and
// returns the answer.
func (i *instance) invoke(event []byte) []byte {
	i.events <- event
	return <-i.answers
}

// ServeHTTP is the Runtime API.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (i *instance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, _ := strings.CutPrefix(r.URL.Path, runtimeAPI)
	if rest == "invocation/next" {
		select {
		case event := <-i.events:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", strconv.FormatInt(i.n.Add(1), 10))
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:bare")
			h.Set("Lambda-Runtime-Trace-Id", traceID)
			h.Set("Content-Type", "application/json")
			w.Write(event)
		case <-r.Context().Done():
		}
		return
	}
	var body bytes.Buffer
	body.ReadFrom(r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`)
	// The answer, or what went wrong: the front tells them apart.
	i.answers <- body.Bytes()
}
