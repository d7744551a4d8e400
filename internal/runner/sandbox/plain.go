package sandbox

import (
	"cmp"
	"context"
	"os"
	"sync/atomic"
)

// plain starts processes without confinement: Mode Off, and systems other than
// Linux.
type plain struct{ why string }

func newPlain(why string) *plain { return &plain{why} }

func (p *plain) report() Report {
	return Report{Level: "none", Freeze: plainFreezes, Reasons: []string{"Confinement is " + p.why + "."}}
}

func (*plain) layout(s *Spec) Layout { return realLayout(s) }

// realLayout is the layout without a mount namespace: everything is where it
// is on the host.
func realLayout(s *Spec) Layout {
	l := Layout{Task: s.CodeDir, Tmp: s.Tmp}
	for i := len(s.LayerDirs) - 1; i >= 0; i-- {
		l.Opt = append(l.Opt, s.LayerDirs[i])
	}
	return l
}

func (p *plain) start(_ context.Context, s *Spec) (child, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	files := []*os.File{null, s.Stdout, s.Stderr}
	for i, f := range files {
		if f == nil {
			files[i] = null
		}
	}
	proc, err := os.StartProcess(s.Argv[0], s.Argv, &os.ProcAttr{Dir: cmp.Or(s.WorkDir, s.CodeDir, s.Tmp), Env: s.Env, Files: files, Sys: plainAttr()})
	if err != nil {
		return nil, err
	}
	return &plainChild{proc: proc}, nil
}

func (*plain) close() error { return nil }

type plainChild struct {
	proc  *os.Process
	state atomic.Pointer[os.ProcessState]
}

func (c *plainChild) pid() int { return c.proc.Pid }

func (c *plainChild) wait() Exit {
	st, err := c.proc.Wait()
	if err != nil { // only for a process that is not our child, which cannot be
		return Exit{Code: -1}
	}
	c.state.Store(st)
	return exitOf(st)
}

func (c *plainChild) usage() Usage {
	st := c.state.Load()
	if st == nil {
		return Usage{}
	}
	return Usage{MemoryPeak: maxRSS(st)}
}
