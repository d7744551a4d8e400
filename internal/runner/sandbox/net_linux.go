//go:build amd64 || arm64

package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// network is a network namespace with nothing but a loopback interface.
// Making one takes milliseconds, and using one leaves nothing behind, so that
// it serves one process after another.
type network struct{ ns *os.File }

// networks is the pool. It grows to as many as are in use at once.
type networks struct {
	mu   sync.Mutex
	free []*network
}

func (p *networks) take() (*network, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		out := p.free[n-1]
		p.free = p.free[:n-1]
		return out, nil
	}
	return newNetwork()
}

// put gives a network back, once nothing in it is open any more.
func (p *networks) put(n *network) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, n)
}

func (p *networks) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.free {
		n.ns.Close()
	}
	p.free = nil
}

func newNetwork() (*network, error) {
	n := &network{}
	done := make(chan error)
	onThread(func() {
		done <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return os.NewSyscallError("unshare", err)
			}
			if n.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
				return err
			}
			return raiseLoopback()
		}()
	})
	if err := <-done; err != nil {
		if n.ns != nil {
			n.ns.Close()
		}
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return n, nil
}

// raiseLoopback switches the loopback interface of the thread's network on,
// with the addresses that it then gets by itself.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("raise loopback", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr))
}

// listen opens a listener that belongs to the network, on a loopback port.
func (n *network) listen(port int) (l net.Listener, err error) {
	done := make(chan struct{})
	onThread(func() {
		defer close(done)
		if err = unix.Setns(int(n.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			err = fmt.Errorf("setns net: %w", err)
			return
		}
		var c net.ListenConfig
		c.SetMultipathTCP(false)
		l, err = c.Listen(context.Background(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	})
	<-done
	return l, err
}

// relay carries the platform's ports into a network: a process that connects
// to one of them there is connected to the same port here.
type relay struct {
	listeners []net.Listener
	running   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	ours   map[netip.AddrPort]bool // this side's addresses, by which Guard knows them
	conns  map[net.Conn]bool
}

func newRelay(n *network, ports []int) (*relay, error) {
	r := &relay{ours: map[netip.AddrPort]bool{}, conns: map[net.Conn]bool{}}
	for _, port := range ports {
		l, err := n.listen(port)
		if err != nil {
			r.close()
			return nil, err
		}
		r.listeners = append(r.listeners, l)
		r.running.Go(func() { r.serve(l, port) })
	}
	return r, nil
}

func (r *relay) serve(l net.Listener, port int) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.carry(c, port) })
	}
}

// carry connects c to a port of this side until both directions have ended.
func (r *relay) carry(c net.Conn, port int) {
	var own netip.AddrPort
	d := net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
		var err error
		ctl := rc.Control(func(fd uintptr) { own, err = r.claim(int(fd)) })
		return errors.Join(ctl, err)
	}}
	d.SetMultipathTCP(false)
	to, err := d.Dial("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	defer r.release(own)
	if err != nil || !r.keep(c, to) {
		c.Close()
		if to != nil {
			to.Close()
		}
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{c, to}, {to, c}} {
		both.Go(func() {
			_, err := io.Copy(way[0], way[1])
			if t, ok := way[0].(*net.TCPConn); ok && err == nil {
				t.CloseWrite() // the other direction may go on
				return
			}
			c.Close()
			to.Close()
		})
	}
	both.Wait()
	r.drop(c, to)
}

// claim gives a socket its address before it connects, so that whoever accepts
// the connection can know it.
func (r *relay) claim(fd int) (netip.AddrPort, error) {
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	in4, ok := sa.(*unix.SockaddrInet4)
	if !ok {
		return netip.AddrPort{}, errors.New("relay: not an IPv4 socket")
	}
	own := netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
	r.mu.Lock()
	r.ours[own] = true
	r.mu.Unlock()
	return own, nil
}

func (r *relay) release(own netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ours, own)
}

// carries reports whether an address is this side's of a connection that the
// process has opened.
func (r *relay) carries(a netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ours[a]
}

// keep notes connections for close, unless that has happened.
func (r *relay) keep(cs ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		r.conns[c] = true
	}
	return !r.closed
}

func (r *relay) drop(cs ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		c.Close()
		delete(r.conns, c)
	}
}

// close ends everything and returns when nothing runs any more.
func (r *relay) close() {
	for _, l := range r.listeners {
		l.Close()
	}
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.running.Wait()
}
