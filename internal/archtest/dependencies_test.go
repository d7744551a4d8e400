package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requirements reads the direct requirements of a go.mod, as "module version".
func requirements(text string) []string {
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "require (":
			inside = true
		case line == ")":
			inside = false
		case strings.HasSuffix(line, "// indirect"):
		case inside && line != "":
			out = append(out, line)
		case strings.HasPrefix(line, "require "):
			out = append(out, strings.TrimPrefix(line, "require "))
		}
	}
	slices.Sort(out)
	return out
}

// listed reads the rows of the first table of docs/dependencies.md: module,
// version, licence, what it is for, and what else was thought of.
func listed(text string) (modules []string, bare []string) {
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^ |]+) \\|(.*)\\|$")
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		modules = append(modules, m[1]+" "+m[2])
		for _, cell := range strings.Split(m[3], "|") {
			if strings.TrimSpace(cell) == "" {
				bare = append(bare, m[1])
			}
		}
	}
	slices.Sort(modules)
	return modules, bare
}

func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	allowed, bare := listed(string(doc))
	if d := cmp.Diff(allowed, requirements(string(mod))); d != "" {
		t.Errorf("go.mod does not require what docs/dependencies.md lists (-listed +required):\n%s", d)
	}
	for _, m := range bare {
		t.Errorf("docs/dependencies.md: %s has an empty column: each dependency has a licence and a reason", m)
	}
}

func TestDependenciesAreRead(t *testing.T) {
	mod := "module m\n\nrequire (\n\ta.b/c v1.0.0\n\td.e/f v2.0.0 // indirect\n)\n\nrequire x.y/z v0.1.0\n"
	if d := cmp.Diff([]string{"a.b/c v1.0.0", "x.y/z v0.1.0"}, requirements(mod)); d != "" {
		t.Error(d)
	}
	modules, bare := listed("| Module | Version | Licence | For |\n|---|---|---|---|\n| `x.y/z` | v0.1.0 | MIT | |\n| `a.b/c` | v1.0.0 | MIT | all |\n")
	if d := cmp.Diff([]string{"a.b/c v1.0.0", "x.y/z v0.1.0"}, modules); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"x.y/z"}, bare); d != "" {
		t.Error(d)
	}
}

// TestBinary: the binary links no client of AWS, nothing of the toolkit, and
// nothing that only tests need.
func TestBinary(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./cmd/nube")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"/internal/cloud") {
		t.Error("the binary has no cloud in it")
	}
	for _, d := range deps {
		if why := unwanted(d); why != "" {
			t.Errorf("the binary links %s: %s", d, why)
		}
	}
}

func unwanted(pkg string) string {
	under := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
	}
	switch {
	case under("github.com/aws"):
		return "nothing is ever forwarded to AWS"
	case under(module + "/kit"):
		return "the toolkit is a module of its own"
	case under("testing", "net/http/httptest", "github.com/google/go-cmp", "pgregory.net/rapid", "github.com/stretchr/testify",
		"github.com/anishathalye/porcupine", "go.uber.org/goleak", "github.com/cockroachdb/pebble/v2/vfs/errorfs",
		module+"/internal/kv/kvtest", module+"/internal/disk/disktest", module+"/internal/awsapi/awstest"):
		return "it is for tests"
	}
	return ""
}

func TestUnwanted(t *testing.T) {
	for pkg, want := range map[string]string{
		"github.com/aws/smithy-go":       "nothing is ever forwarded to AWS",
		"github.com/awslabs/other":       "",
		module + "/kit/saga":             "the toolkit is a module of its own",
		"testing":                        "it is for tests",
		"testing/synctest":               "it is for tests",
		module + "/internal/kv/pebblekv": "",
	} {
		if got := unwanted(pkg); got != want {
			t.Errorf("%s: %q, want %q", pkg, got, want)
		}
	}
}
