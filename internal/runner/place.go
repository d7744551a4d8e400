package runner

import (
	"sync/atomic"
	"time"
)

// A place is one open request for the next invocation: room for one invocation
// in an instance.
type place struct {
	inst  *instance
	state atomic.Int32 // one of the constants below
	since time.Time    // when it became free; guarded by pool.mu
	// send gives the invocation to whoever asked. It is called at most once,
	// by whoever took the place.
	send func(*invocation) error
}

const (
	placeFree  = iota
	placeTaken // an invocation goes there
	placeGone  // the connection that asked has ended
)

// take makes the place the caller's. It fails when the place is taken or gone.
func (p *place) take() bool { return p.state.CompareAndSwap(placeFree, placeTaken) }

// drop withdraws the place. It fails when an invocation has been given to it.
func (p *place) drop() bool { return p.state.CompareAndSwap(placeFree, placeGone) }
