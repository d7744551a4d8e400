// Package archtest holds every package of the module to the layout and the
// rules that the project has given itself: who may import whom (lattice.txt),
// which third parties the module depends on (docs/dependencies.md), and what no
// source file may contain.
//
// It has no code of its own, only tests. They read the source as text, for
// every operating system at once, and name file and line of what breaks a rule.
// A rule that stands in the way is changed here, in a commit that says why;
// there is no other way around it.
package archtest
