package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestClients runs the suites of the packages for pytest and Node, and the
// examples that docs/testing.md is made of. Each starts clouds of its own.
func TestClients(t *testing.T) {
	bin, err := program()
	if err == nil {
		bin, err = filepath.Abs(bin)
	}
	if err != nil {
		t.Fatal(err)
	}
	src, err := filepath.Abs(filepath.Join("..", "clients", "python", "src"))
	if err != nil {
		t.Fatal(err)
	}
	pytest := func(t *testing.T) []string { return []string{tool(t, "pytest"), "-q", "-p", "pytest_nube.plugin"} }
	node := func(*testing.T) []string { return []string{"node", "--test"} }
	for dir, command := range map[string]func(*testing.T) []string{
		"clients/python": pytest, "clients/node": node, "examples/testing/python": pytest, "examples/testing/node": node,
	} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			words := command(t)
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Dir = filepath.Join("..", filepath.FromSlash(dir))
			cmd.Env = append(os.Environ(), "NUBE="+bin, "PYTHONPATH="+src, "PYTHONDONTWRITEBYTECODE=1", "PYTEST_ADDOPTS=-p no:cacheprovider")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
