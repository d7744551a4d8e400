package kv

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
)

// conflicts is how often a body is run optimistically before it runs under the
// commit lock.
const conflicts = 5

// DB is an ordered transactional store. Its methods are safe for concurrent
// use.
type DB struct {
	engine  driver.Engine
	machine clock.Machine // for MaxBody only
	watches watches
	origin  [8]byte // first half of batch ids: unique to this DB
	batches atomic.Uint64
	txs     sync.Pool // *txState

	calls  atomic.Int64  // under way, and closedBit
	idle   chan struct{} // told when the last call ends after Close
	broken chan struct{}
	follow context.CancelFunc
	done   sync.WaitGroup // the follower, and relaxed commits on their way to disk
}

// Open returns a store over an engine, which it then owns.
func Open(e driver.Engine) *DB {
	ctx, cancel := context.WithCancel(context.Background())
	db := &DB{engine: e, follow: cancel, broken: make(chan struct{}), idle: make(chan struct{}, 1)}
	rand.Read(db.origin[:]) // never fails: crypto/rand
	db.txs.New = func() any { return new(txState) }
	db.done.Go(func() { db.followEngine(ctx) })
	return db
}

// closedBit is set in DB.calls when the store is closed.
const closedBit = 1 << 62

// enter begins a call, which leave ends.
func (db *DB) enter() error {
	if db.calls.Add(1)&closedBit != 0 {
		db.leave()
		return ErrClosed
	}
	return nil
}

func (db *DB) leave() {
	if db.calls.Add(-1) == closedBit {
		select {
		case db.idle <- struct{}{}:
		default:
		}
	}
}

// Close waits for the views and updates under way, and for relaxed commits to
// become durable, and closes the engine. Calls that begin later return
// ErrClosed. Watches are not signalled any more.
func (db *DB) Close() error {
	switch before := db.calls.Or(closedBit); {
	case before&closedBit != 0:
		return ErrClosed
	case before != 0:
		<-db.idle
	}
	db.follow()
	db.done.Wait()
	return db.engine.Close()
}

// followEngine signals the topics of commits made by other processes.
func (db *DB) followEngine(ctx context.Context) {
	for c, err := range db.engine.Follow(ctx, 0) {
		switch {
		case err != nil:
			if errors.Is(err, ErrBroken) {
				close(db.broken)
			}
			if !errors.Is(err, context.Canceled) {
				db.watches.signalAll() // whoever waits should look, and find the error
			}
			return
		case c.Lost:
			db.watches.signalAll()
		default:
			db.watches.signal(c.Topics)
		}
	}
}

// Broken returns a channel that is closed when the storage has failed. The
// process should end then: nothing is acknowledged any more, and only opening
// the store again tells what the failure has left.
func (db *DB) Broken() <-chan struct{} { return db.broken }

// Option changes one call of Update. The zero value changes nothing.
type Option struct {
	relaxed bool
	hint    Key
}

// Relaxed makes Update return before its commit is on disk, at most ten
// milliseconds ahead of it. A crash may undo the commit, whole, with every later
// one that is not on disk either. It is for leases, cursors and receive counts:
// what costs repeated work when it is lost, and no more. Signals and After
// functions still wait for the disk.
func Relaxed() Option { return Option{relaxed: true} }

// Hint names a key of the cell that the body will touch, so that an engine that
// spreads cells over nodes can begin in the right one. It never changes a
// result.
func Hint(k Key) Option { return Option{hint: k} }

// View runs fn on the newest durable state. It does not conflict with anything
// and is not retried.
func (db *DB) View(ctx context.Context, fn func(*Snap) error) error {
	if err := db.enter(); err != nil {
		return err
	}
	defer db.leave()
	es, err := db.engine.Snapshot(ctx, driver.Durable)
	if err != nil {
		return err
	}
	s := Snap{ctx: ctx, engine: es}
	defer s.close()
	return fn(&s)
}

// Update runs fn on the newest committed state and commits what it wrote, see
// the package's documentation. It returns the stamp of the commit, operation
// zero; if fn wrote nothing, the stamp of the state that it read.
//
// If fn returns an error nothing is committed, and that error is returned once
// what fn read is durable. The transaction must not be used after fn has
// returned, and fn must not call Update: it may hold the commit lock.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error, opts ...Option) (Stamp, error) {
	var opt Option
	for _, o := range opts {
		opt.relaxed = opt.relaxed || o.relaxed
		if o.hint != nil {
			opt.hint = o.hint
		}
	}
	if err := db.enter(); err != nil {
		return Stamp{}, err
	}
	defer db.leave()
	for run := 0; ; run++ {
		f := driver.Applied
		if run >= conflicts {
			f = driver.Exclusive
		}
		stamp, err := db.attempt(ctx, fn, f, opt)
		if errors.Is(err, driver.ErrConflict) && f != driver.Exclusive {
			if err := ctx.Err(); err != nil {
				return Stamp{}, err
			}
			continue
		}
		return stamp, err
	}
}

// attempt runs the body once and commits.
func (db *DB) attempt(ctx context.Context, fn func(*Tx) error, f driver.Freshness, opt Option) (Stamp, error) {
	es, err := db.snapshot(ctx, f, opt.hint)
	if err != nil {
		return Stamp{}, err
	}
	st := db.txs.Get().(*txState)
	st.begin(ctx, es, db.machine)
	tx := &Tx{st}
	defer func() {
		tx.s = nil
		es.Close()
		st.reset()
		db.txs.Put(st)
	}()

	err = fn(tx)
	if first := st.finish(); first != nil {
		err = first // a failed read or an exceeded limit, whatever fn made of it
	}
	b := &st.batch
	b.Read = es.Version()
	b.Relaxed = opt.relaxed
	b.Exclusive = f == driver.Exclusive
	switch {
	case errors.Is(err, driver.ErrConflict):
		return Stamp{}, err
	case err != nil:
		return Stamp{}, db.settle(ctx, b.Read, err)
	}
	if len(b.Ops) > 0 {
		copy(b.ID[:8], db.origin[:])
		binary.BigEndian.PutUint64(b.ID[8:], db.batches.Add(1))
	}
	st.one[0] = b
	res := db.engine.Commit(ctx, st.one[:])[0]
	if res.Err != nil {
		return Stamp{}, res.Err
	}
	stamp := keyspace.NewStamp(res.Version, 0)
	if len(b.Topics) == 0 && len(st.after) == 0 {
		return stamp, nil
	}
	if opt.relaxed {
		db.announceLater(stamp, b.Topics, st.after)
		st.batch.Topics, st.after = nil, nil // they outlive this attempt
		return stamp, nil
	}
	db.announce(stamp, b.Topics, st.after)
	return stamp, nil
}

// snapshot returns a snapshot, from the place that the hint names if the engine
// has several.
func (db *DB) snapshot(ctx context.Context, f driver.Freshness, hint Key) (driver.Snapshot, error) {
	if hint != nil {
		if p, ok := db.engine.(driver.Placer); ok {
			return p.SnapshotNear(ctx, f, hint)
		}
	}
	return db.engine.Snapshot(ctx, f)
}

// settle waits until version read is durable and returns err.
func (db *DB) settle(ctx context.Context, read uint64, err error) error {
	res := db.engine.Commit(ctx, []*driver.Batch{{Read: read}})[0]
	if res.Err != nil {
		return errors.Join(err, res.Err)
	}
	return err
}

// announce tells the process about a durable commit.
func (db *DB) announce(s Stamp, topics []Key, after []func(Stamp)) {
	db.watches.signal(topics)
	for _, fn := range after {
		fn(s)
	}
}

// announceLater announces a relaxed commit once it is durable. A commit that
// the disk loses is not announced.
func (db *DB) announceLater(s Stamp, topics []Key, after []func(Stamp)) {
	db.done.Go(func() {
		res := db.engine.Commit(context.Background(), []*driver.Batch{{Read: s.Version()}})[0]
		if res.Err == nil {
			db.announce(s, topics, after)
		}
	})
}
