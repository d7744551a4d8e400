// Package driver is what an engine of package kv implements: snapshots of an
// ordered map, and commits that are validated against what they read.
//
// It is not what services use; they use [github.com/nube-run/nube/internal/kv],
// which adds the transaction (read set, own writes, limits, retries) once for
// every engine. An engine knows nothing of bodies, watches or retries.
//
// Invariants that every engine keeps, tested by kvtest:
//
//   - A commit has a version, versions only grow, also over a restart, and the
//     versions are the serial order of the commits.
//   - A commit is applied whole or not at all, also over a crash.
//   - Whoever was told that a commit is durable finds it in the next
//     [Durable] snapshot and after a crash. A Durable snapshot never shows
//     what a crash can still lose.
//   - The outcome of a commit is always known: an engine that loses its
//     connection resolves the commit by [Batch.ID] before it answers. An
//     engine whose disk fails answers [ErrBroken] to this and every later
//     commit, and never acknowledges again.
//   - Keys and values are immutable from the moment they are handed over, in
//     both directions: nobody writes into them again, and they may be kept.
package driver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/nube-run/nube/internal/keyspace"
)

var (
	// ErrConflict is the result of a batch some of whose reads are no longer
	// true. Nothing of it was applied. kv runs the body again.
	ErrConflict = errors.New("kv: conflict")
	// ErrBroken is the result of every commit since the engine's storage
	// failed. It is final for this engine: what was acknowledged is on disk,
	// and only opening it again tells what became of the rest.
	ErrBroken = errors.New("kv: storage failed")
	// ErrClosed is the result of using an engine after Close.
	ErrClosed = errors.New("kv: closed")
	// ErrNotCounter is the result of adding to a value that is not a counter
	// (eight bytes, see [EncodeCounter]).
	ErrNotCounter = errors.New("kv: value is not a counter")
)

// Keys, ranges and stamps are those of package keyspace. Keys are not empty and
// do not begin with 0xff, which engines keep for themselves.
type (
	Key   = keyspace.Key
	Range = keyspace.Range
	Stamp = keyspace.Stamp
)

// Pair is a key and its value.
type Pair struct {
	Key   Key
	Value []byte
}

// Freshness says which state a snapshot shows.
type Freshness uint8

const (
	// Durable is the newest state that no crash can undo.
	Durable Freshness = iota
	// Applied is the newest committed state, whose last commits may still be
	// on their way to the disk.
	Applied
	// Exclusive is Applied, and the commit lock is held until the snapshot is
	// closed: no commit takes place but one with [Batch.Exclusive].
	Exclusive
)

// ScanOptions say how a range is read. The zero value reads all of it, in
// order, with values.
type ScanOptions struct {
	Reverse  bool // from the end of the range to its start
	Limit    int  // at most so many pairs; 0 is all
	KeysOnly bool // pairs come without their values
}

// Snapshot is one state of the map. It is safe for concurrent use until it is
// closed, and holds resources until then.
type Snapshot interface {
	// Version is the version of the newest commit that the snapshot shows.
	Version() uint64
	// Get returns the value of k; nil if there is none. An empty value is
	// empty but not nil.
	Get(ctx context.Context, k Key) ([]byte, error)
	// GetAll sets vs[i] to the value of ks[i].
	GetAll(ctx context.Context, ks []Key, vs [][]byte) error
	// Scan calls yield for the pairs of r until it returns false.
	Scan(ctx context.Context, r Range, o ScanOptions, yield func(Pair) bool) error
	// Close releases the snapshot, and the commit lock of an Exclusive one.
	Close()
}

// OpKind is the kind of an operation.
type OpKind uint8

const (
	OpSet         OpKind = iota // Key = Value
	OpDelete                    // Key has no value
	OpDeleteRange               // no key of [Key, End) has a value
	OpAdd                       // Key, a counter, grows by Delta; none counts as zero
	OpAppend                    // Key + stamp + Suffix = Value; the n-th append of a batch has stamp operation n
)

// Op is one operation of a batch.
type Op struct {
	Kind   OpKind
	Key    Key // of OpAppend: the prefix
	End    Key // of OpDeleteRange
	Suffix Key // of OpAppend
	Value  []byte
	Delta  int64
}

// Batch is what one run of a body read and wants to write.
//
// Its operations are in normal form: first the range deletions, then at most
// one Set, Delete or Add a key, then the appends. An Add's key is in none of
// the deleted ranges.
type Batch struct {
	ID        [16]byte // unique; an engine that loses its connection looks the commit up by it
	Read      uint64   // the version of the snapshot that the body read
	Points    []Key    // keys read; the commit conflicts if one was written after Read
	Ranges    []Range  // ranges read
	Ops       []Op
	Topics    []Key // signalled: told to other processes, see Engine.Follow
	Relaxed   bool  // answer once applied, before it is durable
	Exclusive bool  // the committer holds the Exclusive snapshot that the body read
}

// Result is the outcome of one batch.
type Result struct {
	Version uint64 // of the commit
	Err     error  // nil, ErrConflict, ErrNotCounter, or final: ErrClosed, ErrBroken
}

// Change is a commit of another process.
type Change struct {
	Version uint64
	Topics  []Key
	Lost    bool // changes before this one were missed: every topic may have been signalled
}

// Engine stores one ordered map.
type Engine interface {
	// Snapshot returns a snapshot. If what was read in it has been overtaken so
	// far that it cannot be read any more, its methods return ErrConflict.
	Snapshot(ctx context.Context, f Freshness) (Snapshot, error)

	// Commit commits each batch on its own, in the order given, and returns
	// one result each, once all of them are durable (or applied, if Relaxed).
	// A batch without operations commits nothing: it is answered once its Read
	// version is durable. A commit once begun is finished whatever becomes of
	// ctx.
	Commit(ctx context.Context, bs []*Batch) []Result

	// Follow yields the commits that other processes have made to the same
	// data since version from, once they are durable, and ends with an error:
	// ctx's, ErrClosed or ErrBroken. An engine that shares its data with
	// nobody yields nothing.
	Follow(ctx context.Context, from uint64) iter.Seq2[Change, error]

	// Close makes what was committed durable and releases the engine. It must
	// not be called while snapshots are open or commits under way.
	Close() error
}

// Placer is implemented by engines that spread cells over nodes.
type Placer interface {
	// SnapshotNear is Snapshot, of the cell that hint is a key of.
	SnapshotNear(ctx context.Context, f Freshness, hint Key) (Snapshot, error)
}

// EncodeCounter returns the value of a counter: eight bytes, big endian, two's
// complement.
func EncodeCounter(n int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(n))
}

// DecodeCounter returns the counter that v encodes. No value (nil) is zero.
func DecodeCounter(v []byte) (int64, error) {
	switch {
	case v == nil:
		return 0, nil
	case len(v) != 8:
		return 0, fmt.Errorf("%w: %d bytes", ErrNotCounter, len(v))
	}
	return int64(binary.BigEndian.Uint64(v)), nil
}

// AppendKey returns the key of an append: prefix, stamp, suffix.
func AppendKey(prefix Key, s Stamp, suffix Key) Key {
	k := make(Key, 0, len(prefix)+len(s)+len(suffix))
	k = append(k, prefix...)
	k = append(k, s[:]...)
	return append(k, suffix...)
}
