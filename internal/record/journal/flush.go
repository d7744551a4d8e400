package journal

// Flush writes what is in memory into the files. It is not made durable: that
// takes a Close.
func (j *Journal) Flush() error { return j.write() }
