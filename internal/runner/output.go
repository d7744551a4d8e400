package runner

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync"
	"syscall"

	"github.com/nube-run/nube/internal/clock"
)

// Logs is where functions' output goes.
type Logs interface {
	// Append adds events to a stream. It must not block: it is called between
	// an instance's invocations. The slice is only valid during the call.
	Append(s LogStream, events []LogEvent)
}

// LogStream names the log of one instance.
type LogStream struct {
	Account, Region string // of the function
	Group           string // "/aws/lambda/" and the function's name unless configured
	Name            string // "2026/11/21/[$LATEST]" and 32 hexadecimal digits
}

// LogEvent is one line, or one message of several lines that a runtime wrote
// as one.
type LogEvent struct {
	At        clock.Instant
	Message   string // with its final newline
	RequestID string // the invocation that was running; empty outside of one
}

const (
	// frameMagic begins a message that our bootstraps write as one event
	// though it has several lines; its length in four bytes and the message
	// follow. It cannot begin a line of text: 0xa5 is no first byte in UTF-8.
	// Lambda's own runtimes mark messages in the same way, on a descriptor of
	// their own; sharing one pipe keeps them in order with plain output.
	frameMagic  = "\xa5\x5a\x00\x01"
	frameHeader = len(frameMagic) + 4

	// maxEvent is where a line without end is cut, which is CloudWatch Logs'
	// limit on an event
	// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html).
	maxEvent = 256 << 10

	tailSize = 4 << 10 // of the log that LogType Tail returns
)

// output collects what an instance prints and what the platform says about it,
// in order, and hands it to Logs.
//
// Standard output and standard error are one pipe, so that their order is
// kept. A goroutine waits until the pipe is readable, but whoever holds mu may
// read: at the end of an invocation the platform empties the pipe itself, so
// that END and REPORT stand behind everything that the function printed,
// without waiting for another goroutine to be scheduled.
type output struct {
	sink   Logs
	stream LogStream
	model  *clock.Model
	pipe   *os.File
	raw    syscall.RawConn
	eof    chan struct{} // closed when every writer is gone

	mu      sync.Mutex
	chunk   []byte // what is read into
	partial []byte // an unfinished line or frame
	batch   []LogEvent
	request string // to whom the lines belong
	tail    *[]byte
}

// openOutput returns an output and the descriptor for the process to write to,
// which the caller closes when the process has it.
func openOutput(sink Logs, stream LogStream, model *clock.Model) (*output, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	return &output{
		sink: sink, stream: stream, model: model, pipe: r, raw: raw,
		eof: make(chan struct{}), chunk: make([]byte, 8<<10),
	}, w, nil
}

// run reads until every writer is gone.
func (o *output) run() {
	defer close(o.eof)
	o.readAll()
	o.mu.Lock()
	o.endLineLocked()
	o.flushLocked()
	o.mu.Unlock()
}

// begin opens an invocation's part of the log.
func (o *output) begin(id, line string, tail *[]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drainLocked() // what was printed between invocations is not this one's
	o.endLineLocked()
	o.request, o.tail = id, tail
	o.addLocked(line)
}

// end empties the pipe, closes an invocation's part with the platform's lines
// and hands everything over.
func (o *output) end(lines ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drainLocked()
	o.endLineLocked()
	for _, l := range lines {
		if l != "" {
			o.addLocked(l)
		}
	}
	o.flushLocked()
	o.request, o.tail = "", nil
}

// say adds lines of the platform that belong to no invocation.
func (o *output) say(lines ...string) { o.end(lines...) }

// feedLocked cuts what was read into events.
func (o *output) feedLocked(b []byte) {
	if len(o.partial) > 0 {
		o.partial = append(o.partial, b...)
		b = o.partial
	}
	for len(b) > 0 {
		n := 0
		if b[0] == frameMagic[0] {
			n = frameLen(b)
		} else if i := bytes.IndexByte(b, '\n'); i >= 0 {
			n = i + 1
		} else if len(b) >= maxEvent {
			n = maxEvent
		}
		if n == 0 || n > len(b) {
			break
		}
		if isFrame(b[:n]) {
			o.addLocked(string(b[frameHeader:n]))
		} else {
			o.addLocked(string(b[:n]))
		}
		b = b[n:]
	}
	o.partial = append(o.partial[:0], b...)
}

func isFrame(b []byte) bool {
	return len(b) >= frameHeader && string(b[:len(frameMagic)]) == frameMagic
}

// frameLen returns how many bytes the frame at the start of b has, or of the
// line there when it only looks like a frame; 0 when that cannot be said yet.
func frameLen(b []byte) int {
	switch {
	case isFrame(b):
		if n := binary.BigEndian.Uint32(b[len(frameMagic):]); n <= maxEvent {
			return frameHeader + int(n)
		}
		return len(frameMagic) // nonsense: shown as it is
	case len(b) < frameHeader && bytes.HasPrefix([]byte(frameMagic), b[:min(len(b), len(frameMagic))]):
		return 0
	}
	return bytes.IndexByte(b, '\n') + 1
}

// endLineLocked makes an event of an unfinished line: an invocation ends, or
// the process has.
func (o *output) endLineLocked() {
	if len(o.partial) > 0 {
		o.addLocked(string(o.partial) + "\n")
		o.partial = o.partial[:0]
	}
}

func (o *output) addLocked(message string) {
	o.batch = append(o.batch, LogEvent{At: o.model.Now(), Message: message, RequestID: o.request})
	if o.tail != nil {
		t := append(*o.tail, message...)
		if over := len(t) - tailSize; over > 0 {
			t = append(t[:0], t[over:]...)
		}
		*o.tail = t
	}
}

func (o *output) flushLocked() {
	if len(o.batch) == 0 {
		return
	}
	o.sink.Append(o.stream, o.batch)
	clear(o.batch)
	o.batch = o.batch[:0]
}
