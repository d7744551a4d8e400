//go:build unix

package runner

import (
	"errors"
	"syscall"
)

// readAll reads whenever there is something to read, until every writer is
// gone. Reading happens under mu; waiting does not.
func (o *output) readAll() {
	err := o.raw.Read(func(fd uintptr) (done bool) {
		o.mu.Lock()
		defer o.mu.Unlock()
		more := o.readLocked(int(fd))
		o.flushLocked()
		return !more
	})
	_ = err // only that the pipe was closed under us, which ends it as well
}

// drainLocked reads what is in the pipe now.
func (o *output) drainLocked() {
	_ = o.raw.Control(func(fd uintptr) { o.readLocked(int(fd)) })
}

// readLocked reads until the pipe is empty, and reports whether more can come.
func (o *output) readLocked(fd int) (more bool) {
	for {
		n, err := syscall.Read(fd, o.chunk)
		switch {
		case n > 0:
			o.feedLocked(o.chunk[:n])
		case errors.Is(err, syscall.EINTR):
		default:
			return errors.Is(err, syscall.EAGAIN)
		}
	}
}
