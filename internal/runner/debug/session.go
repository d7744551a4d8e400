package debug

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// Holder stops and continues time.
type Holder interface {
	Take()
	Release()
}

// Target is a debugger that listens for one instance.
type Target struct {
	Port int // of loopback
	PID  int // of the process that was started: the function, or its debugger
	// Gone is closed when the instance has ended.
	Gone <-chan struct{}
}

// Session is a function under a debugger.
type Session struct {
	Kind Kind
	// Hold is taken while the function is stopped.
	Hold Holder
	// Want makes sure that an instance is started when nobody has invoked the
	// function yet. It must not block.
	Want func()

	machine clock.Machine
	ln      net.Listener
	ended   chan struct{}
	wg      sync.WaitGroup

	mu     sync.Mutex
	target *Target
	came   chan struct{}        // closed when there is a target
	conns  map[net.Conn]*Target // and the instance that each is attached to, if it is
	over   bool
}

// Listen opens a Session's port: the one given, or, with 0, its debugger's usual
// one, or, if that is taken, another.
func (s *Session) Listen(port int) error {
	var config net.ListenConfig
	listen := func(port int) (net.Listener, error) {
		return config.Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	}
	usual := port
	if port == 0 {
		usual = s.Kind.Port()
	}
	ln, err := listen(usual)
	if err != nil && port == 0 {
		ln, err = listen(0)
	}
	if err != nil {
		return fmt.Errorf("debug: %w", err)
	}
	s.ln, s.ended, s.came, s.conns = ln, make(chan struct{}), make(chan struct{}), map[net.Conn]*Target{}
	s.wg.Add(1)
	go s.accept()
	return nil
}

// Addr is where editors attach.
func (s *Session) Addr() string { return s.ln.Addr().String() }

// Started tells of an instance. The newest is what editors reach.
func (s *Session) Started(t Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.target = &t
	select {
	case <-s.came:
	default:
		close(s.came)
	}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		select {
		case <-t.Gone:
		case <-s.ended:
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.target == &t && !s.over {
			s.target, s.came = nil, make(chan struct{})
		}
	}()
}

// Detach sends away who is attached to an instance that has ended.
func (s *Session) Detach(t Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, to := range s.conns {
		if to != nil && to.PID == t.PID {
			c.Close()
		}
	}
}

// Close ends the Session and all connections.
func (s *Session) Close() error {
	s.mu.Lock()
	s.over = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	close(s.ended)
	err := s.ln.Close()
	s.wg.Wait()
	return err
}

func (s *Session) accept() {
	defer s.wg.Done()
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return
		}
		if !s.keep(c, nil) {
			c.Close()
			return
		}
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			defer s.drop(c)
			s.serve(c)
		}()
	}
}

func (s *Session) keep(c net.Conn, t *Target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.conns[c] = t
	return true
}

func (s *Session) drop(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serve connects an editor with the debugger of the instance that runs.
func (s *Session) serve(client net.Conn) {
	t := s.running()
	if t == nil {
		return
	}
	server, err := s.dial(t)
	if err != nil || !s.keep(server, t) || !s.keep(client, t) {
		return
	}
	defer s.drop(server)
	stops := &stops{hold: s.Hold}
	defer stops.end()
	done := make(chan struct{})
	defer close(done)
	if s.Kind == Delve {
		s.wg.Add(1)
		go func() { defer s.wg.Done(); s.watch(t.PID, stops, done) }()
	}
	go func() {
		_, _ = io.Copy(server, client) // the other direction says how it ended
		half(server)
	}()
	_, _ = io.Copy(client, io.TeeReader(server, s.listener(stops)))
}

// half tells the other side that there is no more to read.
func half(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
}

// running waits until there is an instance; nil when the Session ends.
func (s *Session) running() *Target {
	for asked := false; ; {
		s.mu.Lock()
		t, came := s.target, s.came
		s.mu.Unlock()
		if t != nil {
			return t
		}
		if !asked {
			asked = true
			s.Want()
		}
		select {
		case <-came:
		case <-s.ended:
			return nil
		}
	}
}

// dial waits until the debugger listens, which takes it a moment.
func (s *Session) dial(t *Target) (net.Conn, error) {
	const pause, patience = 20 * time.Millisecond, 30 * time.Second
	ctx, cancel := s.machine.WithTimeout(context.Background(), patience)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", t.Port))
		if err == nil {
			return c, nil
		}
		select {
		case <-t.Gone:
			return nil, errors.New("the instance has ended")
		case <-s.ended:
			return nil, errors.New("the session has ended")
		default:
		}
		if s.machine.Wait(ctx, pause) != nil {
			return nil, err
		}
	}
}

// stops holds time while one connection's function is stopped.
type stops struct {
	hold Holder

	mu      sync.Mutex
	stopped bool
	over    bool
}

func (s *stops) set(stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.stopped == stopped {
		return
	}
	s.stopped = stopped
	if stopped {
		s.hold.Take()
	} else {
		s.hold.Release()
	}
}

func (s *stops) end() {
	s.set(false)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}
