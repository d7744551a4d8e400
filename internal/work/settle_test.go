package work_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/work"
)

func openDB(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// fixed is a backlog that always says the same.
type fixed work.Status

func (f fixed) Backlog(context.Context, *kv.Snap, clock.Instant) (work.Status, error) {
	return work.Status(f), nil
}

// broken is a backlog that cannot read.
type broken struct{}

var errDisk = errors.New("disk on fire")

func (broken) Backlog(context.Context, *kv.Snap, clock.Instant) (work.Status, error) {
	return work.Status{}, errDisk
}

func stopped(at clock.Instant) *clock.Model {
	return clock.NewModel(clock.State{Stopped: true, At: at})
}

func TestLook(t *testing.T) {
	now := clock.Unix(1_000_000, 0)
	for _, test := range []struct {
		name     string
		backlogs []work.Backlog
		begin    func(*work.Ledger)
		horizon  time.Duration
		strict   bool
		want     work.Report
	}{
		{name: "nothing at all", want: work.Report{Settled: true, At: now, Backlogs: []work.Status{}}},
		{
			name:  "a request is under way",
			begin: func(l *work.Ledger) { l.Begin(work.Request, "PutItem") },
			want:  work.Report{At: now, UnderWay: []work.Entry{{Class: work.Request, What: "PutItem"}}},
		},
		{
			name:  "a long poll is parked",
			begin: func(l *work.Ledger) { l.Begin(work.Request, "ReceiveMessage").Park("long poll") },
			want: work.Report{Settled: true, At: now, Backlogs: []work.Status{},
				UnderWay: []work.Entry{{Class: work.Request, What: "ReceiveMessage", Parked: "long poll"}}},
		},
		{
			name:     "one is ready",
			backlogs: []work.Backlog{fixed{Of: "a"}, fixed{Of: "b", Ready: 1}, fixed{Of: "c", Ready: 2}},
			want: work.Report{At: now, Ready: 3,
				Backlogs: []work.Status{{Of: "a"}, {Of: "b", Ready: 1}, {Of: "c", Ready: 2}}},
		},
		{
			name:     "a retry beyond the horizon",
			backlogs: []work.Backlog{fixed{Next: now + 11}, fixed{Next: now + 12}},
			horizon:  10,
			want: work.Report{Settled: true, At: now, Next: now + 11,
				Backlogs: []work.Status{{Next: now + 11}, {Next: now + 12}}},
		},
		{
			name:     "a retry at the horizon",
			backlogs: []work.Backlog{fixed{Next: now + 12}, fixed{Next: now + 10}},
			horizon:  10,
			want: work.Report{At: now, Next: now + 10,
				Backlogs: []work.Status{{Next: now + 12}, {Next: now + 10}}},
		},
		{
			name:     "what recurs never blocks",
			backlogs: []work.Backlog{fixed{Recurring: now + 1}, fixed{}},
			horizon:  10,
			want:     work.Report{Settled: true, At: now, Recurring: now + 1, Backlogs: []work.Status{{Recurring: now + 1}, {}}},
		},
		{
			name:     "messages that only a client can take",
			backlogs: []work.Backlog{fixed{External: 2}, fixed{External: 1}},
			want:     work.Report{Settled: true, At: now, External: 3, Backlogs: []work.Status{{External: 2}, {External: 1}}},
		},
		{
			name:     "the same, strictly",
			backlogs: []work.Backlog{fixed{External: 2}},
			strict:   true,
			want:     work.Report{At: now, External: 2, Backlogs: []work.Status{{External: 2}}},
		},
		{
			name: "stuck items are named",
			backlogs: []work.Backlog{
				fixed{Stuck: []work.Item{{ID: "m1", Why: "received 900 times"}}},
				fixed{Stuck: []work.Item{{ID: "m2", Why: "received 901 times"}}},
			},
			want: work.Report{Settled: true, At: now,
				Stuck: []work.Item{{ID: "m1", Why: "received 900 times"}, {ID: "m2", Why: "received 901 times"}},
				Backlogs: []work.Status{
					{Stuck: []work.Item{{ID: "m1", Why: "received 900 times"}}},
					{Stuck: []work.Item{{ID: "m2", Why: "received 901 times"}}},
				}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &work.Settler{Ledger: work.NewLedger(), DB: openDB(t), Clock: stopped(now), Backlogs: test.backlogs}
			if test.begin != nil {
				test.begin(s.Ledger)
			}
			got, err := s.Look(context.Background(), test.horizon, test.strict)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettleReturnsABacklogsError(t *testing.T) {
	s := &work.Settler{Ledger: work.NewLedger(), DB: openDB(t), Clock: stopped(1), Backlogs: []work.Backlog{broken{}}}
	if _, err := s.Settle(context.Background(), 0, false); !errors.Is(err, errDisk) {
		t.Errorf("Settle = %v, want %v", err, errDisk)
	}
	if _, err := s.Look(context.Background(), 0, false); !errors.Is(err, errDisk) {
		t.Errorf("Look = %v, want %v", err, errDisk)
	}
}

func TestSettleGivesUpWithItsContext(t *testing.T) {
	s := &work.Settler{Ledger: work.NewLedger(), DB: openDB(t), Clock: stopped(1)}
	s.Ledger.Begin(work.Invocation, "resize")
	ctx, cancel := context.WithCancelCause(context.Background())
	impatient := errors.New("no patience left")
	cancel(impatient)
	r, err := s.Settle(ctx, 0, false)
	if !errors.Is(err, impatient) {
		t.Errorf("err = %v, want %v", err, impatient)
	}
	want := work.Report{At: 1, UnderWay: []work.Entry{{Class: work.Invocation, What: "resize"}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// A work that begins and ends while the snapshot is read is not seen by it. The
// epoch gives it away.
func TestWorkDuringTheLookIsNoticed(t *testing.T) {
	s := &work.Settler{Ledger: work.NewLedger(), DB: openDB(t), Clock: stopped(1)}
	s.Backlogs = []work.Backlog{backlogFunc(func() { s.Ledger.Begin(work.Request, "PutItem").End() })}
	r, err := s.Look(context.Background(), 0, false)
	if err != nil || r.Settled {
		t.Errorf("settled = %v, err %v, want false, nil", r.Settled, err)
	}
}

type backlogFunc func()

func (f backlogFunc) Backlog(context.Context, *kv.Snap, clock.Instant) (work.Status, error) {
	f()
	return work.Status{}, nil
}

// Settle is woken by the token that ends or parks last, without any clock: in
// the bubble a sleeper would be seen, and a waiter that is not woken is a
// deadlock.
func TestSettleWaitsForTheLastToken(t *testing.T) {
	for name, leave := range map[string]func(work.Token){
		"ends":  work.Token.End,
		"parks": func(tok work.Token) { tok.Park("long poll") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { settleWaits(t, leave) })
		})
	}
}

func settleWaits(t *testing.T, leave func(work.Token)) {
	db := kv.Open(memkv.New())
	defer db.Close()
	s := &work.Settler{Ledger: work.NewLedger(), DB: db, Clock: stopped(1)}
	a, b, poll := s.Ledger.Begin(work.Request, "a"), s.Ledger.Begin(work.Request, "b"), s.Ledger.Begin(work.Request, "poll")
	poll.Park("long poll")
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, err := s.Settle(ctx, 0, false)
		done <- err
	}()
	start := time.Now()
	for _, step := range []struct {
		what    string
		do      func()
		settled bool
	}{
		{"two are active", func() {}, false},
		{"one left, the poll was woken", func() { leave(a); poll.Unpark() }, false},
		{"only the poll is active", func() { leave(b) }, false},
		{"all have left", func() { leave(poll) }, true},
	} {
		step.do()
		synctest.Wait()
		select {
		case err := <-done:
			if err != nil || !step.settled {
				t.Fatalf("%s: Settle returned, %v", step.what, err)
			}
		default:
			if step.settled {
				t.Fatalf("%s: Settle did not return", step.what)
			}
		}
	}
	if d := time.Since(start); d != 0 {
		t.Errorf("it took %v of time; nothing may wait for time here", d)
	}
}

// world is a cloud in small: items in the store, each of which begets others
// until it has no generations left, handled by workers that are woken by
// watches. It keeps to the rules of the package's documentation.
type world struct {
	db     *kv.DB
	ledger *work.Ledger
}

var (
	items = kv.Key("item/")
	topic = kv.Key("topic")
)

func (w *world) Backlog(_ context.Context, s *kv.Snap, _ clock.Instant) (work.Status, error) {
	st := work.Status{Of: "items"}
	for _, err := range s.Scan(kv.Prefix(items), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return st, err
		}
		st.Ready++
	}
	return st, nil
}

// request puts n items with the given generations from outside.
func (w *world) request(ctx context.Context, n, generations int) error {
	tok := w.ledger.Begin(work.Request, "put")
	defer tok.End()
	_, err := w.db.Update(ctx, func(tx *kv.Tx) error {
		for range n {
			tx.Append(items, nil, []byte{byte(generations)})
		}
		tx.Signal(topic)
		return nil
	})
	return err
}

// work handles items until ctx ends: it takes one, and puts its children in the
// same commit or, to make it harder, in a later one under a token of its own.
func (w *world) work(ctx context.Context, self *work.Sleeper, children int, r *rand.Rand) error {
	defer self.End()
	watch := w.db.WatchFunc(self.Wake, topic)
	defer watch.Close()
	for {
		var took bool
		var generations int
		_, err := w.db.Update(ctx, func(tx *kv.Tx) error {
			took, generations = false, 0
			for p, err := range tx.Scan(kv.Prefix(items), kv.ScanOptions{Limit: 1}) {
				if err != nil {
					return err
				}
				tx.Delete(p.Key)
				took, generations = true, int(p.Value[0])
			}
			return nil
		})
		if err != nil {
			return err
		}
		if took && generations > 0 {
			tok := w.ledger.Begin(work.Derivation, "children")
			err := w.request(ctx, 1+r.IntN(children), generations-1)
			tok.End()
			if err != nil {
				return err
			}
		}
		if took {
			continue
		}
		if err := self.Sleep(ctx, "nothing to do", nil); err != nil {
			return nil
		}
	}
}

// Settle on a world in full swing returns when the last descendant is gone and
// not before: nothing may be left in the store, and nothing may happen after.
//
// Mutations that make a test of this package fail (tried by hand, each alone):
// an increment removed from take, from leave or from Unpark; the two passes of
// epoch swapped; End or Park without calmed; look without the comparison of
// epochs, without Ready, without the horizon; a Sleeper that parks although it
// was woken.
func TestSettleUnderStress(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			w := &world{db: openDB(t), ledger: work.NewLedger()}
			s := &work.Settler{Ledger: w.ledger, DB: w.db, Clock: stopped(1), Backlogs: []work.Backlog{w}}
			var wg sync.WaitGroup
			for i := range 3 {
				self := w.ledger.Sleeper(work.Delivery, "worker") // before the goroutine: it may be slow to start
				wg.Go(func() {
					if err := w.work(ctx, self, 3, rand.New(rand.NewPCG(seed, uint64(i)))); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				})
			}
			for range 5 {
				if err := w.request(ctx, 2, 3); err != nil {
					t.Fatal(err)
				}
				r, err := s.Settle(ctx, 0, false)
				if err != nil {
					t.Fatal(err)
				}
				before, err := w.db.Update(ctx, func(tx *kv.Tx) error { return nil })
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range r.UnderWay {
					if e.Parked == "" {
						t.Errorf("settled, but under way: %+v", e)
					}
				}
				look, err := s.Look(ctx, 0, false)
				if err != nil || !look.Settled || look.Ready != 0 {
					t.Fatalf("after Settle: %+v, %v", look, err)
				}
				after, err := w.db.Update(ctx, func(tx *kv.Tx) error { return nil })
				if err != nil || after != before {
					t.Fatalf("something was committed after it had settled: %v then %v, %v", before, after, err)
				}
			}
			cancel()
			wg.Wait()
		})
	}
}

// Advance stops at every due on the way, also at those that only come up on the
// way.
func TestAdvanceJumpsOverNothing(t *testing.T) {
	start := clock.Unix(1_000_000, 0)
	s := &work.Settler{Ledger: work.NewLedger(), DB: openDB(t), Clock: stopped(start)}
	var got []string
	due := []clock.Instant{start + 10, start + 30}
	seen := clock.Instant(0)
	s.Backlogs = []work.Backlog{dueFunc(func(now clock.Instant) work.Status {
		if now != seen {
			got, seen = append(got, fmt.Sprint(int64(now-start))), now
			if now == start+10 {
				due = append([]clock.Instant{start + 20}, due...)
			}
		}
		st := work.Status{Recurring: start + 1000}
		for _, d := range due {
			if d > now && (st.Next.IsZero() || d < st.Next) {
				st.Next = d
			}
		}
		return st
	})}
	r, err := s.Advance(context.Background(), start+50)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0 10 20 30 50"; strings.Join(got, " ") != want {
		t.Errorf("stopped at %v, want %s", got, want)
	}
	if !r.Settled || r.At != start+50 {
		t.Errorf("at the end: settled %v at %v, want true at %v", r.Settled, r.At, start+50)
	}
}

type dueFunc func(clock.Instant) work.Status

func (f dueFunc) Backlog(_ context.Context, _ *kv.Snap, now clock.Instant) (work.Status, error) {
	return f(now), nil
}
