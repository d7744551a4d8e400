package debug

import (
	"context"
	"fmt"
	"strings"
)

// Kind is a debugger.
type Kind int

// The debuggers.
const (
	Delve Kind = iota + 1
	Inspector
	Debugpy
)

// Of returns the debugger for a runtime of Lambda.
func Of(runtime string) (Kind, error) {
	switch {
	case strings.HasPrefix(runtime, "provided"), runtime == "go1.x":
		return Delve, nil
	case strings.HasPrefix(runtime, "nodejs"):
		return Inspector, nil
	case strings.HasPrefix(runtime, "python"):
		return Debugpy, nil
	}
	return 0, fmt.Errorf("there is no debugger for the runtime %s", runtime)
}

// String names the debugger.
func (k Kind) String() string {
	return [...]string{"no debugger", "Delve", "Node.js inspector", "debugpy"}[k]
}

// Port is where editors look for the debugger if they are not told.
func (k Kind) Port() int { return [...]int{0, 2345, 9229, 5678}[k] }

// Attach says how to attach to it.
func (k Kind) Attach(addr string) string {
	switch k {
	case Delve:
		return "dlv connect " + addr
	case Inspector:
		return "chrome://inspect, or attach to " + addr
	}
	return "attach debugpy to " + addr
}

// Command is a program with its arguments and environment.
type Command struct{ Argv, Env []string }

// Wrap returns the command that runs c under the debugger, which listens on a
// port of loopback.
func (k Kind) Wrap(ctx context.Context, c Command, port int, t Tools) (Command, error) {
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	switch k {
	case Delve:
		dlv, err := t.delve(ctx)
		if err != nil {
			return c, err
		}
		argv := []string{dlv, "exec", "--headless", "--listen=" + addr, "--api-version=2", "--accept-multiclient", "--continue",
			"--check-go-version=false", "--only-same-user=false", c.Argv[0], "--"}
		c.Argv = append(argv, c.Argv[1:]...)
	case Inspector:
		c.Env = with(c.Env, "NODE_OPTIONS", " ", "--inspect="+addr)
	case Debugpy:
		dir, err := t.debugpy(ctx, c.Argv[0])
		if err != nil {
			return c, err
		}
		if dir != "" {
			c.Env = with(c.Env, "PYTHONPATH", ":", dir)
		}
		script := 1 // behind the interpreter's options
		for script < len(c.Argv) && strings.HasPrefix(c.Argv[script], "-") {
			script++
		}
		argv := append([]string{c.Argv[0], "-Xfrozen_modules=off"}, c.Argv[1:script]...)
		argv = append(argv, "-m", "debugpy", "--listen", addr)
		c.Argv = append(argv, c.Argv[script:]...)
	}
	return c, nil
}

// with adds a value to a list in a variable.
func with(env []string, name, separator, value string) []string {
	out := make([]string, 0, len(env)+1)
	had := ""
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			had = v
			continue
		}
		out = append(out, kv)
	}
	if had != "" {
		value = had + separator + value
	}
	return append(out, name+"="+value)
}
