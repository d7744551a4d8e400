package runner

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// provisioned are the two Specs of a version with provisioned concurrency.
func provisioned() (kept, onDemand *Spec) {
	version := func(s *Spec) { s.Version = "1" }
	return poolSpec("f", version, func(s *Spec) { s.Provisioned = true }), poolSpec("f", version)
}

// callProvisioned invokes where there is provisioned concurrency.
func (w *world) callProvisioned(kept, onDemand *Spec, id, payload string) <-chan Result {
	out := make(chan Result, 1)
	go func() {
		res, err := w.Invoke(context.Background(), onDemand, Invocation{RequestID: id, Payload: []byte(payload), Provisioned: kept})
		if err != nil {
			res.Payload = []byte(err.Error())
		}
		out <- res
	}()
	return out
}

// Instances are there before traffic, take it without a cold start, and what
// they have no place for spills over to instances on demand.
//
// Mutations that it finds: an offer that lines up behind busy instances, a
// provisioned instance that is started on demand, a first invocation that counts
// as cold.
func TestProvisioned(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		kept, onDemand := provisioned()
		if err := w.Provision(kept, 2); err != nil {
			t.Fatal(err)
		}
		if p := w.Provisioned(kept); p.Wanted != 2 || p.Ready != 0 {
			t.Errorf("before they are up: %+v", p)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if p := w.Provisioned(kept); p.Ready != 2 || p.Fault != nil || w.started() != 2 {
			t.Fatalf("%+v of %d processes", p, w.started())
		}
		var all []<-chan Result
		for n := range 3 {
			all = append(all, w.callProvisioned(kept, onDemand, fmt.Sprint(n), "1s"))
			synctest.Wait()
		}
		for n, c := range all {
			if r := <-c; r.Provisioned != (n < 2) || r.Cold != (n == 2) {
				t.Errorf("invocation %d: provisioned %v, cold %v", n, r.Provisioned, r.Cold)
			}
		}
		if w.started() != 3 {
			t.Errorf("%d processes, want 2 and 1 on demand", w.started())
		}
		synctest.Wait()
		spilled := 0
		for _, u := range w.opts.Meter.(*meter).all() {
			if u.Spilled {
				spilled++
			}
			if u.Spilled == u.Provisioned {
				t.Errorf("%+v", u)
			}
		}
		if spilled != 1 {
			t.Errorf("%d invocations are metered as spilled over, want 1", spilled)
		}
	})
}

// They stay, however long they idle; one that dies is replaced; and they go when
// there are to be fewer, or none.
func TestProvisionedStay(t *testing.T) {
	testWorld(t, func(o *Options) { o.IdleAfter = time.Minute }, func(w *world) {
		kept, onDemand := provisioned()
		ready := func(when string, want, started int) {
			t.Helper()
			time.Sleep(time.Second)
			synctest.Wait()
			if p := w.Provisioned(kept); p.Ready != want || w.started() != started {
				t.Errorf("%s: %+v of %d processes, want %d of %d", when, p, w.started(), want, started)
			}
		}
		provision := func(n int) {
			t.Helper()
			if err := w.Provision(kept, n); err != nil {
				t.Fatal(err)
			}
		}
		provision(2)
		time.Sleep(time.Hour)
		ready("after an hour of nothing", 2, 2)
		<-w.callProvisioned(kept, onDemand, "a", "crash")
		ready("after one has crashed", 2, 3)
		provision(3)
		ready("one more", 3, 4)
		provision(1)
		ready("fewer", 1, 4)
		provision(2)
		ready("two again", 2, 5)
		a, b := w.callProvisioned(kept, onDemand, "a", "30s"), w.callProvisioned(kept, onDemand, "b", "30s")
		synctest.Wait()
		provision(1) // while both are busy
		<-a
		<-b
		ready("fewer, of those that were busy", 1, 5)
		provision(0)
		ready("none", 0, 5)
		if r := <-w.callProvisioned(kept, onDemand, "b", "1ms"); r.Provisioned || !r.Cold {
			t.Errorf("without any: %+v", r)
		}
	})
}

// An instance that does not initialise is not tried over and over, until it is
// asked for again.
func TestProvisionedFails(t *testing.T) {
	testWorld(t, func(o *Options) { o.Starts = 1 }, func(w *world) {
		kept, _ := provisioned()
		w.init = func(n int) time.Duration {
			if n == 1 {
				return -1
			}
			return time.Millisecond
		}
		for _, want := range []Provisioned{{Wanted: 2}, {Wanted: 2, Ready: 2}} {
			if err := w.Provision(kept, 2); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			got := w.Provisioned(kept)
			if got.Wanted != want.Wanted || got.Ready != want.Ready || (got.Fault == nil) != (want.Ready == 2) {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
		if w.started() != 3 {
			t.Errorf("%d processes, want one that failed and two", w.started())
		}
	})
}
