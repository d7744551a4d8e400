package delivery

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// Outcome is what became of handing over one effect. The zero Outcome is
// success.
type Outcome struct {
	Err       error
	Permanent bool          // trying again is of no use: give it up
	Throttled bool          // it was not tried: does not count as an attempt
	After     time.Duration // when to try again, in place of the policy's pause; exact, without jitter
	Then      []Effect      // emitted with the outcome: a success's destination, say
}

// Receiver takes the effects of all targets of one scheme: lambda, https,
// mailto. It also implements one of [Accepter] and [TxReceiver].
type Receiver interface{ Scheme() string }

// Accepter hands effects over to something outside of the store.
type Accepter interface {
	Receiver
	// Accept hands over effects of one target and returns an outcome for
	// each. It may be called for the same effect again, after a crash even if
	// it had succeeded. The context's cause is that of a lone effect. Accept
	// returns soon after ctx has ended; outcomes then count for nothing.
	Accept(ctx context.Context, es []Effect) []Outcome
}

// TxReceiver hands effects over inside the store: what it does commits with the
// outcome.
type TxReceiver interface {
	Receiver
	// AcceptTx is a body of kv: it may run again. After an effect that fails
	// it must fail those of the same order that follow.
	AcceptTx(tx *kv.Tx, now clock.Instant, es []Effect) []Outcome
}

// Admitter is a [TxReceiver] that asks elsewhere about effects before they are handed
// over: what is no part of the commit, such as whether a key may be used.
type Admitter interface {
	TxReceiver
	// Admit returns for each effect the zero outcome, or how it fails without
	// being handed over. Effects of one call are of one target.
	Admit(ctx context.Context, es []Effect) []Outcome
}

// Limits is how much a target takes.
type Limits struct {
	Batch    int // effects of one call; 0: one, or 64 in a transaction
	InFlight int // calls at the same time; 0: eight; in a transaction always one
	// Apart says that effects succeed and fail each for itself, as a function's
	// events do: failures in a row say nothing about the next.
	Apart bool
}

// Limiter is a [Receiver] that knows the limits of its targets.
type Limiter interface {
	Limits(target string) Limits
}

// Reason is why an effect was given up.
type Reason uint8

// The reasons.
const (
	Rejected     Reason = iota // the outcome was permanent
	OutOfRetries               // Policy.MaxAttempts
	TooOld                     // Policy.MaxAge
)

// Exhausted is a [Receiver] that says what follows when an effect is given up,
// in place of the default dead letter: the same payload to Policy.DeadLetter.
type Exhausted interface {
	Exhausted(e Effect, o Outcome, why Reason) []Effect
}

// Undertaker is the receiver of the scheme of a Policy.DeadLetter that says
// itself what follows when an effect is given up, in place of what the target's
// receiver would: its emitter's dead letters look alike, whatever the target.
type Undertaker interface {
	Receiver
	// Bury returns what is emitted. The effect has its whole payload, Attempt is
	// how often it was tried, and LastError is why the last try failed.
	Bury(e Effect, o Outcome, why Reason) []Effect
}

// window is how many effects an actor holds, and a transaction takes.
const window = 64

// Options say what delivery is made of. Recorder, Log, Shards and Bytes may be
// zero.
type Options struct {
	DB       *kv.DB
	Owner    *timer.Owner
	Timers   *timer.Timers
	Model    *clock.Model
	Ledger   *work.Ledger
	Recorder *record.Recorder // takes a span for each attempt
	Log      *slog.Logger
	// Disturber makes deliveries go wrong; nil is nobody.
	Disturber Disturber
	// Settled, when set, is told of each attempt: nil, or why it failed, and
	// whether the effect is given up. It must not block.
	Settled func(e *Effect, err error, givenUp bool)
	Shards  int // over how many shards targets are spread; 1
	Bytes   int // of effects in memory; 16 MiB

	Machine clock.Machine
}

// Delivery delivers effects. Register all receivers, then Run.
type Delivery struct {
	o         Options
	receivers map[string]Receiver
	budget    budget
	wakeTimer func(kv.Stamp)

	mu     sync.Mutex
	shares map[int]*share // of the shards that this node owns
	actors map[target]*actor
	due    dueHeap // actors with retries, the earliest first
}

// target is a target in a cell.
type target struct {
	cell keyspace.Cell
	name string
}

// New returns a delivery without receivers.
func New(o Options) *Delivery {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Bytes == 0 {
		o.Bytes = 16 << 20
	}
	d := &Delivery{
		o: o, receivers: make(map[string]Receiver), budget: budget{room: o.Bytes},
		shares: make(map[int]*share), actors: make(map[target]*actor),
	}
	d.wakeTimer = o.Timers.RegisterLocal("retries", retries{d})
	return d
}

// Receive registers the receiver of a scheme.
func (d *Delivery) Receive(r Receiver) {
	_, accepts := r.(Accepter)
	_, inTx := r.(TxReceiver)
	switch {
	case d.receivers[r.Scheme()] != nil:
		panic(fmt.Sprintf("delivery: two receivers of %q", r.Scheme()))
	case accepts == inTx:
		panic(fmt.Sprintf("delivery: the receiver of %q must implement one of Accepter and TxReceiver", r.Scheme()))
	}
	d.receivers[r.Scheme()] = r
}

// Delivers reports whether a target has a receiver. It is for what wants to
// refuse a target when it is configured; receivers are all registered before
// anything runs.
func (d *Delivery) Delivers(target string) bool { return d.receivers[Scheme(target)] != nil }

// Emit emits effects with the transaction. A payload that several of them have,
// the same slice, is stored once. An effect whose target has no receiver is an
// error, and so none that is accepted can be undeliverable for that.
func (d *Delivery) Emit(tx *kv.Tx, es ...Effect) error {
	if len(es) == 0 {
		return nil
	}
	type bytes struct {
		cell keyspace.Cell
		at   *byte
		n    int
	}
	var shared map[bytes]uint16
	for i := range es {
		e := &es[i]
		if d.receivers[Scheme(e.Target)] == nil {
			return fmt.Errorf("delivery: nothing delivers to %q", e.Target)
		}
		l := layoutOf(e.Cell)
		r := row{Effect: *e}
		if len(e.Payload) > inlineMax {
			these := bytes{e.Cell, &e.Payload[0], len(e.Payload)}
			op, ok := shared[these]
			if !ok {
				op = tx.Append(l.payloads(), nil, e.Payload)
				tx.Append(l.counts(), nil, kv.Counter(int64(sharers(es[i:], e))))
				if shared == nil {
					shared = make(map[bytes]uint16)
				}
				shared[these] = op
			}
			r.kind, r.op = payloadOfCommit, op
		}
		tx.Append(l.emitted(e.Target), nil, r.encode())
	}
	tx.After(func(kv.Stamp) {
		for i := range es {
			d.poke(target{es[i].Cell, es[i].Target})
		}
	})
	return nil
}

// sharers counts the effects that share e's payload: the same bytes in the same
// place, of the same cell.
func sharers(es []Effect, e *Effect) (n int) {
	for i := range es {
		o := &es[i]
		if len(o.Payload) == len(e.Payload) && &o.Payload[0] == &e.Payload[0] && o.Cell == e.Cell {
			n++
		}
	}
	return n
}

// Run delivers until ctx ends, what this node owns.
func (d *Delivery) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for s := range d.o.Owner.Own(ctx, service, d.o.Shards) {
		wg.Go(func() { d.runShard(s) })
	}
	wg.Wait()
}

// share is a shard that this node owns, and the goroutines of its actors.
type share struct {
	*timer.Shard
	actors sync.WaitGroup
	ended  bool // guarded by the delivery's mu: no goroutine is begun any more
}

// runShard delivers one shard's effects until it ends.
func (d *Delivery) runShard(shard *timer.Shard) {
	s := &share{Shard: shard}
	// It is entered before the store is looked into: what is emitted from now
	// on is poked, what was before is found.
	d.mu.Lock()
	d.shares[s.Index] = s
	d.mu.Unlock()
	for {
		err := d.recover(s)
		if err == nil || s.Context().Err() != nil {
			break
		}
		d.o.Log.Error("delivery could not begin", "shard", s.Index, "err", err)
		if errors.Is(err, kv.ErrBroken) || errors.Is(err, kv.ErrClosed) || d.o.Machine.Wait(s.Context(), again) != nil {
			break
		}
	}
	<-s.Context().Done()
	d.mu.Lock()
	s.ended = true
	delete(d.shares, s.Index)
	for k, a := range d.actors {
		if a.share == s {
			delete(d.actors, k)
			d.due.set(a, 0)
		}
	}
	d.mu.Unlock()
	s.actors.Wait()
}

// shardOf returns the shard of a target.
func (d *Delivery) shardOf(t target) int {
	h := fnv.New32a()
	h.Write([]byte(t.cell.Account + "\x00" + t.cell.Region + "\x00" + t.name))
	return int(h.Sum32() % uint32(d.o.Shards))
}

// poke makes the actor of a target look, if this node owns it. It runs before
// the caller's own token ends.
func (d *Delivery) poke(t target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pokeLocked(t)
}

func (d *Delivery) pokeLocked(t target) {
	a := d.actors[t]
	if a == nil {
		s := d.shares[d.shardOf(t)]
		if s == nil {
			return // its owner finds the effect when it gets the shard
		}
		a = d.newActorLocked(t, s)
	}
	a.wakeLocked()
}
