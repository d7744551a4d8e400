//go:build !linux

package debug

// traced reports that it cannot be told here whether a process is stopped.
func traced(int) (stopped, known bool) { return false, false }

// Descendants are the processes below one, where that can be told.
func Descendants(int) []int { return nil }
