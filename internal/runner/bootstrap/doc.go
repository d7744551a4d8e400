// Package bootstrap knows how to start a function of each runtime: which
// program runs it, with which arguments and environment.
//
// Functions of provided.* and go1.x are programs themselves. Node.js and
// Python functions are run by small runtimes of ours, which are embedded here
// and written to disk once, with the interpreter that is installed on the
// machine. Other runtimes are refused, with the list of those that run.
//
// It starts nothing but interpreters that are asked for their version, and it
// knows nothing of instances.
//
// Invariants: an interpreter is looked for once; what is found is the real
// program, never a version manager's shim, which would cost 20–40 ms at each
// start. The version that runs is always named, and when it is not the one
// that the function asks for, so is that.
package bootstrap
