package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/runner/bootstrap"
	"github.com/nube-run/nube/internal/runner/debug"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// launcher starts real processes.
type launcher struct {
	r    *Runner
	boot *bootstrap.Set
}

// spawn starts i's process. On an error nothing of it is left, but i's log can
// still be written to.
func (l *launcher) spawn(ctx context.Context, i *instance) (err error) {
	s := i.pool.spec
	i.stream = newStream(s, i.r.model.Now().Time().Format("2006/01/02"))
	out, w, err := openOutput(l.r.opts.Logs, i.stream, l.r.model)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	i.out = out
	defer w.Close()
	if s.Open != nil {
		if err := s.Open(ctx); err != nil {
			_ = out.pipe.Close()
			return err
		}
	}
	var undo []func()
	defer func() {
		if err != nil {
			_ = out.pipe.Close()
			for _, u := range undo {
				u()
			}
		}
	}()

	var none net.ListenConfig
	none.SetMultipathTCP(false) // loopback has one path, and the sandbox knows TCP ports only
	ln, err := none.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("open runtime API: %w", err)
	}
	undo = append(undo, func() { _ = ln.Close() })
	tmp, err := l.r.tmps.take()
	if err != nil {
		return fmt.Errorf("make /tmp: %w", err)
	}
	undo = append(undo, func() { _ = os.RemoveAll(tmp) })
	var keys Keys
	if l.r.opts.Credentials != nil && s.Role != "" {
		if keys, err = l.r.opts.Credentials.Credentials(ctx, s.Role, s.Name); err != nil {
			return fmt.Errorf("credentials of %s: %w", s.Role, err)
		}
		i.expires = keys.Expires
	}

	port := ln.Addr().(*net.TCPAddr).Port
	box := sandbox.Spec{
		CodeDir: s.CodeDir, LayerDirs: s.Layers, Tmp: tmp, TmpBytes: int64(s.TmpMB) << 20,
		Stdout: w, Stderr: w,
		MemoryMB:   s.MemoryMB,
		RuntimeAPI: port,
	}
	if s.Isolated {
		box.Network = sandbox.NetworkPlatformOnly
		for _, url := range []string{l.r.opts.Endpoint, l.r.opts.Telemetry} {
			if p := portOf(url); p != 0 {
				box.Ports = append(box.Ports, p)
			}
		}
	}
	prog, err := l.boot.Find(s.Runtime, s.Handler, s.CodeDir, s.Layers)
	if err != nil {
		return err
	}
	box.ReadOnly = slices.Concat(prog.ReadOnly, s.Uses)
	host := l.r.opts.Sandbox
	if s.Debug {
		host = l.r.opts.Unconfined
	}
	layout := host.Layout(box)
	box.Argv = prog.Argv(layout.Task, layout.Opt, s.MemoryMB)
	box.Env = l.env(i, prog, layout, port, keys)
	debugPort := 0
	if s.Debug {
		var c debug.Command
		if c, debugPort, err = l.r.opts.Debugger.Wrap(ctx, s, debug.Command{Argv: box.Argv, Env: box.Env}); err != nil {
			return err
		}
		box.Argv, box.Env = c.Argv, c.Env
	}
	if prog.Note != "" {
		out.say(prog.Note + "\n")
	}
	out.say("INIT_START Runtime Version: " + prog.Version + "\tRuntime Version ARN: " + prog.VersionARN(s.Function.Region()) + "\n")

	if closed := host.Unreadable(box); closed != "" {
		out.say(Unreadable(closed) + "\n")
	}
	proc, err := host.Start(ctx, box)
	if err != nil {
		return err
	}
	if s.Debug {
		t := debug.Target{Port: debugPort, PID: proc.Pid(), Gone: i.ended}
		i.proc = debugged{proc, proc.Pid(), func() { l.r.opts.Debugger.Ended(s, t) }}
		l.r.opts.Debugger.Started(s, t)
	} else {
		i.proc = proc
	}
	i.spawnTook = l.r.machine.Since(i.spawned)
	i.terminate = func() error { return terminate(proc.Pid()) }
	a := &api{inst: i, limit: l.r.opts.MaxResponse, ln: proc.Guard(ln), conns: map[net.Conn]struct{}{}}
	if keys.ID != "" {
		l.r.keyed.Store(keys.ID, i)
	}
	i.close = func() {
		l.r.keyed.Delete(keys.ID)
		_ = out.pipe.Close()
		_ = os.RemoveAll(tmp)
	}
	a.wg.Add(1)
	go a.serve()
	go out.run()
	l.r.wg.Add(1)
	go func() {
		defer l.r.wg.Done()
		i.watch(func() { a.flush(); <-out.eof })
	}()
	return nil
}

// Unreadable says what a function cannot read, why, and what would work.
func Unreadable(path string) string {
	return path + " cannot be read by functions, each of which runs as a user of its own: `chmod -R o+rX " + path +
		"` lets them, and so does --isolation off"
}

// newStream names the log stream of a new instance.
func newStream(s *Spec, day string) LogStream {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	group := s.LogGroup
	if group == "" {
		group = "/aws/lambda/" + s.Name
	}
	return LogStream{Account: s.Function.Account(), Region: s.Function.Region(), Group: group, Name: day + "/[" + s.Version + "]" + hex.EncodeToString(id[:])}
}

// memoryPerCPU is how many MB come with one processor
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const memoryPerCPU = 1769

// env is the environment of a process: the variables that Lambda documents,
// the function's own, and what the runtime needs.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func (l *launcher) env(i *instance, prog *bootstrap.Program, at sandbox.Layout, port int, keys Keys) []string {
	s := i.pool.spec
	region := s.Function.Region()
	e := environment{}
	e.set("LANG", "en_US.UTF-8")
	e.set("TZ", ":UTC")
	e.set("PATH", path(prog.Path, at))
	e.set("LD_LIBRARY_PATH", strings.Join(libraries(at), ":"))
	e.set("GOMAXPROCS", strconv.Itoa((s.MemoryMB+memoryPerCPU-1)/memoryPerCPU))
	e.set("AWS_ENDPOINT_URL", l.r.opts.Endpoint)
	e.set("AWS_REGION", region)
	e.set("AWS_DEFAULT_REGION", region)
	e.set("AWS_ACCESS_KEY_ID", keys.ID)
	e.set("AWS_SECRET_ACCESS_KEY", keys.Secret)
	e.set("AWS_SESSION_TOKEN", keys.Token)
	e.set("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR")
	for _, kv := range prog.Env(at.Task, at.Opt) {
		k, v, _ := strings.Cut(kv, "=")
		e.set(k, v)
	}
	l.r.telemetry(e, i)
	for k, v := range s.Env { // these may replace all of the above
		if current := l.r.opts.Current; current != nil {
			v = current(v)
		}
		e[k] = v
	}
	l.r.resource(e, i)
	e.set("PWD", at.Task)
	e.set("LAMBDA_TASK_ROOT", at.Task)
	e.set("LAMBDA_RUNTIME_DIR", prog.Dir)
	e.set("_HANDLER", s.Handler)
	e.set("AWS_EXECUTION_ENV", "AWS_Lambda_"+s.Runtime)
	e.set("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:"+strconv.Itoa(port))
	e.set("AWS_LAMBDA_FUNCTION_NAME", s.Name)
	e.set("AWS_LAMBDA_FUNCTION_VERSION", s.Version)
	e.set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", strconv.Itoa(s.MemoryMB))
	e.set("AWS_LAMBDA_LOG_GROUP_NAME", i.stream.Group)
	e.set("AWS_LAMBDA_LOG_STREAM_NAME", i.stream.Name)
	e.set("AWS_LAMBDA_INITIALIZATION_TYPE", initialization(s))
	if at.Tmp != "/tmp" { // without a file system of its own it is told where to write
		e.set("TMPDIR", at.Tmp)
	}
	return e.list()
}

// initialization says when instances of s are started.
func initialization(s *Spec) string {
	if s.Provisioned {
		return "provisioned-concurrency"
	}
	return "on-demand"
}

type environment map[string]string

func (e environment) set(k, v string) {
	if v != "" {
		e[k] = v
	}
}

func (e environment) list() []string {
	out := make([]string, 0, len(e))
	for k, v := range e {
		out = append(out, k+"="+v)
	}
	return out
}

func path(interpreter string, at sandbox.Layout) string {
	dirs := []string{"/usr/local/bin", "/usr/bin", "/bin"}
	if interpreter != "" {
		dirs = append([]string{interpreter}, dirs...)
	}
	for _, o := range at.Opt {
		dirs = append(dirs, filepath.Join(o, "bin"))
	}
	return strings.Join(dirs, ":")
}

func libraries(at sandbox.Layout) []string {
	dirs := []string{at.Task, filepath.Join(at.Task, "lib")}
	for _, o := range at.Opt {
		dirs = append(dirs, filepath.Join(o, "lib"))
	}
	return dirs
}

// portOf returns the port of the platform's URL, or 0.
func portOf(endpoint string) int {
	u, err := url.Parse(endpoint)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		return 0
	}
	return n
}
