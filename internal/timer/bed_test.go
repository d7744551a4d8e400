package timer_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	here  = keyspace.Cell{Account: "000000000000", Region: "us-east-1"}
	there = keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}
	odd   = keyspace.Cell{Account: "ana", Region: "local"}
)

// bed is a cloud that has nothing but timers.
type bed struct {
	t      testing.TB
	db     *kv.DB
	model  *clock.Model
	ledger *work.Ledger
	timers *timer.Timers
	settle *work.Settler
	stop   func()

	mu    sync.Mutex
	fired []string
}

func newBed(t testing.TB, db *kv.DB, model *clock.Model) *bed {
	b := &bed{t: t, db: db, model: model, ledger: work.NewLedger()}
	b.timers = timer.New(timer.Options{DB: db, Owner: &timer.Owner{DB: db}, Model: model, Ledger: b.ledger})
	b.settle = &work.Settler{Ledger: b.ledger, DB: db, Clock: model, Backlogs: []work.Backlog{b.timers}}
	b.timers.Handle("note", b.note)
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

// start runs the timers until stop or the end of the test.
func (b *bed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.timers.Run(ctx)
	}()
	b.stop = sync.OnceFunc(func() { cancel(); <-done })
	b.t.Cleanup(b.stop)
}

// note remembers that a timer fired, once it is durable.
func (b *bed) note(tx *kv.Tx, now clock.Instant, tm timer.T) error {
	tx.After(func(kv.Stamp) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.fired = append(b.fired, fmt.Sprintf("%s=%s@%s", tm.ID, tm.Payload, now.Sub(tm.Due)))
	})
	return nil
}

func (b *bed) set(ts ...timer.T) {
	b.t.Helper()
	tok := b.ledger.Begin(work.Request, "set")
	defer tok.End()
	_, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		for _, tm := range ts {
			if err := b.timers.Set(tx, tm); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
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

// took returns what has fired since the last call.
func (b *bed) took() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := strings.Join(b.fired, " ")
	b.fired = nil
	return s
}

func stopped(at clock.Instant) *clock.Model {
	return clock.NewModel(clock.State{Stopped: true, At: at})
}

const start = clock.Instant(1_000_000_000_000)

func oneShot(c keyspace.Cell, id string, in time.Duration) timer.T {
	return timer.T{Cell: c, Kind: "note", ID: id, Due: start.Add(in), Payload: []byte("p" + id), OneShot: true}
}
