package debug

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	tools := Tools{Dir: t.TempDir(), Tell: func(what string) { t.Errorf("%s is got, and was there", what) }}
	dlv := filepath.Join(tools.Dir, "dlv")
	for path, text := range map[string]string{dlv: "", filepath.Join(tools.Dir, "debugpy-"+debugpyVersion, "debugpy", "__init__.py"): ""} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", "")
	for _, tt := range []struct {
		kind Kind
		in   Command
		want Command
	}{
		{Delve, Command{[]string{"/var/task/bootstrap", "-x"}, []string{"A=1"}}, Command{[]string{
			dlv, "exec", "--headless", "--listen=127.0.0.1:99", "--api-version=2", "--accept-multiclient", "--continue",
			"--check-go-version=false", "--only-same-user=false", "/var/task/bootstrap", "--", "-x",
		}, []string{"A=1"}}},
		{Inspector, Command{[]string{"node", "main.mjs"}, []string{"A=1"}}, Command{[]string{"node", "main.mjs"}, []string{"A=1", "NODE_OPTIONS=--inspect=127.0.0.1:99"}}},
		{Inspector, Command{[]string{"node"}, []string{"NODE_OPTIONS=--enable-source-maps", "A=1"}}, Command{[]string{"node"}, []string{"A=1", "NODE_OPTIONS=--enable-source-maps --inspect=127.0.0.1:99"}}},
		{Debugpy, Command{[]string{"/nothing/python3", "-u", "main.py", "-x"}, []string{"PYTHONPATH=/a"}}, Command{[]string{
			"/nothing/python3", "-Xfrozen_modules=off", "-u", "-m", "debugpy", "--listen", "127.0.0.1:99", "main.py", "-x",
		}, []string{"PYTHONPATH=/a:" + filepath.Join(tools.Dir, "debugpy-"+debugpyVersion)}}},
	} {
		got, err := tt.kind.Wrap(t.Context(), tt.in, 99, tools)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.kind, diff)
		}
	}
}

func TestOf(t *testing.T) {
	for runtime, want := range map[string]Kind{"provided.al2023": Delve, "go1.x": Delve, "nodejs22.x": Inspector, "python3.13": Debugpy} {
		if k, err := Of(runtime); err != nil || k != want {
			t.Errorf("%s: %v %v", runtime, k, err)
		}
	}
	if _, err := Of("java21"); err == nil {
		t.Error("java21 has a debugger")
	}
}
