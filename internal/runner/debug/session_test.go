package debug

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// held counts what is held, and tells of each change.
type held struct {
	mu      sync.Mutex
	n       int
	changes chan int
}

func (h *held) Take()    { h.add(1) }
func (h *held) Release() { h.add(-1) }

func (h *held) add(n int) {
	h.mu.Lock()
	h.n += n
	n = h.n
	h.mu.Unlock()
	h.changes <- n
}

// debugger is a server that says what the test says, for one connection.
type debugger struct {
	ln   net.Listener
	conn net.Conn
	got  *bufio.Reader
}

func listen(t *testing.T) (*debugger, int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return &debugger{ln: ln}, ln.Addr().(*net.TCPAddr).Port
}

func (d *debugger) accept(t *testing.T) {
	c, err := d.ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d.conn, d.got = c, bufio.NewReader(c)
}

func (d *debugger) say(text string) { fmt.Fprint(d.conn, text) }

func session(t *testing.T, kind Kind) (*Session, *held) {
	h := &held{changes: make(chan int, 100)}
	s := &Session{Kind: kind, Hold: h, Want: func() {}}
	if err := s.Listen(0); err != nil {
		t.Fatal(err)
	}
	return s, h
}

func attach(t *testing.T, s *Session) (net.Conn, *bufio.Reader) {
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

// What is said passes in both directions, time is held while the function is
// stopped and no longer than the editor stays, and the next editor reaches the
// next instance.
//
// Mutations that it finds: a word in two pieces that is not heard, a word that is
// heard twice, an editor that leaves and holds on.
func TestSession(t *testing.T) {
	for kind, words := range map[Kind][2]string{
		Inspector: {`{"method":"Debugger.paused","params":{}}`, `{"method":"Debugger.resumed"}`},
		Debugpy:   {`{"type": "event", "event": "stopped"}`, `{"command": "continue", "success": true}`},
	} {
		t.Run(kind.String(), func(t *testing.T) {
			s, h := session(t, kind)
			d, port := listen(t)
			gone := make(chan struct{})
			client, in := attach(t, s) // before there is an instance
			s.Started(Target{Port: port, Gone: gone})
			d.accept(t)
			fmt.Fprintln(client, "hello")
			if line, err := d.got.ReadString('\n'); err != nil || line != "hello\n" {
				t.Fatalf("%q %v", line, err)
			}
			d.say("hi\n")
			if line, err := in.ReadString('\n'); err != nil || line != "hi\n" {
				t.Fatalf("%q %v", line, err)
			}
			half := len(words[0]) / 2
			d.say(words[0][:half])
			d.say(words[0][half:])
			if n := <-h.changes; n != 1 {
				t.Errorf("stopped: %d held", n)
			}
			d.say(words[0] + strings.Repeat(" ", 200)) // again, which changes nothing
			d.say(words[1])
			if n := <-h.changes; n != 0 {
				t.Errorf("going on: %d held", n)
			}
			d.say(words[1] + words[0])
			if n := <-h.changes; n != 1 {
				t.Errorf("stopped again: %d held", n)
			}
			client.Close()
			d.conn.Close()
			if n := <-h.changes; n != 0 {
				t.Errorf("the editor has left: %d held", n)
			}

			close(gone)
			next, port := listen(t)
			s.Started(Target{Port: port, Gone: make(chan struct{})})
			attach(t, s)
			next.accept(t)
			next.say(words[0])
			if n := <-h.changes; n != 1 {
				t.Errorf("in the next instance: %d held", n)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if n := <-h.changes; n != 0 {
				t.Errorf("the session has ended: %d held", n)
			}
		})
	}
}
