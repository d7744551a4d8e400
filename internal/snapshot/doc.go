// Package snapshot is the file format of a cloud's snapshots: one state of the
// store, of the records and, in a file that is to travel, of functions' code.
//
// A snapshot is a tar archive, so that it can be looked into:
//
//	snapshot.json     the [Header]
//	store/00000001    pairs of the store in order: key and value, each behind its length in base 128; some 4 MB a file
//	records/…         segments of logs, traces and metrics
//	code/…            artifacts of functions
//	end.json          counts, and the SHA-256 of everything before it but tar's own bytes
//
// It does not know how a state is taken or put back; the composition root does.
//
// Invariants: a file without its end, or with another content than its end says,
// is not read to the end without an error; what a reader hands out before it has
// come there must not be put into use.
//
// History: format 1, this one.
package snapshot
