package pebblekv

import (
	"fmt"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/nube-run/nube/internal/disk"
)

// Options configure an engine. The zero value is ready for use.
type Options struct {
	FS       disk.FS      // nil is the operating system's
	Log      *slog.Logger // told of errors in the background; nil is nobody
	MemTable int          // bytes of recent writes in memory; 0 is 4 MB
	Cache    int          // bytes of blocks in memory; 0 is 8 MB
	// After is a version that all commits are to be above: for data that carries
	// stamps of another engine.
	After uint64
}

// options returns Pebble's options, and a function that releases what they
// hold once Pebble has its own reference.
func (e *Engine) options(o Options) (*pebble.Options, func()) {
	memTable, size := o.MemTable, o.Cache
	if memTable == 0 {
		memTable = 4 << 20
	}
	if size == 0 {
		size = 8 << 20
	}
	cache := pebble.NewCache(int64(size))
	po := &pebble.Options{
		FS:           disk.FailStop(o.FS, func(err error) { e.fail("disk", err) }),
		Cache:        cache,
		MemTableSize: uint64(memTable),
		Logger:       logger{e},
		// The newest format whose features we use: checked log chunks, which
		// tell a torn tail from a damaged log, and columnar blocks.
		FormatMajorVersion: pebble.FormatTableFormatV6,
		// Constant, because the scheduler below looks at it only when a
		// compaction begins or ends.
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 1 },
		EventListener: &pebble.EventListener{
			BackgroundError: e.backgroundError,
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				e.fail("read "+i.Path, i.Details)
			},
		},
	}
	// Pebble's default scheduler is this one with a ticker of 100 ms that
	// notices changes of the concurrency, of which there are none here.
	po.Experimental.CompactionScheduler = pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return po, cache.Unref
}

// backgroundError hears of flushes and compactions that failed, which over a
// fail-stop disk means that they could not read. Pebble would try again, at once
// and for ever: we stop instead, and end the goroutine that would try. It holds
// Pebble's lock, which ending it releases, and counts as busy from now on, so
// that no other takes its place.
func (e *Engine) backgroundError(err error) {
	e.fail("background", err)
	runtime.Goexit()
}

// logger receives Pebble's messages. What it calls fatal breaks the engine, not
// the process: whoever opened the engine decides.
type logger struct{ e *Engine }

func (l logger) Infof(string, ...any) {}

func (l logger) Errorf(format string, args ...any) {
	l.e.log.Warn("pebble: " + fmt.Sprintf(format, args...))
}

func (l logger) Fatalf(format string, args ...any) {
	l.e.fail("pebble", fmt.Errorf(format, args...))
}
