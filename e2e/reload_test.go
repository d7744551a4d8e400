package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestReload edits a handler and the manifest while clients call the function
// all the time. Each change is built once, every request is answered by the old
// code or the new, and once the change is told only by the new; a mistake is
// shown with its place and changes nothing.
//
// sam-cli#901, #921, #1211, #1823, #1921, #3721: a build by hand after each edit.
// serverless-offline#864, #1660: a reload with each request, not each change.
//
// Mutations that it finds: the old code still answering after the change is told,
// a mistake that stops the watching, a change that is told twice. That an
// instance is ready before it gets traffic is for TestSwap of package runner.
func TestReload(t *testing.T) {
	for _, tt := range []struct {
		example, file string
		old, new      string // in the file
		broken        string // replaces old, and does not work
		place         string // of the mistake
	}{
		{"shop", "functions/userapi/api.go", `"User not found"`, `"User gone"`, `"User not found`, "api.go:134:"},
		{"shop-node", "src/userapi.js", `"User not found"`, `"User gone"`, `"User not found`, "src/userapi.js:86:"},
		{"shop-python", "src/userapi.py", `"User not found"`, `"User gone"`, `"User not found`, "src/userapi.py:26:"},
	} {
		t.Run(tt.example, func(t *testing.T) {
			dir := copyExample(t, tt.example)
			c := start(t, filepath.Join(t.TempDir(), "data"), "up", dir)
			missing := func() string {
				r := c.send(http.MethodGet, "/users/nobody", "")
				if r.status != http.StatusNotFound {
					t.Errorf("status %d, body %s", r.status, r.body)
				}
				message, _ := r.object(t)["message"].(string)
				return message
			}
			answer := missing()
			var wg sync.WaitGroup
			var stop atomic.Bool
			for range 3 {
				wg.Go(func() {
					for !stop.Load() {
						r, err := c.try(http.MethodGet, "/users/nobody", "")
						if err != nil || r.status != http.StatusNotFound {
							t.Errorf("while the code changes: %v %d %s", err, r.status, r.body)
							return
						}
					}
				})
			}
			defer wg.Wait()
			defer stop.Store(true)
			file := filepath.Join(dir, filepath.FromSlash(tt.file))

			edit(t, file, tt.old, tt.new)
			if r := c.reloaded(t); r.Error != "" || !slices.ContainsFunc(r.Files, func(f string) bool { return strings.HasSuffix(f, tt.file) }) {
				t.Fatalf("after a change: %+v", r)
			}
			if now := missing(); now == answer || now != "User gone" {
				t.Fatalf("the new code is told, and the answer is %q", now)
			}

			edit(t, file, tt.new, tt.broken)
			if r := c.reloaded(t); r.Error == "" || !strings.Contains(r.Error+strings.Join(r.Problems, "\n"), tt.place) {
				t.Fatalf("after a mistake: %+v", r)
			}
			if now := missing(); now != "User gone" {
				t.Fatalf("after a mistake the answer is %q", now)
			}

			edit(t, file, tt.broken, tt.old)
			if r := c.reloaded(t); r.Error != "" {
				t.Fatalf("after the mistake is mended: %+v", r)
			}
			if now := missing(); now != answer {
				t.Fatalf("the code is what it was, and the answer is %q, not %q", now, answer)
			}

			manifest := filepath.Join(dir, "serverless.yml")
			edit(t, manifest, "    timeout: 10\n", "    timeout: ten\n")
			if r := c.reloaded(t); !strings.Contains(strings.Join(r.Problems, "\n"), "serverless.yml:") {
				t.Fatalf("after a mistake in the manifest: %+v", r)
			}
			edit(t, manifest, "    timeout: ten\n", "    timeout: 12\n")
			if r := c.reloaded(t); r.Error != "" {
				t.Fatalf("after a change of the manifest: %+v", r)
			}
			out, _ := c.nube("settle", "--timeout", "60s")
			t.Log(out)
		})
	}
}

// reload is what nube says of a change.
type reload struct {
	Files    []string
	Error    string
	Problems []string
}

// reloaded waits until nube has said what became of a change.
func (c *cloud) reloaded(t *testing.T) reload {
	t.Helper()
	line, ok := <-c.lines
	if !ok {
		t.Fatalf("nube has ended\n%s", c.stderr)
	}
	var out struct{ Reload reload }
	if err := json.Unmarshal(line, &out); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return out.Reload
}

// copyExample copies an example application, to be changed.
func copyExample(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nube-e2e-reload-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // confined functions have users of their own
		t.Fatal(err)
	}
	to := filepath.Join(dir, name)
	if err := os.CopyFS(to, os.DirFS(filepath.Join("..", "examples", name))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(to, ".nube")); err != nil {
		t.Fatal(err)
	}
	return to
}
