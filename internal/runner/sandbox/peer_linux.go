//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// peerSocket is what the kernel knows about the other end of a connection on
// this machine.
type peerSocket struct{ uid, inode uint32 }

// lookupPeer asks the kernel for the socket whose own address is remote and
// whose peer is local: the other end of our connection. It uses sock_diag(7)
// for exactly one socket, so its cost does not grow with their number.
func lookupPeer(local, remote netip.AddrPort) (peerSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return peerSocket{}, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, diagRequest(local, remote), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return peerSocket{}, os.NewSyscallError("sendto", err)
	}
	var buf [512]byte
	n, _, err := unix.Recvfrom(fd, buf[:], 0)
	if err != nil {
		return peerSocket{}, os.NewSyscallError("recvfrom", err)
	}
	return parseDiag(buf[:n])
}

// diagRequest is a netlink message with struct inet_diag_req_v2.
func diagRequest(local, remote netip.AddrPort) []byte {
	const size = unix.SizeofNlMsghdr + 56
	b := make([]byte, 0, size)
	b = binary.NativeEndian.AppendUint32(b, size)
	b = binary.NativeEndian.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST)
	b = append(b, make([]byte, 8)...) // sequence and port: one question, one answer
	family := byte(unix.AF_INET)
	if remote.Addr().Is6() {
		family = unix.AF_INET6
	}
	b = append(b, family, unix.IPPROTO_TCP, 0, 0)
	b = binary.NativeEndian.AppendUint32(b, 1<<1) // TCP_ESTABLISHED; ignored for one socket
	b = binary.BigEndian.AppendUint16(b, remote.Port())
	b = binary.BigEndian.AppendUint16(b, local.Port())
	for _, a := range []netip.Addr{remote.Addr(), local.Addr()} {
		b = append(b, a.AsSlice()...)
		b = append(b, make([]byte, 16-a.BitLen()/8)...)
	}
	b = binary.NativeEndian.AppendUint32(b, 0)             // any interface
	return binary.NativeEndian.AppendUint64(b, ^uint64(0)) // INET_DIAG_NOCOOKIE, twice
}

// parseDiag reads the answer: struct inet_diag_msg, or an error.
func parseDiag(b []byte) (peerSocket, error) {
	const uidAt, inodeAt = unix.SizeofNlMsghdr + 64, unix.SizeofNlMsghdr + 68
	if len(b) < unix.SizeofNlMsghdr+4 {
		return peerSocket{}, errors.New("sock_diag: short answer")
	}
	switch typ := binary.NativeEndian.Uint16(b[4:]); {
	case typ == unix.NLMSG_ERROR:
		return peerSocket{}, os.NewSyscallError("sock_diag", unix.Errno(-int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:]))))
	case typ != unix.SOCK_DIAG_BY_FAMILY || len(b) < inodeAt+4:
		return peerSocket{}, fmt.Errorf("sock_diag: unexpected answer of type %d", typ)
	}
	return peerSocket{binary.NativeEndian.Uint32(b[uidAt:]), binary.NativeEndian.Uint32(b[inodeAt:])}, nil
}

// owns reports whether the other end of a connection belongs to this tree: by
// its user where the tree has one of its own, otherwise by the socket's number
// among the files that the tree's processes have open.
func (t *tree) owns(c net.Conn) (bool, error) {
	local, err1 := netip.ParseAddrPort(c.LocalAddr().String())
	remote, err2 := netip.ParseAddrPort(c.RemoteAddr().String())
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	if r := t.cell.relay; r != nil {
		return r.carries(unmap(remote)), nil
	}
	p, err := lookupPeer(unmap(local), unmap(remote))
	if errors.Is(err, unix.ENOENT) {
		return false, nil // it has closed the connection already
	}
	if err != nil {
		return false, err
	}
	owned := false
	err = t.alive(func() error { // afterwards the user may be another's
		switch {
		case t.cell.uid != 0:
			owned = int(p.uid) == t.cell.uid
		case int(p.uid) == os.Geteuid():
			name := "socket:[" + strconv.FormatUint(uint64(p.inode), 10) + "]"
			// Nearly always the first process: then the others need not be found.
			owned = holds(t.id, name) || slices.ContainsFunc(t.members(), func(pid int) bool { return holds(pid, name) })
		}
		return nil
	})
	return owned, err
}

// holds reports whether a process has a file open, named as in /proc/<pid>/fd.
func holds(pid int, name string) bool {
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return false
	}
	defer dir.Close()
	fds, _ := dir.Readdirnames(-1) // what can be listed
	var buf [64]byte
	for _, fd := range fds {
		n, err := unix.Readlinkat(int(dir.Fd()), fd, buf[:])
		if err == nil && string(buf[:n]) == name {
			return true
		}
	}
	return false
}

// unmap writes an IPv4 address as such on a socket for both families.
func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// canLookupPeers tries the kernel's answer for a connection that does not
// exist: it must be that, and not that the question is not understood.
func canLookupPeers() bool {
	a := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1)
	_, err := lookupPeer(a, a)
	return err == nil || errors.Is(err, unix.ENOENT)
}
