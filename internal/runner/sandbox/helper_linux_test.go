//go:build amd64 || arm64

package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary is also the confined program: under the name bootstrap it
// tries what its arguments say and prints one line for each attempt, "ok", a
// value, or the error's name.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "bootstrap":
		for _, a := range os.Args[1:] {
			fmt.Println(try(strings.Split(a, " ")))
		}
		unix.Exit(0) // os.Exit waits a second under the race detector
	case "victim-host":
		victimHost(os.Args[1], os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

func try(a []string) string {
	switch a[0] {
	case "read":
		f, err := os.Open(a[1])
		if err != nil {
			return errno(err)
		}
		defer f.Close()
		b := make([]byte, 64)
		n, err := f.Read(b)
		if err != nil && err != io.EOF {
			return errno(err)
		}
		return "ok " + strconv.Quote(string(b[:n]))
	case "write":
		return errno(os.WriteFile(a[1], []byte("x"), 0o644))
	case "fill": // a file of so many KB
		f, err := os.Create(a[1])
		for i := 0; err == nil && i < num(a[2]); i++ {
			_, err = f.Write(make([]byte, 1024))
		}
		f.Close()
		return errno(err)
	case "list":
		es, err := os.ReadDir(a[1])
		if err != nil {
			return errno(err)
		}
		var names []string
		for _, e := range es {
			names = append(names, e.Name())
		}
		return "ok " + strings.Join(names, " ")
	case "kill":
		return errno(unix.Kill(num(a[1]), syscall.Signal(num(a[2]))))
	case "ptrace":
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := unix.PtraceAttach(num(a[1]))
		if err == nil {
			unix.PtraceDetach(num(a[1]))
		}
		return errno(err)
	case "vmread":
		addr, err := strconv.ParseUint(a[2], 16, 64)
		if err != nil {
			return errno(err)
		}
		b := make([]byte, 8)
		remote := []unix.RemoteIovec{{Base: uintptr(addr), Len: 8}}
		_, err = unix.ProcessVMReadv(num(a[1]), []unix.Iovec{{Base: &b[0], Len: 8}}, remote, 0)
		return errno(err)
	case "prlimit":
		return errno(unix.Prlimit(num(a[1]), unix.RLIMIT_CPU, nil, &unix.Rlimit{}))
	case "connect":
		c, err := net.Dial("tcp", a[1])
		if err != nil {
			return errno(err)
		}
		defer c.Close()
		b, err := io.ReadAll(c)
		if err != nil {
			return errno(err)
		}
		return "ok " + string(b)
	case "udp":
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		unix.Close(fd)
		return errno(err)
	case "socket":
		fd, err := unix.Socket(num(a[1]), num(a[2]), num(a[3]))
		unix.Close(fd)
		return errno(err)
	case "fastopen":
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return errno(err)
		}
		defer unix.Close(fd)
		return errno(unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, &unix.SockaddrInet4{Port: num(a[1]), Addr: [4]byte{127, 0, 0, 1}}))
	case "abstract":
		c, err := net.Dial("unix", "@"+a[1])
		if err != nil {
			return errno(err)
		}
		c.Close()
		return "ok"
	case "listen":
		l, err := net.Listen("tcp", a[1])
		if err != nil {
			return errno(err)
		}
		l.Close()
		return "ok"
	case "mount":
		return errno(unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	case "userns":
		runtime.LockOSThread()
		return errno(unix.Unshare(unix.CLONE_NEWUTS | unix.CLONE_NEWUSER))
	case "clone3": // a new process in a new user namespace
		args := [11]uint64{0: unix.CLONE_NEWUSER, 4: uint64(unix.SIGCHLD)}
		pid, _, e := unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
		if e == 0 && pid == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if e != 0 {
			return errno(e)
		}
		return "ok"
	case "iouring":
		var params [120]byte
		_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
		if e != 0 {
			return errno(e)
		}
		return "ok"
	case "env":
		return os.Getenv(a[1])
	case "id":
		return fmt.Sprintf("%d %d %d", os.Getpid(), os.Getuid(), os.Getgid())
	case "status": // a line of it
		for line := range strings.Lines(readFile("/proc/self/status")) {
			if v, ok := strings.CutPrefix(line, a[1]+":"); ok {
				return strings.TrimSpace(v)
			}
		}
		return "nothing"
	case "cwd":
		wd, err := os.Getwd()
		if err != nil {
			return errno(err)
		}
		return wd
	case "exit":
		unix.Exit(num(a[1]))
	case "wait":
		fmt.Println("waiting")
		unix.Pause()
	case "spin":
		for fmt.Println("spinning"); ; {
		}
	case "alloc":
		// Not the heap: the race detector would multiply it.
		b, err := unix.Mmap(-1, 0, num(a[1])<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			return errno(err)
		}
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		return "ok"
	case "stdout": // opened again by name
		f, err := os.OpenFile("/dev/stdout", os.O_WRONLY, 0)
		if err != nil {
			return errno(err)
		}
		f.Close()
		return "ok"
	case "daemon": // leaves a process in a session of its own, without parent
		c := exec.Command(os.Args[0], "orphan "+strings.Join(a[1:], " "))
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.Stdout = os.Stdout
		return errno(c.Run())
	case "orphan":
		c := exec.Command(os.Args[0], strings.Join(a[1:], " "))
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.Stdout = os.Stdout
		if err := c.Start(); err != nil {
			return errno(err)
		}
		return "child " + strconv.Itoa(c.Process.Pid)
	case "bomb": // forks until it may not
		for {
			c := exec.Command(os.Args[0], "bomb")
			if err := c.Start(); err != nil {
				fmt.Println("full")
				unix.Pause()
			}
		}
	}
	return "unknown command " + a[0]
}

func num(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

// errno names an error in the kernel's words, such as EACCES.
func errno(err error) string {
	var e syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &e):
		return unix.ErrnoName(e)
	default:
		return err.Error()
	}
}

// level is one way in which this machine can confine.
type level struct {
	name string
	can  abilities
}

// levels are all of them, with what could be missing on another machine
// taken away.
func levels() []level {
	can := probe()
	var v1 []cgroupMount
	for _, m := range can.mounts {
		if m.version == 1 {
			v1 = append(v1, m)
		}
	}
	var out []level
	if can.admin {
		a, b, c := can, can, can
		b.mounts, c.mounts, c.named = v1, nil, false
		out = append(out, level{"namespaces", a}, level{"namespaces-cgroup1", b}, level{"namespaces-alone", c})
	}
	if can.landlock > 0 {
		a, b := can, can
		a.admin, b.admin, b.mounts = false, false, nil
		out = append(out, level{"landlock", a}, level{"landlock-alone", b})
	}
	return out
}

func eachLevel(t *testing.T, f func(t *testing.T, h *Host)) {
	t.Helper()
	for _, l := range levels() {
		t.Run(l.name, func(t *testing.T) { f(t, openLevel(t, l, Options{})) })
	}
}

func openLevel(t testing.TB, l level, o Options) *Host {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := openSystem(o, l.can)
	if err != nil {
		t.Fatal(err)
	}
	h, err := newHost(o, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	if want := strings.HasPrefix(l.name, "namespaces"); want != s.spaces {
		t.Fatalf("level %s is not what the host is on: %q", l.name, s.why)
	}
	return h
}

// program is a running bootstrap.
type program struct {
	*Process
	t     testing.TB
	spec  Spec
	lines *bufio.Scanner
}

// newSpec describes a bootstrap that tries commands; its code directory holds
// the test binary and a file.
func newSpec(t testing.TB, h *Host, commands ...string) Spec {
	t.Helper()
	code := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := copyFile(self, filepath.Join(code, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(code, "code.txt"), []byte("code"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := Spec{CodeDir: code, Tmp: t.TempDir()}
	s.Argv = append([]string{h.Layout(s).Task + "/bootstrap"}, commands...)
	return s
}

func copyFile(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func start(t testing.TB, h *Host, s Spec) *program {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.Stdout, s.Stderr = w, os.Stderr
	p, err := h.Start(t.Context(), s)
	w.Close()
	if err != nil {
		r.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); <-p.Done(); r.Close() })
	return &program{p, t, s, bufio.NewScanner(r)}
}

// line is the next line of output, or "" at its end.
func (p *program) line() string {
	p.lines.Scan()
	return p.lines.Text()
}

// tryAll runs a bootstrap with commands to its end and returns a line for
// each.
func tryAll(t testing.TB, h *Host, s Spec, commands ...string) []string {
	t.Helper()
	s.Argv = append(s.Argv[:1:1], commands...)
	p := start(t, h, s)
	var out []string
	for range commands {
		out = append(out, p.line())
	}
	if e := p.Exit(); e != (Exit{}) {
		t.Fatalf("bootstrap ended with %v after %q", e, out)
	}
	return out
}

// inner is a process's number in its own namespace.
func inner(t testing.TB, pid int) int {
	t.Helper()
	for line := range strings.Lines(readFile("/proc/" + strconv.Itoa(pid) + "/status")) {
		if v, ok := strings.CutPrefix(line, "NSpid:"); ok {
			f := strings.Fields(v)
			return num(f[len(f)-1])
		}
	}
	t.Fatalf("no process %d", pid)
	return 0
}

// canceled is a context that has ended.
func canceled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
