// Package inject makes a cloud go wrong on purpose, so that an application can
// be tested for it: slow and failing calls, throttling, lost connections, killed
// functions, effects that come twice or out of order, a disk that is full.
//
// A [Set] holds [Rule]s, which people add and remove while the cloud runs. What
// they do is real: a lost answer was really committed, a killed function is a
// dead process, an effect that comes twice was handed over twice. Each time is
// recorded in the span of what it befell.
//
// It decides nothing about what then happens: retries, dead letters and time-outs
// are those of the services. What can be disturbed declares how it asks
// ([awsapi.Disturber], [delivery.Disturber], runner's and sources' likewise); a
// Set implements it.
//
// It is not package fault, which is errors in AWS's terms.
//
// Invariants: a set without rules disturbs nothing and costs a load and a
// comparison; the decisions of one rule, in their order, depend on its seed and
// on nothing else; rules are in memory only, so that a new start is a cure for
// all of them.
package inject
