//go:build amd64 || arm64

package sandbox

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// onThread runs f on an operating system thread that ends with f, so that
// whatever f does to its thread (namespaces, Landlock, seccomp, control
// groups) can neither be undone nor reach another goroutine. What f starts
// inherits it: this is how a child is confined without a helper program.
//
// The thread is never the process's main one. Go parks that one for ever
// instead of ending it, and a signal for a parent's death would count from it.
// A goroutine that finds itself there holds the thread until another one has
// begun elsewhere.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			f() // returning locked ends the thread
			return
		}
		begun := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(begun)
			f()
		}()
		<-begun
		runtime.UnlockOSThread()
	}()
}
