//go:build amd64 || arm64

package sandbox

import (
	"os"
	"slices"
	"sort"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter closes what Landlock, users and namespaces leave open; it is not
// a list of what a program may do. Everything is allowed except: ways round
// Landlock's TCP rules (MPTCP, SCTP and SMC sockets, see
// https://github.com/landlock-lsm/linux/issues/54, and TCP fast open, see
// https://github.com/landlock-lsm/linux/issues/41), io_uring (whose operations
// no filter sees), families of sockets that reach the hypervisor or the
// hardware, new namespaces, the keyring that the process inherited, and the
// machine's own settings. Mounting and entering namespaces need no rule: they
// take rights that no process has.
//
// ptrace stays allowed, so that debuggers work inside: Landlock and the
// process's own user keep it inside.

// rule is what the filter does with one system call. Its body is entered with
// nothing loaded and returns on every path.
type rule struct {
	nr   uintptr
	body []unix.SockFilter
}

// Offsets in struct seccomp_data; arguments are 64 bits, of which the low word
// matters to every rule here. All supported machines are little-endian.
const (
	dataNr   = 0
	dataArch = 4
	dataArgs = 16
)

const ioprioWhoUser = 3 // IOPRIO_WHO_USER, which x/sys lacks

const namespaceFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// filterRules lists the rules for every process. clone3 hides its flags from
// the filter, so it is refused as on a kernel without it (libraries then use
// clone), unless the Host itself needs it to start a child in its control
// group.
func filterRules(clone3 bool) []rule {
	rules := []rule{
		{unix.SYS_SOCKET, socketBody()},
		{unix.SYS_SENDTO, refuseBits(3, unix.MSG_FASTOPEN, unix.EOPNOTSUPP)},
		{unix.SYS_SENDMSG, refuseBits(2, unix.MSG_FASTOPEN, unix.EOPNOTSUPP)},
		{unix.SYS_SENDMMSG, refuseBits(3, unix.MSG_FASTOPEN, unix.EOPNOTSUPP)},
		{unix.SYS_CLONE, refuseBits(0, namespaceFlags, unix.EPERM)},
		{unix.SYS_UNSHARE, refuseBits(0, namespaceFlags, unix.EPERM)},
		// Limits of other processes of the same user, nube among them.
		{unix.SYS_PRLIMIT64, refuseBits(0, all, unix.EPERM)},
		{unix.SYS_SETPRIORITY, refuseValues(0, unix.EPERM, unix.PRIO_USER)},
		{unix.SYS_IOPRIO_SET, refuseValues(0, unix.EPERM, ioprioWhoUser)},
		{unix.SYS_IOCTL, refuseValues(1, unix.EPERM, unix.TIOCSTI, unix.TIOCLINUX)},
	}
	if !clone3 {
		rules = append(rules, rule{unix.SYS_CLONE3, refuse(unix.ENOSYS)})
	}
	for _, nr := range []uintptr{unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER} {
		rules = append(rules, rule{nr, refuse(unix.ENOSYS)})
	}
	for _, nr := range append(archRefused(),
		unix.SYS_ACCT, unix.SYS_ADD_KEY, unix.SYS_BPF, unix.SYS_CLOCK_SETTIME, unix.SYS_DELETE_MODULE,
		unix.SYS_FANOTIFY_INIT, unix.SYS_FINIT_MODULE,
		unix.SYS_INIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEYCTL,
		unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_PERF_EVENT_OPEN, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_REBOOT,
		unix.SYS_REQUEST_KEY, unix.SYS_SETDOMAINNAME, unix.SYS_SETHOSTNAME, unix.SYS_SETTIMEOFDAY,
		unix.SYS_SWAPOFF, unix.SYS_SWAPON, unix.SYS_SYSLOG, unix.SYS_USERFAULTFD, unix.SYS_VHANGUP,
	) {
		rules = append(rules, rule{nr, refuse(unix.EPERM)})
	}
	return rules
}

// platformRules are what NetworkPlatformOnly adds: Landlock knows no UDP.
func platformRules() []rule {
	return []rule{{unix.SYS_SOCKET, slices.Concat(
		unless(0, allow(), unix.AF_INET, unix.AF_INET6),
		when(1, socketKind, unix.SOCK_STREAM, allow()),
		refuse(unix.EACCES))}}
}

// socketKind is the mask of a socket's type without its flags.
const socketKind = 0xf

// socketBody allows unix sockets, TCP, UDP and the kernel's routing
// information.
func socketBody() []unix.SockFilter {
	return slices.Concat(
		when(0, all, unix.AF_UNIX, allow()),
		when(0, all, unix.AF_NETLINK, slices.Concat(
			when(2, all, unix.NETLINK_ROUTE, allow()),
			refuse(unix.EPROTONOSUPPORT))),
		unless(0, refuse(unix.EAFNOSUPPORT), unix.AF_INET, unix.AF_INET6),
		when(1, socketKind, unix.SOCK_DGRAM, allow()),
		when(1, socketKind, unix.SOCK_RAW, allow()), // takes rights that no process has
		when(1, socketKind, unix.SOCK_STREAM, slices.Concat(
			when(2, all, 0, allow()),
			when(2, all, unix.IPPROTO_TCP, allow()))),
		refuse(unix.EPROTONOSUPPORT))
}

// refuseBits refuses a call whose argument has a bit of mask.
func refuseBits(arg int, mask uint32, errno unix.Errno) []unix.SockFilter {
	return slices.Concat(when(arg, mask, 0, allow()), refuse(errno))
}

// refuseValues refuses a call whose argument is one of vs.
func refuseValues(arg int, errno unix.Errno, vs ...uint32) []unix.SockFilter {
	var body []unix.SockFilter
	for _, v := range vs {
		body = append(body, when(arg, all, v, refuse(errno))...)
	}
	return append(body, allow()...)
}

// all is the mask that leaves an argument as it is.
const all = ^uint32(0)

// when runs then if an argument under a mask is v.
func when(arg int, mask, v uint32, then []unix.SockFilter) []unix.SockFilter {
	body := []unix.SockFilter{load(dataArgs + 8*uint32(arg))}
	if mask != all {
		body = append(body, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask})
	}
	return append(append(body, jumpEq(v, 0, uint8(len(then)))), then...)
}

// unless runs then, which must return, if an argument is none of vs.
func unless(arg int, then []unix.SockFilter, vs ...uint32) []unix.SockFilter {
	body := []unix.SockFilter{load(dataArgs + 8*uint32(arg))}
	for i, v := range vs {
		body = append(body, jumpEq(v, uint8(len(vs)-1-i+len(then)), 0))
	}
	return append(body, then...)
}

func allow() []unix.SockFilter { return []unix.SockFilter{ret(unix.SECCOMP_RET_ALLOW)} }
func refuse(errno unix.Errno) []unix.SockFilter {
	return []unix.SockFilter{ret(unix.SECCOMP_RET_ERRNO | uint32(errno))}
}

// assemble makes the program: a binary search over the numbers of system
// calls. A list of comparisons would be shorter, but the kernel runs the
// program once for every number when a thread enters it, to learn which are
// always allowed, so its paths are paid at every start. A list took three times
// as long.
func assemble(rules []rule) []unix.SockFilter {
	prog := []unix.SockFilter{
		load(dataArch),
		jumpEq(auditArch, 1, 0),
		ret(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)), // another machine's calls, such as 32-bit ones
		load(dataNr),
	}
	segments := divide(rules)
	if foreignCalls != 0 {
		segments = append(segments, segment{foreignCalls, refuse(unix.ENOSYS)})
	}
	return append(prog, search(segments)...)
}

// segment is a run of numbers, from one on until the next segment, that are
// treated alike.
type segment struct {
	from uint32
	body []unix.SockFilter
}

// divide orders rules into segments without gaps.
func divide(rules []rule) []segment {
	rules = slices.Clone(rules)
	sort.Slice(rules, func(i, j int) bool { return rules[i].nr < rules[j].nr })
	out := []segment{{0, allow()}}
	add := func(from uintptr, body []unix.SockFilter) {
		last := &out[len(out)-1]
		switch {
		case last.from == uint32(from):
			last.body = body
		case !slices.Equal(last.body, body):
			out = append(out, segment{uint32(from), body})
		}
	}
	for _, r := range rules {
		add(r.nr, r.body)
		add(r.nr+1, allow())
	}
	return out
}

func search(segments []segment) []unix.SockFilter {
	if len(segments) == 1 {
		return segments[0].body
	}
	mid := len(segments) / 2
	left, right := search(segments[:mid]), search(segments[mid:])
	k := segments[mid].from
	if len(left) < 256 { // as far as a conditional jump reaches
		return slices.Concat([]unix.SockFilter{jumpGe(k, uint8(len(left)), 0)}, left, right)
	}
	return slices.Concat([]unix.SockFilter{
		jumpGe(k, 0, 1),
		{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(len(left))},
	}, left, right)
}

func load(off uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
}
func ret(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
func jumpEq(k uint32, jt, jf uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: jt, Jf: jf}
}
func jumpGe(k uint32, jt, jf uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: k, Jt: jt, Jf: jf}
}

// installFilter confines the calling thread, for ever. The thread must have
// no_new_privs. The flag keeps kernels before 5.16 from slowing every confined
// program down with a mitigation that is meant for programs which run code of
// several owners in one address space.
func installFilter(prog []unix.SockFilter) error {
	fprog := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}
