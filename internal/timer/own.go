package timer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// ErrLost says that a shard belongs to another node now.
var ErrLost = errors.New("timer: the shard was lost to another node")

// Leases live in a cell of the platform's own:
//
//	"epoch" name shard → counter: how often the shard changed hands
//	"beat" name shard  → id of the holder, empty when nobody holds it, and a counter of its beats
//
// The epoch is apart from the beat so that beats conflict with nobody.
type leases struct{ keyspace.Subspace }

func leaseKeys() leases { return leases{keyspace.Service(keyspace.Cell{}, "lease", 0)} }

func (l leases) epoch(name string, shard int) kv.Key {
	return l.Key().Str("epoch").Str(name).Int(int64(shard)).Done()
}
func (l leases) beat(name string, shard int) kv.Key {
	return l.Key().Str("beat").Str(name).Int(int64(shard)).Done()
}

// Owner gets shards for one node.
type Owner struct {
	DB      *kv.DB
	Machine clock.Machine
	Log     *slog.Logger

	// Node is the node's name, different in each life of its process. An
	// Owner without a name is alone with its store, as with an engine in
	// files, and gets every shard at once.
	Node string

	// TTL is how long a holder that gives no sign of life keeps its shard;
	// ten seconds if it is zero.
	TTL time.Duration
}

// Shard is the right to run one share of something on this node.
type Shard struct {
	Name  string
	Index int // of Of

	keys  leases
	epoch int64
	ctx   context.Context
	lose  context.CancelCauseFunc
}

// Context ends when the shard is lost or no longer wanted.
func (s *Shard) Context() context.Context { return s.ctx }

// Guard makes the transaction fail with [ErrLost] if another node has the shard
// now, and conflict with its taking over.
func (s *Shard) Guard(tx *kv.Tx) error {
	v, err := tx.Get(s.keys.epoch(s.Name, s.Index))
	if err != nil {
		return err
	}
	epoch, err := kv.Int64(v)
	if err != nil {
		return err
	}
	if epoch != s.epoch {
		s.lose(ErrLost)
		return fmt.Errorf("%w: %s %d", ErrLost, s.Name, s.Index)
	}
	return nil
}

// Own asks for the shards 0 to n-1 of something and returns those that this
// node gets, as it gets them; a shard that was lost may come again. The channel
// is closed when ctx has ended and all shards are given back.
func (o *Owner) Own(ctx context.Context, name string, n int) <-chan *Shard {
	out := make(chan *Shard)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			l := lease{Owner: o, name: name, index: i, keys: leaseKeys()}
			if err := l.run(ctx, out); err != nil && ctx.Err() == nil && o.Log != nil {
				o.Log.Error("shard given up", "name", name, "shard", i, "err", err)
			}
		})
	}
	go func() {
		wg.Wait()
		close(out)
	}()
	return out
}

// lease is one shard, as one node sees it.
type lease struct {
	*Owner
	name  string
	index int
	keys  leases
	beats uint64
}

func (l *lease) ttl() time.Duration {
	if l.TTL == 0 {
		return 10 * time.Second
	}
	return l.TTL
}

// run takes the shard whenever it can, until ctx ends.
func (l *lease) run(ctx context.Context, out chan<- *Shard) error {
	for {
		epoch, err := l.take(ctx)
		if err != nil {
			return err
		}
		sctx, lose := context.WithCancelCause(ctx)
		s := &Shard{Name: l.name, Index: l.index, keys: l.keys, epoch: epoch, ctx: sctx, lose: lose}
		select {
		case out <- s:
			l.hold(s)
		case <-ctx.Done():
		}
		lose(ctx.Err())
		if ctx.Err() != nil {
			return l.release(s)
		}
	}
}

// take waits until the shard is free, or its holder has shown no sign of life
// for the TTL by this node's own clock (clocks of nodes are never compared),
// and takes it.
func (l *lease) take(ctx context.Context) (epoch int64, err error) {
	w := l.DB.Watch(l.keys.beat(l.name, l.index))
	defer w.Close()
	var seen string
	var silent *time.Timer // since the last sign of life
	var dead <-chan time.Time
	defer func() {
		if silent != nil {
			silent.Stop()
		}
	}()
	for {
		beat, err := l.look(ctx)
		if err != nil {
			return 0, err
		}
		if l.Node == "" || holder(beat) == "" {
			if epoch, ok, err := l.seize(ctx, beat); ok || err != nil {
				return epoch, err
			}
			continue
		}
		if string(beat) != seen || dead == nil {
			seen = string(beat)
			if silent != nil {
				silent.Stop() // a node may stand by for months
			}
			silent = l.Machine.NewTimer(l.ttl())
			dead = silent.C
		}
		select {
		case <-w.C():
		case <-dead:
			if epoch, ok, err := l.seize(ctx, beat); ok || err != nil {
				return epoch, err
			}
			dead = nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (l *lease) look(ctx context.Context) (beat []byte, err error) {
	err = l.DB.View(ctx, func(s *kv.Snap) error {
		beat, err = s.Get(l.keys.beat(l.name, l.index))
		return err
	})
	return beat, err
}

// holder returns the node of a beat: what stands before its counter.
func holder(beat []byte) string {
	if len(beat) < 8 {
		return ""
	}
	return string(beat[:len(beat)-8])
}

func (l *lease) nextBeat() []byte {
	l.beats++
	return append([]byte(l.Node), kv.Counter(int64(l.beats))...)
}

// seize takes the shard if its beat is still the same.
func (l *lease) seize(ctx context.Context, beat []byte) (epoch int64, ok bool, err error) {
	_, err = l.DB.Update(ctx, func(tx *kv.Tx) error {
		ok = false
		now, err := tx.Get(l.keys.beat(l.name, l.index))
		if err != nil || l.Node != "" && string(now) != string(beat) {
			return err
		}
		v, err := tx.Get(l.keys.epoch(l.name, l.index))
		if err != nil {
			return err
		}
		if epoch, err = kv.Int64(v); err != nil {
			return err
		}
		epoch++
		tx.Set(l.keys.epoch(l.name, l.index), kv.Counter(epoch))
		tx.Set(l.keys.beat(l.name, l.index), l.nextBeat())
		tx.Signal(l.keys.beat(l.name, l.index))
		ok = true
		return nil
	}, kv.Relaxed()) // what is committed under the epoch comes after it
	return epoch, ok, err
}

// hold shows signs of life until the shard is lost or no longer wanted.
func (l *lease) hold(s *Shard) {
	if l.Node == "" {
		<-s.ctx.Done()
		return
	}
	t := l.Machine.NewTicker(l.ttl() / 3)
	defer t.Stop()
	last := l.Machine.Now()
	for {
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return
		}
		_, err := l.DB.Update(s.ctx, func(tx *kv.Tx) error {
			if err := s.Guard(tx); err != nil {
				return err
			}
			tx.Set(l.keys.beat(l.name, l.index), l.nextBeat())
			tx.Signal(l.keys.beat(l.name, l.index))
			return nil
		})
		switch {
		case err == nil:
			last = l.Machine.Now()
		case errors.Is(err, ErrLost):
			return
		case l.Machine.Since(last) > l.ttl()*2/3: // others may take it soon
			s.lose(fmt.Errorf("%w: %w", ErrLost, err))
			return
		}
	}
}

// release gives the shard back, so that another node need not wait.
func (l *lease) release(s *Shard) error {
	if l.Node == "" {
		return nil
	}
	ctx, cancel := l.Machine.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer cancel()
	_, err := l.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := s.Guard(tx); err != nil {
			return err
		}
		tx.Set(l.keys.beat(l.name, l.index), kv.Counter(0))
		tx.Signal(l.keys.beat(l.name, l.index))
		return nil
	})
	if errors.Is(err, ErrLost) {
		return nil
	}
	return err
}
