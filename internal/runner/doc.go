// Package runner runs functions: it serves the Lambda Runtime API to warm
// local processes and keeps as many of them as the traffic asks for.
//
// A [Spec] is everything that makes one execution environment what it is: the
// code's directory, the runtime, the environment, the limits. It never
// changes; changed code or configuration is another Spec. Each Spec has a pool
// of instances, and an instance is one process with a Runtime API of its own
// on a loopback port, bound before the process is spawned, so that the port is
// the instance's identity.
//
// Traffic takes free places, not instances: a place is one request for the
// next invocation that an instance has open. Most runtimes open one; those
// that honour AWS_LAMBDA_MAX_CONCURRENCY open as many as it says. The place
// freed last is taken first. When none is free an invocation waits in line,
// and the pool asks for another instance; whichever place becomes free first,
// of an old instance or a new one, takes the head of the line.
//
// It is not the Lambda service: functions' names, versions, aliases, policies
// and asynchronous queues belong to internal/service/lambda, which turns them
// into Specs. It does not build code (package build) and it does not confine
// processes (package sandbox).
//
// Invariants:
//
//   - An invocation is answered exactly once: by the function, or with one of
//     Lambda's own errors when it ran out of time, crashed or answered too much.
//   - The caller is answered first; the log is drained and END and REPORT are
//     written after, unless the caller asked for the log's tail.
//   - A function that is slow, or whose start is slow, never holds up another:
//     there is no shared pool of workers, and what functions share, the budget
//     of simultaneous starts, is dealt in turn and given back when a start
//     begins to wait for something other than the processor.
//   - No process, listener, pipe or goroutine of an instance outlives
//     [Runner.Close].
//
// Lock order: Runner.mu, budget.mu, pool.mu, instance.mu, output.mu.
//
// The Runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package runner
