package delivery_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// The golden files are those of effect_test.go, which looks the flag up.
var _ = flag.Bool("update", false, "write the golden files")

const start = clock.Instant(1_000_000_000_000)

var (
	here  = keyspace.Cell{Account: "000000000000", Region: "us-east-1"}
	there = keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}
)

// outside is an Accepter, of scheme "out", which does what do says and
// remembers what it was handed.
type outside struct {
	do     func(ctx context.Context, e delivery.Effect) delivery.Outcome
	limits delivery.Limits

	mu       sync.Mutex
	handed   []string
	flying   int
	maxFlown int
}

func (*outside) Scheme() string                  { return "out" }
func (o *outside) Limits(string) delivery.Limits { return o.limits }

func (o *outside) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	o.mu.Lock()
	o.flying++
	o.maxFlown = max(o.maxFlown, o.flying)
	for _, e := range es {
		o.handed = append(o.handed, fmt.Sprintf("%s#%d", e.Payload, e.Attempt))
	}
	o.mu.Unlock()
	out := make([]delivery.Outcome, len(es))
	for i, e := range es {
		if o.do != nil {
			out[i] = o.do(ctx, e)
		}
	}
	o.mu.Lock()
	o.flying--
	o.mu.Unlock()
	return out
}

func (o *outside) took() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := strings.Join(o.handed, " ")
	o.handed = nil
	return s
}

// inside is a TxReceiver, of scheme "in": it appends to a log in the store.
type inside struct {
	do func(tx *kv.Tx, e delivery.Effect) delivery.Outcome
}

func (inside) Scheme() string { return "in" }

func (r inside) AcceptTx(tx *kv.Tx, _ clock.Instant, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	failed := map[string]bool{}
	for i, e := range es {
		if r.do != nil {
			out[i] = r.do(tx, e)
		}
		if failed[e.Order] {
			out[i].Err = fmt.Errorf("behind one that failed")
		}
		if out[i].Err != nil {
			failed[e.Order] = e.Order != ""
			continue
		}
		tx.Append(kv.Key("log/"+e.Target+"/"), nil, []byte(e.Payload))
	}
	return out
}

// logged returns what was appended for a target, in order.
func (b *bed) logged(target string) (got []string) {
	b.view(func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Prefix(kv.Key("log/"+target+"/")), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			got = append(got, string(p.Value))
		}
		return nil
	})
	return got
}

// bed is a cloud that has nothing but deliveries.
type bed struct {
	t        testing.TB
	db       *kv.DB
	model    *clock.Model
	ledger   *work.Ledger
	timers   *timer.Timers
	delivery *delivery.Delivery
	settle   *work.Settler
	out      *outside
	stop     func()
}

// newBed returns a bed whose receivers are out and in.
func newBed(t testing.TB, db *kv.DB, model *clock.Model, o delivery.Options, out *outside, in delivery.Receiver) *bed {
	b := &bed{t: t, db: db, model: model, ledger: work.NewLedger(), out: out}
	owner := &timer.Owner{DB: db}
	b.timers = timer.New(timer.Options{DB: db, Owner: owner, Model: model, Ledger: b.ledger})
	o.DB, o.Owner, o.Timers, o.Model, o.Ledger = db, owner, b.timers, model, b.ledger
	b.delivery = delivery.New(o)
	b.delivery.Receive(out)
	b.delivery.Receive(in)
	b.settle = &work.Settler{Ledger: b.ledger, DB: db, Clock: model, Backlogs: []work.Backlog{b.timers, b.delivery}}
	return b
}

// start delivers until stop or the end of the test.
func (b *bed) start() *bed {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { b.timers.Run(ctx) })
	wg.Go(func() { b.delivery.Run(ctx) })
	b.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	b.t.Cleanup(b.stop)
	return b
}

func openMem(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func stopped(at clock.Instant) *clock.Model {
	return clock.NewModel(clock.State{Stopped: true, At: at})
}

// memBed is a bed in memory whose clock stands still.
func memBed(t testing.TB, out *outside, in inside) *bed {
	return newBed(t, openMem(t), stopped(start), delivery.Options{}, out, in).start()
}

func (b *bed) emit(es ...delivery.Effect) {
	b.t.Helper()
	tok := b.ledger.Begin(work.Request, "emit")
	defer tok.End()
	if _, err := b.db.Update(context.Background(), func(tx *kv.Tx) error { return b.delivery.Emit(tx, es...) }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) settled() work.Report {
	b.t.Helper()
	r, err := b.settle.Settle(context.Background(), 0, false)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bed) advance(to clock.Instant) work.Report {
	b.t.Helper()
	r, err := b.settle.Advance(context.Background(), to)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bed) view(fn func(*kv.Snap) error) {
	b.t.Helper()
	if err := b.db.View(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// rows returns the rows of delivery, but for cursors and those given up.
func (b *bed) rows() (got []string) {
	b.t.Helper()
	b.view(func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Prefix(kv.Key{keyspace.Format}), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			k := p.Key.String()
			if strings.Contains(k, `"delivery"/0/`) && !strings.Contains(k, `"delivery"/0/"c"`) && !strings.Contains(k, `"delivery"/0/"x"`) {
				got = append(got, k)
			}
		}
		return nil
	})
	return got
}

// effect is an effect for a target, which is also its order if it has one.
func effect(target, payload string) delivery.Effect {
	return delivery.Effect{Cell: here, Target: target, Payload: []byte(payload), At: start}
}

func ordered(target, order, payload string) delivery.Effect {
	e := effect(target, payload)
	e.Order = order
	return e
}
