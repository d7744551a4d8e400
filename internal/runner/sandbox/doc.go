// Package sandbox starts, confines, limits, freezes and kills one child
// process: an instance of a function.
//
// It knows processes, not functions: the Runtime API, pools, builds and logs
// belong to package runner above it. It does not restart what dies, and it
// does not decide when to kill.
//
// A [Host] finds out once, when it is opened, what this machine and this
// user's rights allow, and says so in its [Report]. Every process that it
// starts is then confined in the same way.
//
// # Invariants
//
//   - A process that Start returned is either running or its Done channel is
//     closed; after Done nothing of its tree runs any more.
//   - Confinement is in force before the first instruction of the program.
//   - What the Report names is in force for every process: a start that cannot
//     confine fails, it never falls back to less.
//   - Nothing that a Spec does not name can be read, except the system's
//     programs and libraries, and nothing but Tmp can be written.
//
// # How
//
// On Linux a child is started from an operating system thread that has been
// confined before and ends afterwards. So there is no helper program between,
// and the parent stays free. There are two levels.
//
// With root's rights, "namespaces": each process runs as a user of its own in
// its own mount and IPC namespaces, on a small tree in which its code is at
// /var/task, its layers at /opt and its directory at /tmp, and in a PID
// namespace that all of a Host's processes share, whose end they do not
// survive. Landlock and a seccomp filter stand on top of it.
//
// Without, "landlock": Landlock and the filter do it alone, and paths are the
// host's.
//
// On both, control groups of version 1 and 2 limit, freeze and kill where they
// are to be had. Where the kernel does not limit memory it is looked at every
// 20 ms. What limits the network by TCP port is Landlock, or a network
// namespace. A Runtime API's connections are recognised when they are
// accepted, see [Process.Guard], because an open network cannot exclude ports.
//
// A process may listen on any port while its network is open, as on Lambda,
// where web adapters and extensions do.
//
// # Cost
//
// Relative to a plain start of a trivial program, to its end, on a machine with
// two cores that did other things too: 1.3 to 1.4 times with Landlock and
// control groups, 1.4 to 1.6 with namespaces, also with a network of its own;
// 1.6 to 1.9 when six start at once (BenchmarkStart). Without control groups
// and without an own user the end takes a look at every process on the
// machine, a millisecond or two. Thawing takes 10 µs by control group
// (BenchmarkThaw), recognising a connection 5 µs by user and 50 µs without
// (BenchmarkGuard).
package sandbox
