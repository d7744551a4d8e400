package runner

// readAll reads until every writer is gone.
func (o *output) readAll() {
	chunk := make([]byte, len(o.chunk))
	for {
		n, err := o.pipe.Read(chunk)
		o.mu.Lock()
		o.feedLocked(chunk[:n])
		o.flushLocked()
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// drainLocked cannot look into a pipe on Windows without waiting; what was
// printed last may stand behind REPORT there.
func (o *output) drainLocked() {}
