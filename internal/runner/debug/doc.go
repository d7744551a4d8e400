// Package debug puts functions under a debugger: Delve for Go programs, the
// inspector of Node.js, debugpy for Python.
//
// A [Session] belongs to one function and has one port, which stays the same
// while instances come and go: who attaches reaches the instance that runs now,
// also after a rebuild. It passes on what debugger and editor say, and knows
// when the function is stopped: then it holds the machine's time for everybody
// who waits for the function, and the model's.
//
// It does not run functions (package runner does) and is no debugger. What it
// needs of debuggers that are not installed it gets, once, with the language's
// own tools ([Tools]).
//
// Invariants: a Session that ends, or whose last client leaves, holds nothing;
// a function under a debugger is the same program with the same environment,
// built without optimisation.
package debug
