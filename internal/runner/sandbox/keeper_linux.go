//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// keeper is the first process of the PID namespace in which all processes of
// a Host run. It reads a pipe that only this process can write to and never
// does: when this process ends, however it ends, the pipe closes, the keeper
// ends, and the kernel kills everything in the namespace, however often it has
// forked or changed its session. It also reaps what loses its parent.
//
// A namespace for each process instead would make the function's program
// number 1, where it would have to reap, and where abort() and its own signals
// do not work as they do on Lambda.
type keeper struct {
	cmd  *exec.Cmd
	pipe *os.File // its other end
	ns   *os.File // the PID namespace
}

// The shell is the smallest program that every machine has. Ignoring SIGCHLD
// makes the kernel reap for shells that do not do it themselves while they
// read.
const keeperScript = `trap '' CHLD; trap '' INT TERM HUP; read x`

func startKeeper() (*keeper, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("keeper: %w", err)
	}
	defer r.Close()
	k := &keeper{pipe: w, cmd: &exec.Cmd{
		Path: "/bin/sh", Args: []string{"nube-keeper", "-c", keeperScript}, Env: []string{}, Dir: "/", Stdin: r,
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID, Setsid: true},
	}}
	if err := k.cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("keeper: %w", err)
	}
	k.ns, err = os.Open("/proc/" + strconv.Itoa(k.cmd.Process.Pid) + "/ns/pid")
	if err != nil {
		k.close()
		return nil, fmt.Errorf("keeper: %w", err)
	}
	return k, nil
}

// dead reports whether somebody has killed the keeper, and so everything in
// the namespace. One that is still seeing the others off counts: nothing can be
// started with it any more.
func (k *keeper) dead() bool {
	st, ok := readStat(k.cmd.Process.Pid)
	return !ok || st.ended
}

// close ends the keeper and with it everything in its namespace.
func (k *keeper) close() {
	k.pipe.Close()
	k.cmd.Process.Kill() // in case a fork of ours holds the pipe for a moment
	k.cmd.Wait()         // its status is that of a killed process
	if k.ns != nil {
		k.ns.Close()
	}
}
