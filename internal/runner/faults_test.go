package runner

import (
	"strings"
	"testing"
	"time"
)

// The same events in every language.
func TestLanguagesBehaveAlike(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t, func(s *Spec) { s.Env = map[string]string{"MINE": "yes"} })

			res := g.invoke(s, do{"do": "echo", "text": "hé"})
			if string(res.Payload) != `{"text":"hé"}` && string(res.Payload) != `{"text": "hé"}` {
				t.Errorf("echo = %s", res.Payload)
			}
			if !res.Cold || res.Init <= 0 {
				t.Errorf("first invocation: cold %v, init %v", res.Cold, res.Init)
			}

			g.invoke(s, do{"do": "count"})
			res = g.invoke(s, do{"do": "count"})
			if d := document(t, res.Payload); d["count"] != 3.0 || res.Cold {
				t.Errorf("third invocation counted %v, cold %v: the process must be kept", d["count"], res.Cold)
			}

			res = g.invoke(s, do{"do": "fail", "text": "no luck"})
			if d := document(t, res.Payload); res.Fault == nil || d["errorType"] != "Mistake" || d["errorMessage"] != "no luck" {
				t.Errorf("fail = %s (%v)", res.Payload, res.Fault)
			}
			res = g.invoke(s, do{"do": "count"})
			if d := document(t, res.Payload); d["count"] != 5.0 {
				t.Errorf("after an error the process must be kept, counted %v", d["count"])
			}

			id := newID()
			res = g.invoke(s, do{"do": "context"}, func(in *Invocation) {
				in.RequestID, in.ARN, in.TraceID = id, s.Function+":prod", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
				in.ClientContext = `{"custom":{"who":"me"}}`
			})
			c := document(t, res.Payload)["context"].(map[string]any)
			for k, want := range map[string]any{
				"requestId": id, "arn": string(s.Function) + ":prod", "name": s.Name, "version": "$LATEST", "memory": 256.0,
				"trace": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
			} {
				if c[k] != want {
					t.Errorf("context %s = %v, want %v", k, c[k], want)
				}
			}
			if m, _ := c["client"].(map[string]any); m["who"] != "me" {
				t.Errorf("client context = %v", c["client"])
			}
			if ms := c["remaining"].(float64); ms < 1000 || ms > 20000 {
				t.Errorf("remaining = %v ms of 20 s", ms)
			}

			env := document(t, g.invoke(s, do{"do": "env"}).Payload)["env"].(map[string]any)
			for k, want := range map[string]string{
				"MINE": "yes", "_HANDLER": l.handler, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
				"AWS_LAMBDA_FUNCTION_NAME": s.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
				"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + s.Name, "AWS_LAMBDA_LOG_STREAM_NAME": res.Stream.Name,
				"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_EXECUTION_ENV": "AWS_Lambda_" + l.runtime,
				"TZ": ":UTC", "LANG": "en_US.UTF-8", "GOMAXPROCS": "1",
			} {
				if env[k] != want {
					t.Errorf("%s = %v, want %q", k, env[k], want)
				}
			}
		})
	}
}

func TestTimeOut(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, nil)
			s := l.spec(t, func(s *Spec) { s.Timeout = time.Second })
			id := newID()
			res := g.invoke(s, do{"do": "sleep", "n": 60000}, func(in *Invocation) { in.RequestID = id })
			want := `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ` + id + ` Error: Task timed out after 1.00 seconds"}`
			if string(res.Payload) != want || res.Fault == nil {
				t.Errorf("payload = %s, want %s", res.Payload, want)
			}
			log := g.logs.until(t, func(log string) bool { return strings.Contains(log, "REPORT") })
			for _, part := range []string{" " + id + " Task timed out after 1.00 seconds\n\n", "END RequestId: " + id + "\n", "\tStatus: timeout\t\n"} {
				if !strings.Contains(log, part) {
					t.Errorf("the log lacks %q:\n%s", part, log)
				}
			}
			res = g.invoke(s, do{"do": "count"})
			if d := document(t, res.Payload); d["count"] != 1.0 || !res.Cold {
				t.Errorf("after a time-out a new process must answer, counted %v, cold %v", d["count"], res.Cold)
			}
		})
	}
}

func TestExit(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, nil)
			s := l.spec(t)
			for _, tt := range []struct {
				code int
				want string
			}{
				{7, "Runtime exited with error: exit status 7"},
				{0, "Runtime exited without providing a reason"},
			} {
				id := newID()
				res := g.invoke(s, do{"do": "exit", "n": tt.code}, func(in *Invocation) { in.RequestID = id })
				want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: ` + tt.want + `"}`
				if string(res.Payload) != want {
					t.Errorf("exit %d: %s, want %s", tt.code, res.Payload, want)
				}
				log := g.logs.until(t, func(log string) bool { return strings.Contains(log, "REPORT RequestId: "+id) })
				if part := "RequestId: " + id + " Error: " + tt.want + "\nRuntime.ExitError\nEND RequestId: " + id; !strings.Contains(log, part) {
					t.Errorf("the log lacks %q:\n%s", part, log)
				}
			}
		})
	}
}

func TestOutOfMemory(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			if !g.opts.Sandbox.Report().MemoryLimit {
				t.Fatalf("this machine cannot limit memory: %v", g.opts.Sandbox.Report().Reasons)
			}
			s := l.spec(t, func(s *Spec) { s.MemoryMB = 128 })
			id := newID()
			res := g.invoke(s, do{"do": "memory", "n": 1024}, func(in *Invocation) { in.RequestID = id })
			want := `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ` + id + ` Error: Runtime exited with error: signal: killed"}`
			if string(res.Payload) != want {
				t.Errorf("payload = %s, want %s", res.Payload, want)
			}
			log := g.logs.until(t, func(log string) bool { return strings.Contains(log, "REPORT") })
			if !strings.Contains(log, "Max Memory Used: 128 MB") || !strings.Contains(log, "Error Type: Runtime.OutOfMemory") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestResponseTooLarge(t *testing.T) {
	const want = `{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}`
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			g := newRig(t, nil)
			s := l.spec(t, func(s *Spec) { s.MemoryMB = 512 })
			if res := g.invoke(s, do{"do": "large", "n": 6 << 20}); res.Fault != nil || len(res.Payload) < 6<<20 {
				t.Errorf("6 MB: fault %v, %d bytes", res.Fault, len(res.Payload))
			}
			if res := g.invoke(s, do{"do": "large", "n": 6<<20 + 101}); string(res.Payload) != want {
				t.Errorf("more than 6 MB: %.200s", res.Payload)
			}
		})
	}
}

func TestInitErrors(t *testing.T) {
	type want struct{ kind, message string }
	for _, tt := range []struct {
		name string
		lang int
		set  func(*Spec)
		want want
	}{
		{"go exits", 0, func(s *Spec) { s.Env = map[string]string{"INIT": "exit"} }, want{"Runtime.ExitError", "Error: Runtime exited with error: exit status 3"}},
		{"node exits", 1, func(s *Spec) { s.Env = map[string]string{"INIT": "exit"} }, want{"Runtime.ExitError", "Error: Runtime exited with error: exit status 3"}},
		{"python exits", 2, func(s *Spec) { s.Env = map[string]string{"INIT": "exit"} }, want{"Runtime.ExitError", "Error: Runtime exited with error: exit status 3"}},
		{"node throws", 1, func(s *Spec) { s.Env = map[string]string{"INIT": "throw"} }, want{"Mistake", "no init"}},
		{"python throws", 2, func(s *Spec) { s.Env = map[string]string{"INIT": "throw"} }, want{"Mistake", "no init"}},
		{"no bootstrap", 0, func(s *Spec) { s.CodeDir = t.TempDir() }, want{"Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): ["}},
		{"node no module", 1, func(s *Spec) { s.Handler = "nowhere.handler" }, want{"Runtime.ImportModuleError", "Error: Cannot find module 'nowhere'\nRequire stack:"}},
		{"python no module", 2, func(s *Spec) { s.Handler = "nowhere.handler" }, want{"Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"}},
		{"node no dependency", 1, func(s *Spec) { s.Handler = "missing.handler" }, want{"Runtime.ImportModuleError", "Error: Cannot find module 'not-there'\nRequire stack:"}},
		{"python no dependency", 2, func(s *Spec) { s.Handler = "missing.handler" }, want{"Runtime.ImportModuleError", "Unable to import module 'missing': No module named 'not_there'"}},
		{"node no handler", 1, func(s *Spec) { s.Handler = "index.nothing" }, want{"Runtime.HandlerNotFound", "index.nothing is undefined or not exported"}},
		{"node no function", 1, func(s *Spec) { s.Handler = "index.notAFunction" }, want{"Runtime.HandlerNotFound", "index.notAFunction is not a function"}},
		{"python no handler", 2, func(s *Spec) { s.Handler = "index.nothing" }, want{"Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'index'"}},
		{"node syntax", 1, func(s *Spec) { s.Handler = "broken.handler" }, want{"Runtime.UserCodeSyntaxError", "SyntaxError: "}},
		{"python syntax", 2, func(s *Spec) { s.Handler = "broken.handler" }, want{"Runtime.UserCodeSyntaxError", "Syntax error in module 'broken': "}},
		{"node handler name", 1, func(s *Spec) { s.Handler = "handler" }, want{"Runtime.MalformedHandlerName", "Bad handler"}},
		{"python handler name", 2, func(s *Spec) { s.Handler = "handler" }, want{"Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"}},
		{"no such runtime", 0, func(s *Spec) { s.Runtime = "ruby3.3" }, want{"Runtime.InvalidEntrypoint", "runtime is not supported"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, nil)
			res := g.invoke(languages()[tt.lang].spec(t, tt.set), do{"do": "echo"})
			d := document(t, res.Payload)
			message, _ := d["errorMessage"].(string)
			if res.Fault == nil || d["errorType"] != tt.want.kind || !strings.Contains(message, tt.want.message) {
				t.Errorf("payload = %s, want %+v", res.Payload, tt.want)
			}
			log := g.logs.until(t, func(log string) bool { return strings.Contains(log, "REPORT RequestId") })
			if !strings.Contains(log, "INIT_REPORT Init Duration: ") && !strings.Contains(tt.want.kind, "InvalidEntrypoint") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// An initialisation that takes too long is begun again with the function's
// time-out.
func TestInitTimeOut(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, func(o *Options) { o.InitLimit = 100 * time.Millisecond })
			s := l.spec(t, func(s *Spec) { s.Env, s.Timeout = map[string]string{"INIT": "sleep"}, time.Second })
			res := g.invoke(s, do{"do": "echo"})
			if d := document(t, res.Payload); d["errorType"] != "Sandbox.Timedout" || !strings.HasSuffix(d["errorMessage"].(string), "Task timed out after 1.00 seconds") {
				t.Errorf("payload = %s", res.Payload)
			}
			log := g.logs.text()
			for _, part := range []string{"Phase: init\tStatus: timeout\t\n", "Phase: invoke\tStatus: timeout\t\n"} {
				if !strings.Contains(log, part) {
					t.Errorf("the log lacks %q:\n%s", part, log)
				}
			}
		})
	}
	t.Run("recovers", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, func(o *Options) { o.InitLimit = 50 * time.Millisecond })
		s := languages()[0].spec(t, func(s *Spec) { s.Env = map[string]string{"INIT": "slow", "INIT_FOR": "300ms"} })
		if res := g.invoke(s, do{"do": "echo", "text": "late"}); res.Fault != nil {
			t.Errorf("an initialisation of 300 ms within a time-out of 20 s: %s", res.Payload)
		}
	})
}
