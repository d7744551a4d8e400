// Package disktest is file systems for tests: one in memory that loses what was
// not synced when the power fails, and one whose calls fail on command.
package disktest

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/nube-run/nube/internal/disk"
)

// Mem is a file system in memory that knows what has been synced.
type Mem struct{ fs *vfs.MemFS }

// NewMem returns an empty file system.
func NewMem() *Mem { return &Mem{vfs.NewCrashableMem()} }

// FS returns the file system.
func (m *Mem) FS() disk.FS { return m.fs }

// Crash returns the file system as a power loss at this instant would leave it:
// everything that was synced and, of the rest, each block and each directory
// entry with a probability of survive percent. The original goes on as before,
// and nothing written to it from now on reaches the copy.
func (m *Mem) Crash(rng *rand.Rand, survive int) *Mem {
	return &Mem{m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: survive, RNG: rng})}
}

// Op is a call to a file system.
type Op = errorfs.Op

// ErrInjected is a good error to inject.
var ErrInjected error = errorfs.ErrInjected

// Faulty returns fs with a say for fault in every call: the call is made if it
// returns nil, and fails with its error otherwise.
func Faulty(fs disk.FS, fault func(Op) error) disk.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(fault))
}

// FailWrites returns a fault that, from the n-th call that changes the disk
// (counted from 0), fails every such call, as a disk does that has died; and a
// counter of the calls that it saw.
func FailWrites(n int64) (fault func(Op) error, writes *atomic.Int64) {
	writes = new(atomic.Int64)
	return func(op Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && writes.Add(1) > n {
			return ErrInjected
		}
		return nil
	}, writes
}
