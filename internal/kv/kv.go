// Package kv is the ordered transactional store that every service is a layer
// of keys over.
//
// [DB.Update] runs a body on a consistent state and commits what it wrote, all
// or nothing, as if all updates had run one after another in the order of their
// stamps. It is optimistic: a body whose reads were overtaken by another commit
// runs again, and Update is the only place that retries. After five conflicts
// the body runs under the commit lock, so every update ends.
//
// Bodies must be pure: they may run several times, and only the last run
// counts. No clock, no randomness, no I/O, no variable of the outside changed
// except by plain assignment of results; times and ids come in by closure.
// What must happen once, after the commit, goes into [Tx.After].
//
// [DB.View] reads the newest state that is on disk. What a View shows can be
// told to the world: no crash undoes it. An Update reads the newest state that
// is committed, a few hundred microseconds ahead of the disk; therefore it
// returns only when what it wrote, or what it read if it wrote nothing or
// failed, is durable.
//
// Keys and values are immutable once they have passed into or out of a
// transaction, so nothing is copied to be safe: never write into a slice after
// handing it over, or into one received; both may be kept for as long as you
// like.
//
// It is not a place for large bodies (package blob), nor for telemetry (package
// record), and not a database: no types, no indexes, no queries. Keys are made
// by package keyspace. Engines stand behind package driver: memkv in memory,
// pebblekv on disk.
package kv

import (
	"bytes"
	"time"

	"github.com/nube-run/nube/internal/kv/driver"
)

// Limits of one transaction.
const (
	MaxKey   = 16 << 10        // bytes of a key
	MaxValue = 2 << 20         // bytes of a value; larger ones belong in package blob
	MaxTx    = 16 << 20        // bytes of all keys and values written
	MaxBody  = 5 * time.Second // a body that takes longer fails with ErrTooSlow
)

// Vocabulary shared with the engines.
type (
	// Key is an ordered key, compared byte by byte. It is not empty and does
	// not begin with 0xff.
	Key = driver.Key
	// Range is the keys k with Start <= k < End.
	Range = driver.Range
	// Pair is a key and its value.
	Pair = driver.Pair
	// Stamp is a place in the commit order: eight bytes of commit version and
	// two bytes of operation number, big endian.
	Stamp = driver.Stamp
	// ScanOptions say how a range is read.
	ScanOptions = driver.ScanOptions
)

// Next returns the least key that is greater than k.
func Next(k Key) Key {
	n := make(Key, len(k)+1)
	copy(n, k)
	return n
}

// Point returns the range that holds k alone.
func Point(k Key) Range { return Range{Start: k, End: Next(k)} }

// Prefix returns the range of all keys that begin with p.
func Prefix(p Key) Range {
	end := bytes.Clone(p)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] != 0xff {
			end[i]++
			return Range{Start: p, End: end[:i+1]}
		}
	}
	return Range{Start: p, End: Key{0xff}}
}

// Int64 returns the number that the counter v holds, see [Tx.Add]. No value
// (nil) is zero.
func Int64(v []byte) (int64, error) { return driver.DecodeCounter(v) }

// Counter returns the value of a counter that stands at n, as [Tx.Add] keeps
// it.
func Counter(n int64) []byte { return driver.EncodeCounter(n) }
