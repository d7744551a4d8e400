package debug

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// The versions that are got where none is installed.
const (
	delveVersion   = "v1.27.2"
	debugpyVersion = "1.8.22"
)

// Tools gets debuggers.
type Tools struct {
	// Dir is where those are kept that were not installed.
	Dir string
	// Tell is told what is being got; it may take a while, and happens once.
	Tell func(what string)
}

// delve returns the path of Delve: the one on the path, or our own.
func (t Tools) delve(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("dlv"); err == nil {
		return path, nil
	}
	name := "dlv"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(t.Dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	module := "github.com/go-delve/delve/cmd/dlv@" + delveVersion
	t.Tell("Delve (go install " + module + ")")
	cmd := exec.CommandContext(ctx, "go", "install", module)
	cmd.Env = append(os.Environ(), "GOBIN="+t.Dir, "GOFLAGS=", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("Delve is not installed and cannot be got: %w\n%s", err, out)
	}
	return path, nil
}

// debugpy returns the directory in which the interpreter finds debugpy; empty
// when it has it of itself.
func (t Tools) debugpy(ctx context.Context, python string) (string, error) {
	if exec.CommandContext(ctx, python, "-c", "import debugpy").Run() == nil {
		return "", nil
	}
	dir := filepath.Join(t.Dir, "debugpy-"+debugpyVersion)
	if _, err := os.Stat(filepath.Join(dir, "debugpy")); err == nil {
		return dir, nil
	}
	t.Tell("debugpy (pip install debugpy==" + debugpyVersion + ")")
	cmd := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--target", dir, "debugpy=="+debugpyVersion)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("debugpy is not installed and cannot be got: %w\n%s", err, out)
	}
	return dir, nil
}
