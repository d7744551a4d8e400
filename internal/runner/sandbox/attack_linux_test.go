//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// refusals is what an attempt may end with when it is kept from its goal:
// what is asked for is forbidden, or cannot be seen at all.
func refused(got string) bool {
	return slices.Contains([]string{"EACCES", "EPERM", "ENOENT", "ESRCH", "EROFS"}, got)
}

// wantRefused runs commands and fails for each that is not refused.
func wantRefused(t *testing.T, h *Host, s Spec, commands ...string) {
	t.Helper()
	for i, got := range tryAll(t, h, s, commands...) {
		if !refused(got) {
			t.Errorf("%q was not refused: %s", commands[i], got)
		}
	}
}

// A function must not get at another one: its code, its files, its
// environment, its memory; nor stop it.
func TestOthersAreOutOfReach(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		store := filepath.Join(t.TempDir(), "store")
		if err := os.Mkdir(store, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(store, "secret"), []byte("s"), 0o644); err != nil {
			t.Fatal(err)
		}
		vs := newSpec(t, h, "wait")
		vs.Env = []string{"SECRET=victim"}
		victim := start(t, h, vs)
		if got := victim.line(); got != "waiting" {
			t.Fatalf("victim says %q", got)
		}
		if err := os.WriteFile(filepath.Join(vs.Tmp, "secret"), []byte("s"), 0o644); err != nil {
			t.Fatal(err)
		}
		address := stackOf(t, victim.Pid())
		var commands []string
		for _, path := range []string{
			vs.CodeDir + "/code.txt", vs.CodeDir + "/bootstrap", vs.Tmp + "/secret", store + "/secret",
			h.opts.Dir + "/lock", "/root/.profile", "/var/log/dpkg.log",
		} {
			commands = append(commands, "read "+path)
		}
		for _, path := range []string{
			vs.Tmp + "/new", store + "/new", vs.CodeDir + "/new", h.opts.Dir + "/new", h.Layout(vs).Task + "/code.txt",
			"/new", "/usr/new", "/etc/new", "/dev/new", "/var/new", "/dev/shm/new", "/proc/sys/kernel/hostname",
		} {
			commands = append(commands, "write "+path)
		}
		// By the numbers that it could see, and by the host's.
		for _, pid := range []int{inner(t, victim.Pid()), victim.Pid(), os.Getpid(), 1} {
			p := strconv.Itoa(pid)
			for _, f := range []string{"environ", "mem", "maps", "root/etc/passwd", "cwd/code.txt", "fd/0"} {
				commands = append(commands, "read /proc/"+p+"/"+f)
			}
			commands = append(commands, "ptrace "+p, "vmread "+p+" "+address, "prlimit "+p,
				"kill "+p+" 0", "kill "+p+" 9", "kill "+p+" 15", "kill "+p+" 19")
		}
		wantRefused(t, h, newSpec(t, h), commands...)
		// Signalling everybody succeeds when nobody at all may be signalled.
		tryAll(t, h, newSpec(t, h), "kill -1 19", "kill -1 9")
		st, ok := readStat(victim.Pid())
		if e, err := victim.Wait(canceled(t)); err == nil || !ok || st.ended {
			t.Fatalf("the victim is gone: %v", e)
		}
	})
}

// stackOf finds an address that a process can read.
func stackOf(t *testing.T, pid int) string {
	t.Helper()
	for line := range strings.Lines(readFile("/proc/" + strconv.Itoa(pid) + "/maps")) {
		if strings.Contains(line, "[stack]") {
			_, to, _ := strings.Cut(strings.Fields(line)[0], "-")
			end, err := strconv.ParseUint(to, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return strconv.FormatUint(end-64, 16)
		}
	}
	t.Fatal("no stack")
	return ""
}

// The commands that wantRefused trusts must be able to succeed: from an
// unconfined process on the same victim they do.
func TestAttacksWorkUnconfined(t *testing.T) {
	h, err := Open(Options{Mode: Off, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	vs := newSpec(t, h, "wait")
	vs.Env = []string{"SECRET=victim"}
	victim := start(t, h, vs)
	victim.line()
	p := strconv.Itoa(victim.Pid())
	commands := []string{
		"read " + vs.CodeDir + "/code.txt", "write " + vs.Tmp + "/new", "read /proc/" + p + "/environ", "list /proc/" + p + "/fd",
		"ptrace " + p, "vmread " + p + " " + stackOf(t, victim.Pid()), "kill " + p + " 0",
	}
	for i, got := range tryAll(t, h, newSpec(t, h), commands...) {
		if !strings.HasPrefix(got, "ok") {
			t.Errorf("%q: %s", commands[i], got)
		}
	}
}

// Nothing of the machine may be changed, and no way out be made.
func TestMachineIsOutOfReach(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		s := newSpec(t, h)
		wantRefused(t, h, s, "mount", "userns")
		got := tryAll(t, h, s, "iouring", "clone3",
			fmt.Sprintf("socket %d %d %d", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
			fmt.Sprintf("socket %d %d %d", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP),
			fmt.Sprintf("socket %d %d %d", unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_SMC),
			fmt.Sprintf("socket %d %d %d", unix.AF_VSOCK, unix.SOCK_STREAM, 0),
			fmt.Sprintf("socket %d %d %d", unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
			fmt.Sprintf("socket %d %d %d", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_SOCK_DIAG),
			fmt.Sprintf("socket %d %d %d", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
			fmt.Sprintf("socket %d %d %d", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP),
			fmt.Sprintf("socket %d %d %d", unix.AF_UNIX, unix.SOCK_STREAM, 0))
		clone3 := "ENOSYS"
		if sys := h.impl.(*system); sys.spaces && sys.groups != nil && sys.groups.tree.version != 0 {
			clone3 = "EPERM" // needed for control groups, but not from a chroot
		} else if sys.groups != nil && sys.groups.tree.version != 0 {
			clone3 = got[1] // what this machine allows every user
		}
		want := []string{"ENOSYS", clone3, "EPROTONOSUPPORT", "EPROTONOSUPPORT", "EPROTONOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ok", "ok", "ok"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// serve opens a port.
func serve(t *testing.T) (l net.Listener, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// answer sends every connection a name.
func answer(l net.Listener, name string) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, name)
			c.Close()
		}
	}()
}

// Each instance reaches its own Runtime API and the platform, and nobody
// else's Runtime API, over an open network too.
func TestRuntimeAPIIsItsOwn(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		platform, platformPort := serve(t)
		answer(platform, "platform")
		for _, network := range []Network{NetworkOpen, NetworkPlatformOnly} {
			t.Run(string(network), func(t *testing.T) {
				theirs, theirPort := serve(t)
				other := start(t, h, newSpec(t, h, "wait"))
				answer(other.Guard(theirs), "theirs")

				mine, port := serve(t)
				s := newSpec(t, h, "connect 127.0.0.1:"+port, "connect 127.0.0.1:"+platformPort,
					"connect 127.0.0.1:"+theirPort, "connect 127.0.0.1:"+port)
				s.Network, s.RuntimeAPI, s.Ports = network, num(port), []int{num(platformPort)}
				p := start(t, h, s)
				answer(p.Guard(mine), "mine") // after the process has begun to connect
				got := []string{p.line(), p.line(), p.line(), p.line()}
				denied := "EACCES" // Landlock
				if network == NetworkOpen {
					denied = got[2]
					if denied != "ok " && denied != "ECONNRESET" && denied != "EPIPE" { // Guard: not a byte
						t.Errorf("another's Runtime API answers %q", denied)
					}
				}
				if diff := cmp.Diff([]string{"ok mine", "ok platform", denied, "ok mine"}, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
	})
}

// Under platform-only there is no way to anybody else: not by the protocols
// that Landlock does not know, and not by fast open.
func TestPlatformOnly(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		l, port := serve(t)
		answer(l, "stranger")
		_, free := serve(t)
		s := newSpec(t, h)
		s.Network, s.Listen = NetworkPlatformOnly, []int{18081}
		got := tryAll(t, h, s, "connect 127.0.0.1:"+port, "connect [::1]:"+port, "fastopen "+port, "udp",
			fmt.Sprintf("socket %d %d %d", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
			"listen 127.0.0.1:0", "listen 127.0.0.1:18081", "listen 127.0.0.1:18082", "listen 0.0.0.0:"+free)
		want := []string{"EACCES", "EACCES", "ENOTSUP", "EACCES", "EPROTONOSUPPORT", "ok", "ok", "EACCES", "EACCES"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// The filter, not the kernel's settings, is what refuses fast open: without
// Landlock in the way an unconfined process connects with it.
func TestFastOpenWorksUnconfined(t *testing.T) {
	h, err := Open(Options{Mode: Off, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	l, port := serve(t)
	answer(l, "")
	if got := tryAll(t, h, newSpec(t, h), "fastopen "+port)[0]; got != "ok" {
		t.Errorf("fast open: %s", got)
	}
}

// A connection that the process has closed again, or one of this process, is
// not taken for the process's.
func TestGuardRefusesOurselves(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		l, port := serve(t)
		p := start(t, h, newSpec(t, h, "wait"))
		srv := &http.Server{Handler: http.NotFoundHandler()}
		defer srv.Close()
		go srv.Serve(p.Guard(l))
		if resp, err := http.Get("http://127.0.0.1:" + port); err == nil {
			resp.Body.Close()
			t.Errorf("the guard let us in: %s", resp.Status)
		}
	})
}

// Sockets without a name in the file system belong to whoever knows the name;
// they must not be a way out.
func TestAbstractSockets(t *testing.T) {
	eachLevel(t, func(t *testing.T, h *Host) {
		name := "nube-test-" + filepath.Base(h.opts.Dir) + strconv.Itoa(os.Getpid())
		l, err := net.Listen("unix", "@"+name)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		wantRefused(t, h, newSpec(t, h), "abstract "+name)
	})
}

// In a network of its own a process reaches the platform's ports, and there is
// nothing else; every port is free.
func TestOwnNetwork(t *testing.T) {
	for _, l := range levels() {
		if !strings.HasPrefix(l.name, "namespaces") {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			l.can.landlock = 3 // so that nothing else could do it
			h := openLevel(t, l, Options{})
			if r := h.Report(); !r.PlatformOnly || !slices.Contains(r.Namespaces, "net") {
				t.Errorf("report: %+v", r)
			}
			platform, platformPort := serve(t)
			answer(platform, "platform")
			stranger, strangePort := serve(t)
			answer(stranger, "stranger")
			for range 3 { // the networks are used again
				mine, port := serve(t)
				s := newSpec(t, h, "connect 127.0.0.1:"+port, "connect 127.0.0.1:"+platformPort, "connect 127.0.0.1:"+strangePort,
					"fastopen "+strangePort, "listen 127.0.0.1:"+strangePort, "listen [::1]:8080", "udp", "connect 127.0.0.1:"+platformPort)
				s.Network, s.RuntimeAPI, s.Ports = NetworkPlatformOnly, num(port), []int{num(platformPort)}
				p := start(t, h, s)
				answer(p.Guard(mine), "mine")
				var got []string
				for range s.Argv[1:] {
					got = append(got, p.line())
				}
				want := []string{"ok mine", "ok platform", "ECONNREFUSED", "ENOTSUP", "ok", "ok", "ok", "ok platform"}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				p.Exit()
			}
		})
	}
}

// A process has no rights of root's, and no files but its own.
func TestNothingIsInherited(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(secret, unix.O_RDONLY, 0) // not close-on-exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	const high = 200
	if err := unix.Dup2(fd, high); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(high)
	eachLevel(t, func(t *testing.T, h *Host) {
		got := tryAll(t, h, newSpec(t, h), "status CapPrm", "status CapEff", "status NoNewPrivs", "status Seccomp",
			"read /proc/self/fd/"+strconv.Itoa(high))
		want := []string{"0000000000000000", "0000000000000000", "1", "2", "ENOENT"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
