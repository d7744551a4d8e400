package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/work"
)

// fake is a process that lives in the test: it initialises for a while, takes
// invocations and answers each after the time that its payload says.
type fake struct {
	w    *world
	inst *instance
	n    int
	gone chan struct{}
	once sync.Once

	mu     sync.Mutex
	frozen bool
	thaws  int
}

func (f *fake) Kill() error { f.once.Do(func() { close(f.gone) }); return nil }

func (f *fake) Exit() sandbox.Exit { <-f.gone; return sandbox.Exit{Code: 1} }

func (f *fake) Usage() sandbox.Usage { return sandbox.Usage{MemoryPeak: 10 << 20} }

func (f *fake) Freeze() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = true
	return nil
}

func (f *fake) Thaw() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = false
	f.thaws++
	return nil
}

// run is the life of one place of the process.
func (f *fake) run(init time.Duration) {
	select {
	case <-time.After(init):
	case <-f.gone:
		return
	}
	for {
		given := make(chan *invocation, 1)
		f.inst.next(&place{inst: f.inst, send: func(v *invocation) error { given <- v; return nil }})
		var v *invocation
		select {
		case v = <-given:
		case <-f.gone:
			return
		}
		f.w.note(f.n, v)
		d, err := time.ParseDuration(string(v.Payload))
		if err != nil { // it crashes
			f.Kill()
			return
		}
		select {
		case <-time.After(d):
		case <-f.gone:
			return
		}
		f.inst.respond(v.RequestID, []byte(fmt.Sprint(f.n)), nil, func() {})
	}
}

// world is a Runner over fakes.
type world struct {
	*Runner
	t     *testing.T
	model *clock.Model
	init  func(n int) time.Duration // of the nth process, from 1
	keys  func() clock.Instant

	mu    sync.Mutex
	fakes []*fake
	took  []string // request ids in the order in which processes got them
}

func (w *world) note(_ int, v *invocation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.took = append(w.took, v.RequestID)
}

func (w *world) started() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.fakes)
}

// testWorld runs a test in a bubble with its own time.
func testWorld(t *testing.T, set func(*Options), test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		ledger := work.NewLedger()
		o := Options{Model: clock.NewModel(clock.State{}), Ledger: ledger, Meter: &meter{}, Starts: 2}
		if set != nil {
			set(&o)
		}
		w := &world{Runner: newRunner(o), t: t, model: o.Model, init: func(int) time.Duration { return 10 * time.Millisecond }}
		w.spawn = func(_ context.Context, i *instance) error {
			w.mu.Lock()
			f := &fake{w: w, inst: i, n: len(w.fakes) + 1, gone: make(chan struct{})}
			w.fakes = append(w.fakes, f)
			w.mu.Unlock()
			d := w.init(f.n)
			if d < 0 {
				return errors.New("no such program")
			}
			i.proc = f
			if w.keys != nil {
				i.expires = w.keys()
			}
			for range i.pool.spec.places() {
				go f.run(d)
			}
			w.wg.Add(1)
			go func() { defer w.wg.Done(); i.watch(func() {}) }()
			return nil
		}
		test(w)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if es := ledger.Entries(); len(es) > 0 {
			t.Errorf("still under way: %v", es)
		}
		if n := w.unreserved.Load(); n != 0 {
			t.Errorf("%d invocations still counted", n)
		}
	})
}

func poolSpec(name string, set ...func(*Spec)) *Spec {
	s := &Spec{Function: arn.In("eu-west-1", "123456789012").Function(name), Name: name, Version: "$LATEST",
		Runtime: "provided.al2023", MemoryMB: 128, Timeout: time.Minute}
	for _, f := range set {
		f(s)
	}
	return s
}

// call invokes in the background; the payload says how long it takes.
func (w *world) call(s *Spec, id, payload string) <-chan Result {
	out := make(chan Result, 1)
	go func() {
		res, err := w.Invoke(context.Background(), s, Invocation{RequestID: id, Payload: []byte(payload)})
		if err != nil {
			res.Payload = []byte(err.Error())
		}
		out <- res
	}()
	return out
}

func TestLastFreedIsTakenFirst(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s := poolSpec("f")
		a, b := w.call(s, "a", "10ms"), w.call(s, "b", "50ms")
		<-a
		<-b
		synctest.Wait()
		second := string((<-w.call(s, "c", "1ms")).Payload)
		synctest.Wait()
		third := string((<-w.call(s, "d", "1ms")).Payload)
		if second != third || w.started() != 2 {
			t.Errorf("answered by %s and %s of %d processes: one after the other must use the same, the last freed", second, third, w.started())
		}
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	testWorld(t, func(o *Options) { o.Starts = 1 }, func(w *world) {
		w.init = func(n int) time.Duration { return time.Duration(n) * time.Second } // later starts take longer
		s := poolSpec("f")
		var want []string
		var all []<-chan Result
		for n := range 6 {
			id := fmt.Sprint(n)
			want = append(want, id)
			all = append(all, w.call(s, id, "10ms"))
			synctest.Wait()
		}
		for _, c := range all {
			<-c
		}
		if !slices.Equal(w.took, want) {
			t.Errorf("served in order %v", w.took)
		}
	})
}

// Waiters are not bound to the starts that were made for them: when an old
// instance becomes free it takes the head of the line.
func TestFreedInstanceServesTheLine(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		w.init = func(n int) time.Duration {
			if n == 1 {
				return 0
			}
			return time.Hour // within the limit only if InitLimit allows; never ready in this test
		}
		w.opts.InitLimit = 2 * time.Hour
		s := poolSpec("f")
		a := w.call(s, "a", "100ms")
		synctest.Wait()
		b := w.call(s, "b", "1ms")
		<-a
		if res := <-b; string(res.Payload) != "1" {
			t.Errorf("answered by %s, want the first process", res.Payload)
		}
	})
}

// A caller that invokes again as soon as it is answered gets the same
// instance, though the instance has not asked for more yet.
//
// sam-cli#239, serverless-offline#954, #1268: every request began anew.
func TestOneAfterTheOtherIsOneInstance(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s := poolSpec("f")
		for n := range 100 {
			<-w.call(s, fmt.Sprint(n), "1ms")
		}
		if w.started() != 1 {
			t.Errorf("%d processes for one invocation at a time", w.started())
		}
	})
}

func TestThrottles(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s, other := poolSpec("f"), poolSpec("g")
		two, none := 2, 0
		invoke := func(s *Spec, l Limit, payload string) error {
			_, err := w.Invoke(context.Background(), s, Invocation{RequestID: fmt.Sprint(time.Now()), Payload: []byte(payload), Limit: l})
			return err
		}
		for range 2 {
			go func() { _ = invoke(s, Limit{Reserved: &two}, "1s") }()
		}
		synctest.Wait()
		var refused *Throttled
		if err := invoke(s, Limit{Reserved: &two}, "1s"); !errors.As(err, &refused) || !refused.Reserved {
			t.Errorf("third of two: %v", err)
		}
		if err := invoke(s, Limit{Reserved: &none}, "1s"); !errors.As(err, &refused) || !refused.Reserved {
			t.Errorf("one of none: %v", err)
		}
		if err := invoke(other, Limit{Unreserved: 1}, "0s"); err != nil {
			t.Errorf("another function: %v", err)
		}
		go func() { _ = invoke(other, Limit{Unreserved: 1}, "1s") }()
		synctest.Wait()
		if err := invoke(poolSpec("h"), Limit{Unreserved: 1}, "0s"); !errors.As(err, &refused) || refused.Reserved {
			t.Errorf("second of one unreserved: %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := invoke(s, Limit{Reserved: &two}, "0s"); err != nil {
			t.Errorf("after the two: %v", err)
		}
	})
}

func TestTimeOutFreesEverything(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s := poolSpec("f", func(s *Spec) { s.Timeout = 3 * time.Second })
		start := time.Now()
		res := <-w.call(s, "a", "1h")
		if res.Fault == nil || res.Fault.Type != "Sandbox.Timedout" || time.Since(start) != 3*time.Second+10*time.Millisecond {
			t.Errorf("after %v: %s", time.Since(start), res.Payload)
		}
		if res := <-w.call(s, "b", "0s"); res.Fault != nil || string(res.Payload) != "2" {
			t.Errorf("then: %s", res.Payload)
		}
	})
}

func TestCrash(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s := poolSpec("f")
		if res := <-w.call(s, "a", "crash"); res.Fault == nil || res.Fault.Type != "Runtime.ExitError" {
			t.Errorf("payload %s", res.Payload)
		}
		if res := <-w.call(s, "b", "0s"); string(res.Payload) != "2" {
			t.Errorf("then: %s", res.Payload)
		}
	})
}

func TestIdleInstancesAreFrozenAndEnd(t *testing.T) {
	testWorld(t, func(o *Options) { o.IdleAfter = time.Minute }, func(w *world) {
		s := poolSpec("f")
		<-w.call(s, "a", "0s")
		f := w.fakes[0]
		frozen := func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.frozen }
		time.Sleep(400 * time.Millisecond)
		if frozen() {
			t.Error("frozen before it was idle for 500 ms")
		}
		time.Sleep(400 * time.Millisecond)
		if !frozen() {
			t.Error("not frozen after 800 ms")
		}
		if res := <-w.call(s, "b", "0s"); string(res.Payload) != "1" || frozen() || f.thaws != 1 {
			t.Errorf("answered by %s, frozen %v, thawed %d times", res.Payload, frozen(), f.thaws)
		}
		time.Sleep(time.Second)
		if !frozen() {
			t.Error("not frozen again")
		}
		time.Sleep(time.Minute)
		select {
		case <-f.gone:
		default:
			t.Error("not ended after a minute")
		}
		synctest.Wait()
		if len(w.pools) != 0 {
			t.Error("the pool is kept without a use")
		}
	})
}

func TestNeverFrozenUnderADebugger(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		<-w.call(poolSpec("f", func(s *Spec) { s.NeverStop = true }), "a", "0s")
		time.Sleep(10 * time.Second)
		if w.fakes[0].frozen {
			t.Error("frozen")
		}
	})
}

func TestSwap(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		old, next := poolSpec("f"), poolSpec("f", func(s *Spec) { s.Code = "new" })
		ctx := context.Background()
		if err := w.Swap(ctx, old, next); err != nil || w.started() != 0 {
			t.Errorf("swap of what does not run: %v, %d started", err, w.started())
		}
		<-w.call(old, "a", "0s")
		busy := w.call(old, "b", "1s")
		synctest.Wait()
		if err := w.Swap(ctx, old, next); err != nil || w.started() != 2 {
			t.Fatalf("swap: %v, %d started", err, w.started())
		}
		w.Retire(old)
		if res := <-w.call(next, "c", "0s"); string(res.Payload) != "2" || res.Fault != nil {
			t.Errorf("after the swap: %s", res.Payload)
		}
		if res := <-busy; string(res.Payload) != "1" {
			t.Errorf("what was under way: %s", res.Payload)
		}
		synctest.Wait()
		select {
		case <-w.fakes[0].gone:
		default:
			t.Error("the old instance did not end")
		}

		// A change that is taken back while the old instance is still busy.
		busy = w.call(next, "x", "1s")
		synctest.Wait()
		w.Retire(next)
		if err := w.Swap(ctx, next, next); err != nil {
			t.Fatal(err)
		}
		<-busy
		before := w.started()
		for _, id := range []string{"y", "z"} {
			<-w.call(next, id, "0s")
			synctest.Wait()
		}
		if w.started() != before {
			t.Errorf("%d processes started for a pool that is in use again", w.started()-before)
		}

		bad := poolSpec("f", func(s *Spec) { s.Code = "bad" })
		w.init = func(int) time.Duration { return -1 }
		var f *Fault
		if err := w.Swap(ctx, next, bad); !errors.As(err, &f) {
			t.Errorf("swap to what does not start: %v", err)
		}
		if res := <-w.call(next, "d", "0s"); res.Fault != nil {
			t.Errorf("after the failed swap: %s", res.Payload)
		}
	})
}

// An instance whose credentials are about to expire is replaced.
func TestCredentialsAreRefreshedByRecycling(t *testing.T) {
	testWorld(t, func(o *Options) { o.IdleAfter = 24 * time.Hour }, func(w *world) {
		w.keys = func() clock.Instant { return w.model.Now().Add(time.Hour) }
		s := poolSpec("f")
		<-w.call(s, "a", "0s")
		time.Sleep(50 * time.Minute)
		if res := <-w.call(s, "b", "0s"); string(res.Payload) != "1" {
			t.Errorf("with ten minutes left: %s", res.Payload)
		}
		time.Sleep(5 * time.Minute)
		if res := <-w.call(s, "c", "0s"); string(res.Payload) != "2" {
			t.Errorf("with less than the time-out and a margin left: %s", res.Payload)
		}
	})
}

// A runtime that opens several places takes as many invocations at a time.
func TestPlacesNotInstances(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		s := poolSpec("f", func(s *Spec) { s.Env = map[string]string{"AWS_LAMBDA_MAX_CONCURRENCY": "4"} })
		<-w.call(s, "first", "0s")
		synctest.Wait()
		var all []<-chan Result
		start := time.Now()
		for n := range 4 {
			all = append(all, w.call(s, fmt.Sprint(n), "1s"))
		}
		for _, c := range all {
			<-c
		}
		if took := time.Since(start); w.started() != 1 || took != time.Second {
			t.Errorf("%d processes, %v", w.started(), took)
		}
	})
}

func TestCallerWhoLeaves(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		w.init = func(int) time.Duration { return time.Second }
		s := poolSpec("f")
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := w.Invoke(ctx, s, Invocation{RequestID: "waits", Payload: []byte("0s")}); !errors.Is(err, context.Canceled) {
			t.Errorf("left while waiting: %v", err)
		}
		<-w.call(s, "warm", "0s")
		ctx, cancel = context.WithCancel(context.Background())
		time.AfterFunc(100*time.Millisecond, cancel)
		if _, err := w.Invoke(ctx, s, Invocation{RequestID: "runs", Payload: []byte("1s")}); !errors.Is(err, context.Canceled) {
			t.Errorf("left while running: %v", err)
		}
		if n := w.unreserved.Load(); n != 1 {
			t.Errorf("%d under way, want the one that goes on without its caller", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if slices.Contains(w.took, "waits") || !slices.Contains(w.took, "runs") {
			t.Errorf("processes got %v", w.took)
		}
	})
}

func TestClosed(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		w.init = func(int) time.Duration { return time.Hour }
		w.opts.InitLimit = 2 * time.Hour
		s := poolSpec("f")
		waits := w.call(s, "a", "0s")
		synctest.Wait()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if res := <-waits; string(res.Payload) != ErrClosed.Error() {
			t.Errorf("who waited got %s", res.Payload)
		}
		if _, err := w.Invoke(context.Background(), s, Invocation{}); !errors.Is(err, ErrClosed) {
			t.Errorf("after close: %v", err)
		}
	})
}
