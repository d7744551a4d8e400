//go:build unix

package sandbox

import (
	"errors"
	"os"
	"syscall"
	"testing"
)

// Plain processes have the same interface, and their group ends with them.
func TestPlain(t *testing.T) {
	h, err := Open(Options{Mode: Off, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := Spec{Argv: []string{"/bin/sh", "-c", `echo "$X $PWD"; exit 7`}, Env: []string{"X=1"}, Tmp: t.TempDir(), CodeDir: t.TempDir(), Stdout: w}
	p, err := h.Start(t.Context(), s)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if e := p.Exit(); e != (Exit{Code: 7}) || p.Usage().MemoryPeak <= 0 {
		t.Errorf("exit %#v, usage %+v", e, p.Usage())
	}
	buf := make([]byte, 256)
	n, err := r.Read(buf)
	if want := "1 " + h.Layout(s).Task + "\n"; err != nil || string(buf[:n]) != want {
		t.Errorf("said %q %v, want %q", buf[:n], err, want)
	}

	s.Argv, s.Stdout = []string{"/bin/sh", "-c", "cat /dev/zero >/dev/null & wait"}, nil
	if p, err = h.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Freeze(), p.Thaw()); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if e := p.Exit(); e.Signal != syscall.SIGKILL || e.String() != "signal: killed" {
		t.Errorf("exit %#v", e)
	}
	if _, err := h.Start(t.Context(), s); !errors.Is(err, ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}
