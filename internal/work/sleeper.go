package work

import (
	"context"
	"sync"
)

// Sleeper is the token of a goroutine that lives long, works when it is woken
// and sleeps in between: a dispatcher, an actor, a poller. While it sleeps its
// token is parked.
//
// It closes a gap that a watch and a token by themselves leave: a waker that
// comes while the goroutine is still at work cannot unpark it, and if the
// goroutine then parked before it looked at its wake-up, the cloud would seem
// settled for a moment with a wake-up outstanding. A Sleeper that was woken
// while it worked does not park.
type Sleeper struct {
	token Token
	c     chan struct{} // holds one wake-up

	mu    sync.Mutex // a wake-up, or a parking, is one step
	woken bool       // since it last fell asleep
}

// Sleeper begins a token for a goroutine that is, to begin with, at work.
func (l *Ledger) Sleeper(c Class, what string) *Sleeper {
	return &Sleeper{token: l.Begin(c, what), c: make(chan struct{}, 1)}
}

// Wake makes the sleeper active, at once, and its goroutine look again. Wakers
// call it before their own token ends; it is quick, touches no store and fits
// kv's WatchFunc.
func (s *Sleeper) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.woken {
		return
	}
	s.woken = true
	s.token.Unpark()
	s.c <- struct{}{} // has room: woken was false
}

// Sleep blocks until Wake is called, or has been since the last Sleep returned
// for it, or until also fires, such as an alarm; nil never does. It returns
// ctx's error when ctx ends first. Why is shown to people.
func (s *Sleeper) Sleep(ctx context.Context, why string, also <-chan struct{}) error {
	s.mu.Lock()
	if !s.woken {
		s.token.Park(why)
	}
	s.mu.Unlock()

	var err error
	select {
	case <-s.c:
		s.mu.Lock()
		s.woken = false
		s.mu.Unlock()
		return nil
	case <-also:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.token.Unpark()
	return err
}

// End ends the token. The goroutine calls it when it returns.
func (s *Sleeper) End() { s.token.End() }
