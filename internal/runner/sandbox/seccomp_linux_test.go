//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// run interprets a program as the kernel does and returns its verdict.
func run(t *testing.T, prog []unix.SockFilter, arch, nr uint32, args ...uint64) uint32 {
	t.Helper()
	data := make([]byte, dataArgs+6*8)
	binary.LittleEndian.PutUint32(data[dataNr:], nr)
	binary.LittleEndian.PutUint32(data[dataArch:], arch)
	for i, a := range args {
		binary.LittleEndian.PutUint64(data[dataArgs+8*i:], a)
	}
	var acc uint32
	for pc := 0; pc < len(prog); pc++ {
		in := prog[pc]
		jump := func(yes bool) {
			if yes {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		}
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			acc = binary.LittleEndian.Uint32(data[in.K:])
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			acc &= in.K
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(in.K)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			jump(acc == in.K)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			jump(acc >= in.K)
		case unix.BPF_RET | unix.BPF_K:
			return in.K
		default:
			t.Fatalf("unknown instruction %#x", in.Code)
		}
	}
	t.Fatal("the program runs off its end")
	return 0
}

func TestFilter(t *testing.T) {
	refused := func(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }
	const ok = uint32(unix.SECCOMP_RET_ALLOW)
	tests := []struct {
		name string
		nr   uintptr
		args []uint64
		want uint32 // for every process
		only uint32 // for NetworkPlatformOnly, if other than want
	}{
		{"read", unix.SYS_READ, nil, ok, 0},
		{"execve", unix.SYS_EXECVE, nil, ok, 0},
		{"ptrace", unix.SYS_PTRACE, nil, ok, 0},
		{"unix", unix.SYS_SOCKET, []uint64{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, 0}, ok, 0},
		{"unix dgram", unix.SYS_SOCKET, []uint64{unix.AF_UNIX, unix.SOCK_DGRAM, 0}, ok, 0},
		{"tcp", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_NONBLOCK, 0}, ok, 0},
		{"tcp6", unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_STREAM, unix.IPPROTO_TCP}, ok, 0},
		{"udp", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC, unix.IPPROTO_UDP}, ok, refused(unix.EACCES)},
		{"raw", unix.SYS_SOCKET, []uint64{unix.AF_INET6, unix.SOCK_RAW, 1}, ok, refused(unix.EACCES)},
		{"mptcp", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, refused(unix.EPROTONOSUPPORT), ok},
		{"sctp", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_SEQPACKET, unix.IPPROTO_SCTP}, refused(unix.EPROTONOSUPPORT), refused(unix.EACCES)},
		{"dccp", unix.SYS_SOCKET, []uint64{unix.AF_INET, unix.SOCK_DCCP, 0}, refused(unix.EPROTONOSUPPORT), refused(unix.EACCES)},
		{"route", unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, ok, 0},
		{"netfilter", unix.SYS_SOCKET, []uint64{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER}, refused(unix.EPROTONOSUPPORT), ok},
		{"packet", unix.SYS_SOCKET, []uint64{unix.AF_PACKET, unix.SOCK_RAW, 0}, refused(unix.EAFNOSUPPORT), ok},
		{"smc", unix.SYS_SOCKET, []uint64{unix.AF_SMC, unix.SOCK_STREAM, 0}, refused(unix.EAFNOSUPPORT), ok},
		{"sendto", unix.SYS_SENDTO, []uint64{3, 0, 0, unix.MSG_NOSIGNAL}, ok, 0},
		{"sendto fast open", unix.SYS_SENDTO, []uint64{3, 0, 0, unix.MSG_FASTOPEN | unix.MSG_NOSIGNAL}, refused(unix.EOPNOTSUPP), ok},
		{"sendmsg fast open", unix.SYS_SENDMSG, []uint64{3, 0, unix.MSG_FASTOPEN}, refused(unix.EOPNOTSUPP), ok},
		{"sendmmsg fast open", unix.SYS_SENDMMSG, []uint64{3, 0, 1, unix.MSG_FASTOPEN}, refused(unix.EOPNOTSUPP), ok},
		{"thread", unix.SYS_CLONE, []uint64{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, ok, 0},
		{"fork", unix.SYS_CLONE, []uint64{uint64(unix.SIGCHLD)}, ok, 0},
		{"new user namespace", unix.SYS_CLONE, []uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}, refused(unix.EPERM), ok},
		{"unshare files", unix.SYS_UNSHARE, []uint64{unix.CLONE_FILES}, ok, 0},
		{"unshare net", unix.SYS_UNSHARE, []uint64{unix.CLONE_NEWNET}, refused(unix.EPERM), ok},
		{"clone3", unix.SYS_CLONE3, nil, refused(unix.ENOSYS), ok},
		{"own limits", unix.SYS_PRLIMIT64, []uint64{0, 7}, ok, 0},
		{"other's limits", unix.SYS_PRLIMIT64, []uint64{1234, 7}, refused(unix.EPERM), ok},
		{"own priority", unix.SYS_SETPRIORITY, []uint64{unix.PRIO_PROCESS, 0}, ok, 0},
		{"user's priority", unix.SYS_SETPRIORITY, []uint64{unix.PRIO_USER, 0}, refused(unix.EPERM), ok},
		{"terminal size", unix.SYS_IOCTL, []uint64{1, unix.TIOCGWINSZ}, ok, 0},
		{"terminal input", unix.SYS_IOCTL, []uint64{1, unix.TIOCSTI}, refused(unix.EPERM), ok},
		{"terminal input, high bits", unix.SYS_IOCTL, []uint64{1, unix.TIOCSTI | 1<<40}, refused(unix.EPERM), ok},
		{"io_uring", unix.SYS_IO_URING_SETUP, nil, refused(unix.ENOSYS), ok},
		{"bpf", unix.SYS_BPF, nil, refused(unix.EPERM), ok},
		{"keyctl", unix.SYS_KEYCTL, nil, refused(unix.EPERM), ok},
		{"reboot", unix.SYS_REBOOT, nil, refused(unix.EPERM), ok},
	}
	filter, only := assemble(filterRules(false)), assemble(platformRules())
	for _, tt := range tests {
		if got := run(t, filter, auditArch, uint32(tt.nr), tt.args...); got != tt.want {
			t.Errorf("%s: %#x, want %#x", tt.name, got, tt.want)
		}
		want := tt.only
		if want == 0 {
			want = ok
		}
		if got := run(t, only, auditArch, uint32(tt.nr), tt.args...); got != want {
			t.Errorf("platform-only: %s: %#x, want %#x", tt.name, got, want)
		}
	}
	if got := run(t, assemble(filterRules(true)), auditArch, unix.SYS_CLONE3); got != ok {
		t.Errorf("clone3 for the Host: %#x", got)
	}
	if got := run(t, filter, 0x40000003 /* i386 */, unix.SYS_READ); got != refused(unix.ENOSYS) {
		t.Errorf("another machine's call: %#x", got)
	}
	if foreignCalls != 0 {
		if got := run(t, filter, auditArch, foreignCalls|unix.SYS_READ); got != refused(unix.ENOSYS) {
			t.Errorf("x32 call: %#x", got)
		}
	}
}

// The search must find exactly the rules, in every place.
func TestFilterSearch(t *testing.T) {
	rules := filterRules(false)
	prog := assemble(rules)
	ruled := map[uint32]bool{}
	for _, r := range rules {
		if ruled[uint32(r.nr)] {
			t.Errorf("two rules for system call %d", r.nr)
		}
		ruled[uint32(r.nr)] = true
	}
	for nr := range uint32(1000) {
		// Arguments with every bit set match every rule about flags.
		verdict := run(t, prog, auditArch, nr, ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0))
		if verdict != unix.SECCOMP_RET_ALLOW && !ruled[nr] {
			t.Errorf("system call %d is refused without a rule", nr)
		}
	}
}
