package runner

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

func newModel() *clock.Model { return clock.NewModel(clock.State{}) }

// aws-lambda-go opens as many requests for invocations as
// AWS_LAMBDA_MAX_CONCURRENCY says; one process then serves as many callers.
func TestConcurrentPlacesOfAProcess(t *testing.T) {
	g := newRig(t, nil)
	s := languages()[0].spec(t, func(s *Spec) { s.Env = map[string]string{"AWS_LAMBDA_MAX_CONCURRENCY": "8"} })
	g.invoke(s, do{"do": "echo"})
	var wg sync.WaitGroup
	streams := make([]string, 8)
	for n := range streams {
		wg.Add(1)
		go func() {
			defer wg.Done()
			streams[n] = g.invoke(s, do{"do": "sleep", "n": 200}).Stream.Name
		}()
	}
	wg.Wait()
	for _, s := range streams {
		if s != streams[0] {
			t.Errorf("several processes: %v", streams)
		}
	}
}

// Events are as large as Lambda's, in both directions.
func TestLargeEvents(t *testing.T) {
	text := strings.Repeat("0123456789abcdé", 300<<10)
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t, func(s *Spec) { s.MemoryMB = 512 })
			for range 2 {
				if d := document(t, g.invoke(s, do{"do": "echo", "text": text}).Payload); d["text"] != text {
					t.Errorf("%d bytes came back of %d", len(fmt.Sprint(d["text"])), len(text))
				}
			}
		})
	}
}

func TestLineEndsAreRefused(t *testing.T) {
	g := newRig(t, nil)
	for _, in := range []Invocation{{RequestID: "a\nb"}, {TraceID: "a\r\nX: y"}, {ClientContext: "\n"}, {Identity: "\x00"}, {ARN: "\n"}} {
		if _, err := g.Invoke(context.Background(), languages()[1].spec(t), in); err == nil {
			t.Errorf("%+v was not refused", in)
		}
	}
}

// Six callers at once get six processes, however long each takes.
func TestScaleOut(t *testing.T) {
	g := newRig(t, nil)
	s := languages()[0].spec(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	streams := map[string]bool{}
	start := time.Now()
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			res := g.invoke(s, do{"do": "sleep", "n": 1000})
			mu.Lock()
			streams[res.Stream.Name] = true
			mu.Unlock()
		}()
	}
	wg.Wait()
	if len(streams) != 6 || time.Since(start) > 5*time.Second {
		t.Errorf("%d processes, %v", len(streams), time.Since(start))
	}
}

func TestNodeHandlers(t *testing.T) {
	node := languages()[1]
	with := func(handler string) func(*Spec) { return func(s *Spec) { s.Handler = handler } }
	for _, tt := range []struct {
		name, handler string
		event         any
		want          string
		fault         bool
	}{
		{"callback", "index.callback", do{"text": "hi"}, `{"text":"hi"}`, false},
		{"callback waits for the event loop", "index.callback", do{"do": "late", "n": 50}, `{"late":true}`, false},
		{"callback that does not wait", "index.callback", do{"do": "hurry", "text": "now", "n": 60000}, `{"text":"now"}`, false},
		{"callback with an error", "index.callback", do{"do": "fail", "text": "no"}, `{"errorType":"Mistake","errorMessage":"no","trace":["Mistake: no",`, true},
		{"nested", "index.nested.deep", do{}, `"deep"`, false},
		{"module", "module.handler", do{"a": 1}, `{"text":"ready","url":true,"event":{"a":1}}`, false},
		{"never", "index.handler", do{"do": "never"}, `null`, false},
		{"undefined", "index.handler", do{"do": "print", "text": ""}, `{}`, false},
		{"thrown text", "index.handler", do{"do": "text", "text": "words"}, `{"errorType":"string","errorMessage":"words","trace":[]}`, true},
		{"uncaught", "index.handler", do{"do": "throw", "text": "late"}, `{"errorType":"Mistake","errorMessage":"late","trace":["Mistake: late",`, true},
		{"rejection", "index.handler", do{"do": "reject", "text": "late"}, `{"errorType":"Runtime.UnhandledPromiseRejection","errorMessage":"Mistake: late","trace":[`, true},
		{"circle", "index.handler", do{"do": "circle"}, `{"errorType":"Runtime.MarshalError","errorMessage":"Unable to stringify response body: Converting circular structure to JSON`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, nil)
			res := g.invoke(node.spec(t, with(tt.handler)), tt.event)
			if !strings.HasPrefix(string(res.Payload), tt.want) || (res.Fault != nil) != tt.fault {
				t.Errorf("payload %s, fault %v; want %s", res.Payload, res.Fault, tt.want)
			}
		})
	}
}

func TestPythonHandlers(t *testing.T) {
	g := newRig(t, nil)
	s := languages()[2].spec(t)
	for _, tt := range []struct {
		event do
		want  string
	}{
		{do{"do": "fail", "text": "no"}, `{"errorMessage": "no", "errorType": "Mistake", "requestId": "ID", "stackTrace": ["  File \"`},
		{do{"do": "circle"}, `{"errorMessage": "Unable to marshal response: Object of type set is not JSON serializable", "errorType": "Runtime.MarshalError", "requestId": "ID", "stackTrace": []}`},
		{do{"do": "sysexit", "n": 4}, `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 4"}`},
	} {
		id := newID()
		res := g.invoke(s, tt.event, func(in *Invocation) { in.RequestID = id })
		if got := strings.ReplaceAll(string(res.Payload), id, "ID"); !strings.HasPrefix(got, tt.want) || res.Fault == nil {
			t.Errorf("%v: %s, want %s", tt.event, got, tt.want)
		}
	}
}

// New code takes the traffic when it is ready; broken code never does.
func TestSwapOfCode(t *testing.T) {
	dir := t.TempDir()
	code := func(name, text string) *Spec {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(at, "index.js"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return languages()[1].spec(t, func(s *Spec) { s.CodeDir = at })
	}
	g := newRig(t, nil)
	one, two := code("1", "exports.handler = async () => 1"), code("2", "exports.handler = async () => 2")
	broken := code("3", "exports.handler = ")
	ctx := context.Background()
	if res := g.invoke(one, nil); string(res.Payload) != "1" {
		t.Fatalf("%s", res.Payload)
	}
	if err := g.Swap(ctx, one, two); err != nil {
		t.Fatal(err)
	}
	g.Retire(one)
	if res := g.invoke(two, nil); string(res.Payload) != "2" || res.Init == 0 {
		t.Errorf("after the swap: %s, init %v", res.Payload, res.Init)
	}
	if err := g.Swap(ctx, two, broken); err == nil || !strings.Contains(err.Error(), "UserCodeSyntaxError") {
		t.Errorf("swap to broken code: %v", err)
	}
	if res := g.invoke(two, nil); string(res.Payload) != "2" {
		t.Errorf("after the failed swap: %s", res.Payload)
	}
}

// A function that is frozen answers as if nothing had been.
// What a function cannot read is said in its log before it fails.
func TestUnreadableIsSaid(t *testing.T) {
	g := newRig(t, nil)
	shut := filepath.Join(t.TempDir(), "shut")
	if err := os.Mkdir(shut, 0o700); err != nil {
		t.Fatal(err)
	}
	s := languages()[0].spec(t, func(s *Spec) { s.Uses = []string{shut} })
	g.invoke(s, do{})
	log := g.logs.text()
	if said := strings.Contains(log, shut+" cannot be read"); said != g.opts.Sandbox.Report().OwnUser {
		t.Errorf("functions are users of their own: %v; the log says it: %v\n%s", !said, said, log)
	}
}

func TestFreezeAndThaw(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t)
			g.invoke(s, do{"do": "count"})
			g.logs.until(t, func(log string) bool { return strings.Contains(log, "REPORT") })
			i := g.only(t, s)
			i.freeze(time.Now())
			i.mu.Lock()
			frozen := i.frozen
			i.mu.Unlock()
			if !frozen {
				t.Fatal("not frozen")
			}
			if d := document(t, g.invoke(s, do{"do": "count"}).Payload); d["count"] != 2.0 {
				t.Errorf("counted %v", d["count"])
			}
		})
	}
}

// only returns the one instance of s.
func (g *rig) only(t *testing.T, s *Spec) *instance {
	t.Helper()
	p, err := g.pool(s)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.instances) != 1 {
		t.Fatalf("%d instances", len(p.instances))
	}
	for i := range p.instances {
		return i
	}
	return nil
}

// Credentials and the endpoint reach the function.
func TestEnvironment(t *testing.T) {
	role := arn.In("eu-west-1", "123456789012").Role("", "doer")
	g := newRig(t, func(o *Options) {
		o.Endpoint = "http://127.0.0.1:4566"
		o.Credentials = keysFor{role, Keys{ID: "ASIA", Secret: "s", Token: "t"}}
	})
	s := languages()[0].spec(t, func(s *Spec) { s.Role = role; s.Layers = []string{t.TempDir()}; s.MemoryMB = 1770 })
	env := document(t, g.invoke(s, do{"do": "env"}).Payload)["env"].(map[string]any)
	for k, want := range map[string]string{
		"AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "GOMAXPROCS": "2",
	} {
		if env[k] != want {
			t.Errorf("%s = %v, want %q", k, env[k], want)
		}
	}
	for k := range env {
		if strings.HasPrefix(k, "NUBE") {
			t.Errorf("a variable of ours: %s", k)
		}
	}
}

type keysFor struct {
	role arn.ARN
	keys Keys
}

func (k keysFor) Credentials(_ context.Context, role arn.ARN, session string) (Keys, error) {
	if role != k.role || session == "" {
		return Keys{}, fmt.Errorf("asked for %s as %q", role, session)
	}
	return k.keys, nil
}

// Requests that the short way does not take are served all the same.
func TestUnusualRequests(t *testing.T) {
	g := newRig(t, nil)
	model := newModel()
	p, err := g.pool(poolSpec("f"))
	if err != nil {
		t.Fatal(err)
	}
	p.starting = 100 // nothing is started here
	i := newInstance(p)
	i.proc = &fake{gone: make(chan struct{})}
	i.stream = newStream(p.spec, model.Now().Time().Format("2006/01/02"))
	a, base := serveAPI(t, i)
	defer a.flush()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // Connection: close
	defer client.CloseIdleConnections()
	post := func(path, body string, header ...string) (int, string) {
		t.Helper()
		req, err := http.NewRequest("POST", base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(header); n += 2 {
			req.Header.Set(header[n], header[n+1])
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	const inv = "/2018-06-01/runtime/invocation/"
	invoke := func() (*invocation, *http.Response) {
		t.Helper()
		v := &invocation{Invocation: Invocation{RequestID: newID(), Payload: []byte(`{"a":1}`)}, pool: p, done: make(chan struct{})}
		p.fn.underway.Add(1)
		g.unreserved.Add(1)
		p.dispatch(v)
		res, err := client.Get(base + inv + "next")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err != nil || string(b) != `{"a":1}` || res.Header.Get("Lambda-Runtime-Aws-Request-Id") != v.RequestID {
			t.Fatalf("next: %q %v %v", b, res.Header, err)
		}
		res.Body.Close()
		return v, res
	}

	v, _ := invoke()
	if code, body := post(inv+"unknown/response", "{}"); code != 400 || !strings.Contains(body, "InvalidRequestID") {
		t.Errorf("unknown id: %d %s", code, body)
	}
	if code, body := post(inv+v.RequestID+"/response", `"fine"`); code != 202 || body != bodyAccepted {
		t.Errorf("response: %d %s", code, body)
	}
	<-v.done
	if string(v.result.Payload) != `"fine"` {
		t.Errorf("payload %s", v.result.Payload)
	}
	if code, _ := post(inv+v.RequestID+"/response", `"twice"`); code != 400 {
		t.Errorf("second response: %d", code)
	}

	v, _ = invoke()
	if code, _ := post(inv+v.RequestID+"/error", `{"errorMessage":"m"}`, "Lambda-Runtime-Function-Error-Type", "My.Error"); code != 202 {
		t.Errorf("error: %d", code)
	}
	<-v.done
	if v.result.Fault == nil || v.result.Fault.Type != "My.Error" || string(v.result.Payload) != `{"errorMessage":"m"}` {
		t.Errorf("fault %v, payload %s", v.result.Fault, v.result.Payload)
	}

	v, _ = invoke()
	req, err := http.NewRequest("POST", base+inv+v.RequestID+"/response", io.MultiReader(strings.NewReader(`"part`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"Broke.Off"},
		"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Broke.Off"}`))},
	}
	if res, err := client.Do(req); err != nil || res.StatusCode != 202 {
		t.Errorf("stream that breaks off: %v %v", res, err)
	} else {
		res.Body.Close()
	}
	<-v.done
	if v.result.Fault == nil || string(v.result.Payload) != `{"errorType":"Broke.Off"}` {
		t.Errorf("stream that breaks off: %s", v.result.Payload)
	}

	v, _ = invoke()
	if code, body := post(inv+v.RequestID+"/response", string(bytes.Repeat([]byte("x"), MaxResponse+1))); code != 413 || !strings.Contains(body, "RequestEntityTooLarge") {
		t.Errorf("too large: %d %s", code, body)
	}
	<-v.done

	if code, body := post("/2020-01-01/extension/register", `{"events":[]}`, "Lambda-Extension-Name", "inside"); code != 200 || !strings.Contains(body, `"functionName":"f"`) || !i.term {
		t.Errorf("register: %d %s", code, body)
	}
	if code, body := post("/2020-01-01/extension/register", `{"events":["INVOKE"]}`, "Lambda-Extension-Name", "x"); code != 403 {
		t.Errorf("register for events: %d %s", code, body)
	}
	if code, _ := post("/2018-06-01/nothing", ""); code != 404 {
		t.Errorf("no such path: %d", code)
	}
	p.mu.Lock()
	delete(p.instances, i)
	p.free = nil
	p.mu.Unlock()
}

// Whatever has run, nothing of it is left: no process, goroutine or descriptor.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	box, err := sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "sandbox")})
	if err != nil {
		t.Fatal(err)
	}
	round := func() {
		g := &rig{t: t, logs: &logbook{}, meter: &meter{}}
		r, err := Open(Options{Sandbox: box, Model: newModel(), Ledger: newLedger(), Logs: g.logs, Meter: g.meter, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		g.Runner = r
		for _, l := range languages() {
			s := l.spec(t, func(s *Spec) { s.Timeout = time.Second })
			g.invoke(s, do{"do": "echo"})
			g.invoke(s, do{"do": "sleep", "n": 60000})
			g.invoke(s, do{"do": "exit", "n": 1})
			g.invoke(s, do{"do": "echo"})
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	round() // what is opened once stays open
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	round()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		now := runtime.NumGoroutine()
		if now <= goroutines && openFiles(t) <= files {
			break
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines became %d, %d descriptors %d:\n%s", goroutines, now, files, openFiles(t), buf[:runtime.Stack(buf, true)])
		}
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	if kids := children(t); len(kids) > 0 {
		t.Errorf("processes left: %v", kids)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	es, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(es)
}

// children lists the commands of this process's children.
func children(t *testing.T) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var kids []string
	for _, s := range stats {
		b, err := os.ReadFile(s)
		if err != nil {
			continue // it ended meanwhile
		}
		after := b[bytes.LastIndexByte(b, ')')+1:]
		if f := strings.Fields(string(after)); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			kids = append(kids, string(b))
		}
	}
	return kids
}

func TestReportLine(t *testing.T) {
	u := Use{MemoryMB: 128, MemoryMax: 37, Duration: 1234567 * time.Nanosecond, Init: 150 * time.Millisecond}
	for _, tt := range []struct {
		use   Use
		fault *Fault
		want  string
	}{
		{u, nil, "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 152 ms\tMemory Size: 128 MB\tMax Memory Used: 37 MB\tInit Duration: 150.00 ms\t\n"},
		{Use{MemoryMB: 128, Duration: 3 * time.Second}, timedOut("id", 3*time.Second), "REPORT RequestId: id\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 0 MB\tStatus: timeout\t\n"},
		{Use{MemoryMB: 1024, Duration: 1}, exited("id", sandbox.Exit{Code: 1}), "REPORT RequestId: id\tDuration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 1024 MB\tMax Memory Used: 0 MB\tStatus: error\tError Type: Runtime.ExitError\t\n"},
	} {
		if got := reportLine("id", tt.use, tt.fault); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
	if got := u.GBSeconds(); got != 0.152*128/1024 {
		t.Errorf("GB-seconds %v", got)
	}
	if !json.Valid(timedOut("id", time.Second).Payload) || !json.Valid(tooLarge(1).Payload) {
		t.Error("faults must be JSON")
	}
}
