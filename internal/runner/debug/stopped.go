package debug

import (
	"bytes"
	"io"
	"time"
)

// How each debugger says that the function is stopped, and that it goes on.
//
// https://chromedevtools.github.io/devtools-protocol/v8/Debugger/
// https://microsoft.github.io/debug-adapter-protocol/specification
func (k Kind) words() (stopped, goesOn [][]byte) {
	switch k {
	case Inspector:
		return [][]byte{[]byte(`"method":"Debugger.paused"`)}, [][]byte{[]byte(`"method":"Debugger.resumed"`)}
	case Debugpy:
		// Going on is told by an event, or only by the answer to the request.
		return [][]byte{[]byte(`"event": "stopped"`), []byte(`"event":"stopped"`)}, [][]byte{
			[]byte(`"event": "continued"`), []byte(`"event":"continued"`),
			[]byte(`"command": "continue"`), []byte(`"command":"continue"`), []byte(`"command": "next"`), []byte(`"command":"next"`),
			[]byte(`"command": "stepIn"`), []byte(`"command":"stepIn"`), []byte(`"command": "stepOut"`), []byte(`"command":"stepOut"`),
		}
	}
	return nil, nil
}

// listener returns a writer that hears what a debugger says. A word may come in
// two pieces, so the end of what was heard is kept.
func (s *Session) listener(st *stops) io.Writer {
	stopped, goesOn := s.Kind.words()
	longest := 0
	for _, w := range append(stopped, goesOn...) {
		longest = max(longest, len(w))
	}
	if longest == 0 {
		return io.Discard
	}
	return &listener{stops: st, stopped: stopped, goesOn: goesOn, keep: longest - 1}
}

type listener struct {
	stops           *stops
	stopped, goesOn [][]byte
	keep            int
	heard           []byte
}

// Write implements [io.Writer].
func (l *listener) Write(p []byte) (int, error) {
	old := len(l.heard)
	l.heard = append(l.heard, p...)
	stop, on := last(l.heard, l.stopped, old), last(l.heard, l.goesOn, old)
	switch {
	case stop > on:
		l.stops.set(true)
	case on > stop:
		l.stops.set(false)
	}
	if over := len(l.heard) - l.keep; over > 0 {
		l.heard = append(l.heard[:0], l.heard[over:]...)
	}
	return len(p), nil
}

// last is where the last of words stands that ends behind the first old bytes;
// -1 when there is none.
func last(text []byte, words [][]byte, old int) int {
	at := -1
	for _, w := range words {
		if i := bytes.LastIndex(text, w); i >= 0 && i+len(w) > old {
			at = max(at, i)
		}
	}
	return at
}

// watch looks whether Delve has stopped the function, for as long as an editor
// is connected: every protocol that Delve speaks says it in another way, and the
// kernel says it in one.
func (s *Session) watch(pid int, st *stops, done <-chan struct{}) {
	const every = 25 * time.Millisecond
	t := s.machine.NewTicker(every)
	defer t.Stop()
	for {
		stopped, known := traced(pid)
		// Where it cannot be known, attached counts as stopped.
		st.set(stopped || !known)
		select {
		case <-done:
			return
		case <-t.C:
		}
	}
}
