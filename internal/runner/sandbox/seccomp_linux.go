//go:build amd64 || arm64

package sandbox

import (
	"cmp"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter closes what Landlock, users and namespaces leave open; it is not
// a list of what a program may do. Everything is allowed except: ways round
// Landlock's TCP rules (MPTCP, SCTP and SMC sockets, see
// https://github.com/landlock-lsm/linux/issues/54, and TCP fast open, see
// https://github.com/landlock-lsm/linux/issues/41), io_uring (whose operations
// no filter sees), families of sockets that reach the hypervisor or the
// hardware, new namespaces and mounts, the keyring that the process inherited,
// and the machine's own settings.
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

// filterRules lists the rules for a network. clone3 hides its flags from the
// filter, so it is refused as on a kernel without it (libraries then use
// clone), unless the Host itself needs it to start a child in its control
// group.
func filterRules(network Network, clone3 bool) []rule {
	rules := []rule{
		{unix.SYS_SOCKET, socketBody(network)},
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
		unix.SYS_FANOTIFY_INIT, unix.SYS_FINIT_MODULE, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSOPEN,
		unix.SYS_FSPICK, unix.SYS_INIT_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_KEYCTL, unix.SYS_MOUNT,
		unix.SYS_MOUNT_SETATTR, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_OPEN_TREE,
		unix.SYS_PERF_EVENT_OPEN, unix.SYS_PIVOT_ROOT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_REBOOT,
		unix.SYS_REQUEST_KEY, unix.SYS_SETDOMAINNAME, unix.SYS_SETHOSTNAME, unix.SYS_SETNS, unix.SYS_SETTIMEOFDAY,
		unix.SYS_SWAPOFF, unix.SYS_SWAPON, unix.SYS_SYSLOG, unix.SYS_UMOUNT2, unix.SYS_USERFAULTFD, unix.SYS_VHANGUP,
	) {
		rules = append(rules, rule{nr, refuse(unix.EPERM)})
	}
	return rules
}

// socketBody allows unix sockets, TCP, the kernel's routing information, and
// UDP unless the network is the platform's alone.
func socketBody(network Network) []unix.SockFilter {
	const kind = 0xf // of the type: the other bits are SOCK_CLOEXEC and SOCK_NONBLOCK
	datagram := allow()
	if network == NetworkPlatformOnly {
		datagram = refuse(unix.EACCES)
	}
	ip := slices.Concat(
		when(1, kind, unix.SOCK_STREAM, slices.Concat(
			when(2, all, 0, allow()),
			when(2, all, unix.IPPROTO_TCP, allow()),
			refuse(unix.EPROTONOSUPPORT))),
		when(1, kind, unix.SOCK_DGRAM, datagram),
		when(1, kind, unix.SOCK_RAW, datagram),
		refuse(unix.EPROTONOSUPPORT))
	return slices.Concat(
		when(0, all, unix.AF_UNIX, allow()),
		when(0, all, unix.AF_INET, ip),
		when(0, all, unix.AF_INET6, ip),
		when(0, all, unix.AF_NETLINK, slices.Concat(
			when(2, all, unix.NETLINK_ROUTE, allow()),
			refuse(unix.EPROTONOSUPPORT))),
		refuse(unix.EAFNOSUPPORT))
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

// when runs then, which must return, if an argument under a mask is v.
func when(arg int, mask, v uint32, then []unix.SockFilter) []unix.SockFilter {
	return append([]unix.SockFilter{
		load(dataArgs + 8*uint32(arg)),
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask},
		jumpEq(v, 0, uint8(len(then))),
	}, then...)
}

func allow() []unix.SockFilter { return []unix.SockFilter{ret(unix.SECCOMP_RET_ALLOW)} }
func refuse(errno unix.Errno) []unix.SockFilter {
	return []unix.SockFilter{ret(unix.SECCOMP_RET_ERRNO | uint32(errno))}
}

// assemble makes the program: a binary search over the numbers of the calls
// that have a rule. A list would be shorter, but the kernel runs the program
// once for every system call number when a thread enters it, to learn which
// are always allowed, so its length is paid at every start.
func assemble(rules []rule) []unix.SockFilter {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b rule) int { return cmp.Compare(a.nr, b.nr) })
	prog := []unix.SockFilter{
		load(dataArch),
		jumpEq(auditArch, 1, 0),
		ret(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)), // another machine's calls, such as 32-bit ones
		load(dataNr),
	}
	if foreignCalls != 0 {
		prog = append(prog, jumpGe(foreignCalls, 0, 1), ret(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))
	}
	return append(prog, search(rules)...)
}

func search(rules []rule) []unix.SockFilter {
	if len(rules) == 1 {
		r := rules[0]
		out := append([]unix.SockFilter{jumpEq(uint32(r.nr), 0, uint8(len(r.body)))}, r.body...)
		return append(out, ret(unix.SECCOMP_RET_ALLOW))
	}
	mid := len(rules) / 2
	left, right := search(rules[:mid]), search(rules[mid:])
	out := []unix.SockFilter{
		jumpGe(uint32(rules[mid].nr), 0, 1),
		{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(len(left))}, // conditional jumps reach only 255
	}
	return append(append(out, left...), right...)
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
