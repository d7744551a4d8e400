package pebblekv

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/kv/recent"
)

// Open opens the store in a directory, which is made if need be. Only one
// engine can have it open.
func Open(dir string, o Options) (*Engine, error) {
	e := &Engine{log: o.Log, broken: make(chan struct{}), closed: make(chan struct{})}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = disk.OS()
	}
	if err := e.open(dir, o); err != nil {
		return nil, fmt.Errorf("pebblekv: open %s: %w", dir, err)
	}
	return e, nil
}

func (e *Engine) open(dir string, o Options) (err error) {
	if e.lock, err = prepare(o.FS, dir); err != nil {
		return err
	}
	if e.db, err = e.openPebble(dir, o); err != nil {
		return err
	}
	if e.version, err = readReserved(e.db); err != nil {
		return errors.Join(err, closeAll(e.db, e.lock))
	}
	e.reserved = e.version
	e.version = max(e.version, o.After)
	e.recent, e.hot = recent.New(e.version), newHot()
	s := e.newState(e.version, 2)
	e.applied.Store(s)
	e.durable.Store(s)
	return nil
}

// prepare locks a directory and removes what a crash has left of making a store
// in it. If there is no directory it does nothing: Pebble makes and locks it,
// and syncs its parents.
func prepare(fsys disk.FS, dir string) (*pebble.Lock, error) {
	if _, err := fsys.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	lock, err := pebble.LockDirectory(dir, fsys)
	if err != nil {
		return nil, fmt.Errorf("another process has it open, or it cannot be locked: %s", err)
	}
	if err := removeUnfinished(fsys, dir); err != nil {
		return nil, errors.Join(errors.New(err.Error()), lock.Close())
	}
	return lock, nil
}

// openPebble opens Pebble, or returns the first failure on the way: Pebble waits
// for a flush to succeed, and on a dying disk none may.
func (e *Engine) openPebble(dir string, o Options) (*pebble.DB, error) {
	type opened struct {
		db  *pebble.DB
		err error
	}
	c := make(chan opened, 1)
	go func() {
		po, release := e.options(o)
		defer release()
		po.Lock = e.lock
		db, err := pebble.Open(dir, po)
		c <- opened{db, err}
	}()
	select {
	case <-e.broken:
		return nil, e.check()
	case o := <-c:
		if err := e.check(); err != nil {
			return nil, err // what came of it is not to be believed
		}
		if o.err != nil {
			return nil, errors.Join(errors.New(o.err.Error()), closeAll(nil, e.lock))
		}
		return o.db, nil
	}
}

// closeAll closes a Pebble and the lock on its directory, either of which may
// be nil.
func closeAll(db *pebble.DB, lock *pebble.Lock) (err error) {
	if db != nil {
		err = db.Close()
	}
	if lock != nil {
		err = errors.Join(err, lock.Close())
	}
	if err != nil {
		return errors.New(err.Error())
	}
	return nil
}

// removeUnfinished removes what a crash has left of the very first opening.
// Pebble marks a store with its format version when it is complete, and refuses
// one without the mark; nothing can have been committed to it. The directory is
// locked: what is here is not being made at this moment.
func removeUnfinished(fs disk.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil {
		return err
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
			return err
		}
	}
	return nil
}
