package sandbox

import (
	"net"
)

// Guard returns a listener that accepts only this process's connections and
// closes all others at once. The port of an instance's Runtime API is its
// identity; without a guard every process on the machine could speak for it.
//
// Connections of a process that is faster than Start's return wait in the
// listener's queue, so that it may be opened before and guarded after.
func (p *Process) Guard(l net.Listener) net.Listener {
	if o, ok := p.child.(owner); ok {
		return &guard{l, o}
	}
	return l
}

// owner is a child that knows its connections.
type owner interface {
	owns(net.Conn) (bool, error)
}

type guard struct {
	net.Listener
	owner owner
}

// Accept waits for the next connection of the process. When the kernel does
// not answer whose a connection is, it is refused.
func (g *guard) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if ok, err := g.owner.owns(c); ok && err == nil {
			return c, nil
		}
		c.Close()
	}
}
