//go:build unix

package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// What others may not read is found, and what is on the way to it where that counts;
// without users of their own nothing is.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"open/below", "shut/below", "list"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range map[string]os.FileMode{"file": 0o644, "secret": 0o640} {
		if err := os.WriteFile(filepath.Join(dir, path), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	for path, mode := range map[string]os.FileMode{"open": 0o755, "open/below": 0o755, "shut": 0o700, "list": 0o754} {
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		path string
		way  bool
		want string
	}{
		{"open", false, ""}, {"open/below", false, ""}, {"file", false, ""}, {"missing", false, ""}, {"missing", true, ""},
		{"shut", false, "shut"}, {"list", false, "list"}, {"secret", false, "secret"},
		{"shut/below", false, ""}, {"shut/below", true, "shut"},
	} {
		want := tt.want
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if got := closedToOthers(filepath.Join(dir, tt.path), tt.way); got != want {
			t.Errorf("%s, the way to it too: %v: %q, want %q", tt.path, tt.way, got, want)
		}
	}
	for own, want := range map[bool]string{true: filepath.Join(dir, "shut"), false: ""} {
		h := &Host{impl: told{Report{OwnUser: own, Namespaces: []string{"mount"}}}}
		if got := h.Unreadable(Spec{CodeDir: filepath.Join(dir, "open"), ReadOnly: []string{filepath.Join(dir, "shut")}}); got != want {
			t.Errorf("users of their own: %v: %q, want %q", own, got, want)
		}
	}
}

// told is a confiner that has only a report.
type told struct{ Report }

func (c told) report() Report                            { return c.Report }
func (told) layout(*Spec) Layout                         { return Layout{} }
func (told) start(context.Context, *Spec) (child, error) { return nil, ErrClosed }
func (told) close() error                                { return nil }
