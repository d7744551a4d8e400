package debug

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// traced reports whether all threads of a child of pid are stopped by its
// debugger, and whether that can be told.
func traced(pid int) (stopped, known bool) {
	below := children(pid)
	if len(below) == 0 {
		return false, true // it has not begun, or has ended
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", below[0])) // a good pattern
	stopped = len(tasks) > 0
	for _, t := range tasks {
		if state, ok := field(t, 0); ok && state != "t" {
			stopped = false
		}
	}
	return stopped, true
}

// Descendants are the processes below pid, the deepest first.
func Descendants(pid int) (out []int) {
	for _, c := range children(pid) {
		out = append(append(out, Descendants(c)...), c)
	}
	return out
}

// children are the processes that pid has started.
func children(pid int) (out []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // a good pattern
	for _, s := range stats {
		if parent, ok := field(s, 1); ok && parent == strconv.Itoa(pid) {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(s))); err == nil {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// field is one of the fields behind the name in a stat file: 0 is the state, 1
// the parent. proc_pid_stat(5)
func field(path string, n int) (string, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if n >= len(fields) {
		return "", false
	}
	return string(fields[n]), true
}
