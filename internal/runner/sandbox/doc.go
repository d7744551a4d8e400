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
//     programs and libraries.
package sandbox
