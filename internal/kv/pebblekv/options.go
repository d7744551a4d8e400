package pebblekv

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/nube-run/nube/internal/disk"
)

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

// removeUnfinished removes what a crash has left of the very first opening.
// Pebble marks a store with its format version when it is complete, and refuses
// one without the mark; nothing can have been committed to it.
func removeUnfinished(fs disk.FS, dir string) error {
	names, err := fs.List(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return errors.New(err.Error())
	}
	mark := func(n string) bool { return strings.HasPrefix(n, "marker.format-version.") }
	if slices.ContainsFunc(names, mark) {
		return nil
	}
	var ours []string
	for _, n := range names {
		switch {
		case n == "LOCK":
		case strings.HasPrefix(n, "marker."), strings.HasPrefix(n, "MANIFEST-"),
			strings.HasPrefix(n, "OPTIONS-"), strings.HasSuffix(n, ".log"), strings.HasSuffix(n, ".dbtmp"):
			ours = append(ours, n)
		default:
			return fmt.Errorf("not a store: it contains %s", n)
		}
	}
	for _, n := range ours {
		if err := fs.Remove(fs.PathJoin(dir, n)); err != nil {
			return errors.New(err.Error())
		}
	}
	return nil
}
