// Package pebblekv is the engine of package kv that keeps its data on the disk,
// in Pebble, a log-structured merge tree.
//
// Pebble has snapshots and atomic, ordered, group-synced batches, but no
// transactions. This package adds them: commits queue up, one committer at a
// time validates the queue against the recent commits (package recent), merges
// what is valid into one Pebble batch and applies it, and leaves the sync to
// Pebble's log, whose own pipeline shares one fsync between the groups that
// arrive meanwhile. Applying before the sync lets the next transaction build on
// the last one without waiting for the disk; a state is handed to views only
// when its sync has come back.
//
// Every group of commits has one Pebble snapshot. It serves the updates that
// begin while it is the newest, and the views once it is durable.
//
// The disk is trusted until it fails once. After a failed write or sync
// ([disk.FailStop]), or after corruption was seen, the engine acknowledges
// nothing any more and every call answers driver.ErrBroken: what a failed fsync
// left behind cannot be known by trying again. Pebble's errors stay in here;
// what comes out are ours, with Pebble's text.
//
// Invariants: versions are reserved in blocks in the same log as the commits,
// so that a restart continues after every version that could have been seen.
// Lock order: commit lock, then queue; nothing is called with the queue or the
// durable lock held.
package pebblekv

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/recent"
)

const (
	// syncBehind is when relaxed commits are synced, well within the ten
	// milliseconds promised.
	syncBehind = 5 * time.Millisecond
	// anchorFor is how long the anchor pins the versions that it sees.
	anchorFor = time.Second
)

// Engine implements [driver.Engine].
type Engine struct {
	db      *pebble.DB
	lock    *pebble.Lock // on the directory; nil if Pebble took it itself
	log     *slog.Logger
	machine clock.Machine

	applied atomic.Pointer[state] // newest
	durable atomic.Pointer[state] // newest synced
	hot     *hot

	// mu is the commit lock. It guards what follows.
	mu       sync.Mutex
	version  uint64
	reserved uint64 // versions up to here are reserved on disk
	recent   *recent.Set
	counters counters
	holder   *exclusive // the snapshot that holds the lock, if one does

	queue queue

	requests  sync.Pool  // *request
	durableMu sync.Mutex // serialises changes of durable
	behind    delay      // the sync behind relaxed commits
	anchored  anchor

	broken chan struct{} // closed when the disk has failed
	fault  atomic.Pointer[error]
	closed chan struct{}
	once   sync.Once
}

// fail notes that the disk is not to be trusted any more and returns the error
// to answer with.
func (e *Engine) fail(op string, err error) error {
	broken := fmt.Errorf("%w: %s: %s", driver.ErrBroken, op, err)
	if e.fault.CompareAndSwap(nil, &broken) {
		close(e.broken)
		e.log.Error("the store's disk failed; nothing is committed any more", "operation", op, "error", err)
	}
	return *e.fault.Load()
}

// check returns the error that every call answers with, if the engine is broken
// or closed.
func (e *Engine) check() error {
	if err := e.fault.Load(); err != nil {
		return *err
	}
	select {
	case <-e.closed:
		return driver.ErrClosed
	default:
		return nil
	}
}

// Follow implements [driver.Engine]: nobody else writes here.
func (e *Engine) Follow(ctx context.Context, _ uint64) iter.Seq2[driver.Change, error] {
	return func(yield func(driver.Change, error) bool) {
		select {
		case <-ctx.Done():
			yield(driver.Change{}, ctx.Err())
		case <-e.closed:
			yield(driver.Change{}, driver.ErrClosed)
		case <-e.broken:
			yield(driver.Change{}, e.check())
		}
	}
}

// Close implements [driver.Engine]. It returns driver.ErrBroken if the engine
// is; its directory then stays locked until the process ends.
func (e *Engine) Close() error {
	err := driver.ErrClosed
	e.once.Do(func() { err = e.close() })
	return err
}

func (e *Engine) close() error {
	e.behind.stop()
	e.anchored.stop()
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.sync() // relaxed commits
	if err == nil {
		err = e.releaseVersionsLocked()
	}
	close(e.closed)
	if err != nil {
		return err // a broken Pebble may wait for itself; its files go with the process
	}
	e.applied.Load().Close()
	e.durable.Load().Close()
	if err := closeAll(e.db, e.lock); err != nil {
		return fmt.Errorf("pebblekv: close: %w", err)
	}
	return nil
}
