//go:build amd64 || arm64

package sandbox

import (
	"testing"
)

func TestStart(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		s.Env = []string{"GREETING=hello"}
		l := h.Layout(s)
		got := tryAll(t, h, s, "env GREETING", "cwd", "read "+l.Task+"/code.txt", "write "+l.Tmp+"/f", "read "+l.Tmp+"/f", "stdout", "id")
		want := []string{"hello", l.Task, `ok "code"`, "ok", `ok "x"`, "ok"}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("attempt %d: got %q, want %q", i, got[i], want[i])
			}
		}
		t.Log(got[6], h.Report().Sentences())
	})
}
