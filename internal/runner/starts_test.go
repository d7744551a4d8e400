package runner

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// A burst of one function does not keep another from starting.
func TestStartsAreDealtInTurn(t *testing.T) {
	testWorld(t, func(o *Options) { o.Starts = 1 }, func(w *world) {
		w.init = func(int) time.Duration { return 100 * time.Millisecond }
		many, one := poolSpec("many"), poolSpec("one")
		start := time.Now()
		var all []<-chan Result
		for n := range 20 {
			all = append(all, w.call(many, fmt.Sprint(n), "1h"))
		}
		synctest.Wait()
		<-w.call(one, "x", "0s")
		// Behind the start under way and one of the burst.
		if took := time.Since(start); took > 300*time.Millisecond {
			t.Errorf("the other function waited %v for a start of 100 ms behind a burst", took)
		}
		_ = all
	})
}

// A start that waits for something else than the processor gives its right
// back.
func TestSlowStartsDoNotHoldUpOthers(t *testing.T) {
	testWorld(t, func(o *Options) { o.Starts = 1 }, func(w *world) {
		w.init = func(n int) time.Duration {
			if n == 1 {
				return 9 * time.Second
			}
			return time.Millisecond
		}
		slow := w.call(poolSpec("slow"), "s", "0s")
		synctest.Wait()
		start := time.Now()
		<-w.call(poolSpec("quick"), "q", "0s")
		if took := time.Since(start); took > startShare+10*time.Millisecond {
			t.Errorf("waited %v", took)
		}
		<-slow
	})
}

// Each failing start fails one invocation, and the others get starts of their
// own.
func TestFailingStarts(t *testing.T) {
	testWorld(t, nil, func(w *world) {
		w.init = func(n int) time.Duration {
			if n <= 2 {
				return -1
			}
			return 0
		}
		s := poolSpec("f")
		var all []<-chan Result
		for n := range 3 {
			all = append(all, w.call(s, fmt.Sprint(n), "1s"))
			synctest.Wait()
		}
		failed := 0
		for _, c := range all {
			if res := <-c; res.Fault != nil {
				failed++
			}
		}
		if failed != 2 {
			t.Errorf("%d failed, want the 2 whose starts failed", failed)
		}
	})
}

// A start that comes to nothing, of a function whose instances are up, is not told to
// those who wait for something else: on a busy machine a second instance may take
// longer than it is allowed to while the first one serves all.
//
// Mutation that it finds: the error goes to whoever waits when a start fails.
func TestFailedStartsBesideOthers(t *testing.T) {
	slow := func(n int) time.Duration {
		if n == 2 || n == 3 { // the start, and the second try in the invocation's time
			return time.Hour
		}
		return 0
	}
	testWorld(t, nil, func(w *world) {
		w.init = slow
		s := poolSpec("f")
		a := w.call(s, "a", "1s")
		synctest.Wait()
		b := w.call(s, "b", "1ms") // for whom a start is made, which takes 70 s to fail
		<-a
		if res := <-b; res.Fault != nil || string(res.Payload) != "1" {
			t.Fatalf("b: %s", res.Payload)
		}
		time.Sleep(60 * time.Second)
		c := w.call(s, "c", "20s")
		time.Sleep(5 * time.Second)
		d := w.call(s, "d", "1ms")
		for name, ch := range map[string]<-chan Result{"c": c, "d": d} {
			if res := <-ch; res.Fault != nil {
				t.Errorf("%s was told of a start that was not made for it: %s", name, res.Payload)
			}
		}
	})
	for fails, want := range map[int]string{1: "3", 2: `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: b Error: no such program"}`} {
		testWorld(t, nil, func(w *world) {
			w.init = func(n int) time.Duration {
				if n > 1 && n <= 1+fails {
					return -1
				}
				return 0
			}
			s := poolSpec("f")
			a := w.call(s, "a", "1s")
			synctest.Wait()
			if res := <-w.call(s, "b", "1ms"); string(res.Payload) != want {
				t.Errorf("after %d failed starts beside one that is up: %s", fails, res.Payload)
			}
			<-a
		})
	}
}
