package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/work"
)

// functions is the module of the functions that tests run. It is a module of
// its own, so that what functions need never becomes a dependency of nube.
const functions = "../../conformance/functions"

// built holds the Go functions, built once for all tests.
var built struct {
	sync.Mutex
	dir   string
	names map[string]string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// goFunction builds a function and returns its code directory.
func goFunction(t testing.TB, name string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if dir, ok := built.names[name]; ok {
		return dir
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "nube-functions-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.names = dir, map[string]string{}
	}
	dir := filepath.Join(built.dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./"+name)
	cmd.Dir = functions
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	built.names[name] = dir
	return dir
}

// directory returns the absolute path of a function that needs no build.
func directory(t testing.TB, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join(functions, name))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rig is a Runner with everything around it.
type rig struct {
	*Runner
	t      testing.TB
	ledger *work.Ledger
	logs   *logbook
	meter  *meter
}

// newRig opens a Runner for a test. At the end of the test it is closed, and
// nothing may be left of it.
func newRig(t testing.TB, set func(*Options)) *rig {
	t.Helper()
	return newRigIn(t, sandbox.Auto, set)
}

func newRigIn(t testing.TB, mode sandbox.Mode, set func(*Options)) *rig {
	t.Helper()
	dir := t.TempDir()
	box, err := sandbox.Open(sandbox.Options{Dir: filepath.Join(dir, "sandbox"), Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{t: t, ledger: work.NewLedger(), logs: &logbook{}, meter: &meter{}}
	o := Options{
		Sandbox: box, Model: clock.NewModel(clock.State{}), Ledger: g.ledger, Logs: g.logs, Meter: g.meter, Dir: dir,
	}
	if set != nil {
		set(&o)
	}
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	g.Runner = r
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := box.Close(); err != nil {
			t.Errorf("close sandbox: %v", err)
		}
		if es := g.ledger.Entries(); len(es) > 0 {
			t.Errorf("still under way after close: %v", es)
		}
		left, err := filepath.Glob(filepath.Join(dir, "tmp-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
	return g
}

// language is one implementation of the function that does what it is told.
type language struct {
	name    string
	runtime string
	handler string
	dir     func(testing.TB) string
}

func languages() []language {
	return []language{
		{"go", "provided.al2023", "bootstrap", func(t testing.TB) string { return goFunction(t, "faults") }},
		{"node", "nodejs20.x", "index.handler", func(t testing.TB) string { return directory(t, "node") }},
		{"python", "python3.11", "index.handler", func(t testing.TB) string { return directory(t, "python") }},
	}
}

func (l language) spec(t testing.TB, set ...func(*Spec)) *Spec {
	s := &Spec{
		Function: arn.In("eu-west-1", "123456789012").Function("faults-" + l.name), Name: "faults-" + l.name, Version: "$LATEST",
		Runtime: l.runtime, Handler: l.handler, CodeDir: l.dir(t), MemoryMB: 256, Timeout: 20 * time.Second, TmpMB: 512,
	}
	for _, f := range set {
		f(s)
	}
	return s
}

var ids struct {
	sync.Mutex
	n int
}

func newID() string {
	ids.Lock()
	defer ids.Unlock()
	ids.n++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", ids.n)
}

// invoke sends an event, given as anything that becomes JSON.
func (g *rig) invoke(s *Spec, event any, set ...func(*Invocation)) Result {
	g.t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		g.t.Fatal(err)
	}
	in := Invocation{RequestID: newID(), ARN: s.Function, Payload: payload}
	for _, f := range set {
		f(&in)
	}
	res, err := g.Invoke(context.Background(), s, in)
	if err != nil {
		g.t.Fatalf("invoke: %v", err)
	}
	return res
}

type do map[string]any

// document decodes a payload.
func document(t testing.TB, payload []byte) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(payload, &d); err != nil {
		t.Fatalf("payload %q: %v", payload, err)
	}
	return d
}

// logbook keeps logs in memory.
type logbook struct {
	mu     sync.Mutex
	events []LogEvent
	more   chan struct{}
}

func (l *logbook) Append(_ LogStream, events []LogEvent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, events...)
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, e := range l.events {
		b.WriteString(e.Message)
	}
	return b.String()
}

// until waits until the log satisfies ok, and returns it.
func (l *logbook) until(t testing.TB, ok func(log string) bool) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		if log := l.text(); ok(log) {
			return log
		}
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("the log never became what was waited for:\n%s", l.text())
		}
	}
}

// meter keeps uses in memory.
type meter struct {
	mu   sync.Mutex
	uses []Use
}

func (m *meter) Invoked(u Use) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.uses = append(m.uses, u)
}

// all are the uses so far.
func (m *meter) all() []Use {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.uses)
}

func newLedger() *work.Ledger { return work.NewLedger() }

// serveAPI serves an instance's Runtime API without a process.
func serveAPI(t *testing.T, i *instance) (*api, string) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &api{inst: i, limit: MaxResponse, ln: ln, conns: map[net.Conn]struct{}{}}
	a.wg.Add(1)
	go a.serve()
	return a, "http://" + ln.Addr().String()
}
