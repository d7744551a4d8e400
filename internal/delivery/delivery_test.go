package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/work"
)

var errDown = errors.New("target is down")

func TestScheme(t *testing.T) {
	for target, want := range map[string]string{
		"arn:aws:lambda:us-east-1:000000000000:function:f": "lambda",
		"arn:aws:sqs:us-east-1:000000000000:q":             "sqs",
		"https://example.com/hook":                         "https",
		"HTTP://example.com":                               "http",
		"mailto:ana@example.com":                           "mailto",
		"queue":                                            "",
		"":                                                 "",
	} {
		if got := delivery.Scheme(target); got != want {
			t.Errorf("Scheme(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestEffectsArriveAsTheyWereEmitted(t *testing.T) {
	var got delivery.Effect
	var cause record.Cause
	out := &outside{do: func(ctx context.Context, e delivery.Effect) delivery.Outcome {
		got, cause = e, record.From(ctx)
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	want := delivery.Effect{
		Cell: there, Target: "out:a", ID: "id", Kind: "invoke", Order: "o", Payload: []byte("hello"),
		Actor:     delivery.ActorRef{Account: "1", ARN: "arn:aws:iam::1:role/r", Service: "sns.amazonaws.com", UserID: "u"},
		SourceARN: "arn:aws:sns:eu-west-1:1:topic", Cause: record.Cause{Trace: record.TraceID{1}, Span: record.SpanID{2}, Request: "r", By: "ana", Sampled: true},
		At: start, Policy: delivery.Policy{MaxAttempts: 3, MaxAge: time.Hour, Backoff: 1, MaxBackoff: 2, DeadLetter: "out:dlq"},
	}
	b.emit(want)
	b.settled()
	want.Attempt = 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effect (-want +got):\n%s", diff)
	}
	if cause != want.Cause {
		t.Errorf("the context's cause is %+v", cause)
	}
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
	// One without an id gets its own.
	b.emit(effect("out:a", "1"), effect("out:a", "2"))
	b.settled()
	if len(got.ID) != 20 {
		t.Errorf("id %q", got.ID)
	}
}

func TestUnknownTargetIsRefused(t *testing.T) {
	b := memBed(t, &outside{}, inside{})
	_, err := b.db.Update(context.Background(), func(tx *kv.Tx) error { return b.delivery.Emit(tx, effect("arn:aws:nothing:::x", "")) })
	if err == nil || !strings.Contains(err.Error(), `nothing delivers to "arn:aws:nothing:::x"`) {
		t.Errorf("Emit: %v", err)
	}
}

// Nothing is handed over for a change that was not made.
func TestAnAbandonedChangeHasNoEffect(t *testing.T) {
	b := memBed(t, &outside{}, inside{})
	_, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		if err := b.delivery.Emit(tx, effect("out:a", "1")); err != nil {
			return err
		}
		return errDown
	})
	if !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	b.settled()
	if got := b.out.took(); got != "" {
		t.Errorf("handed over %q", got)
	}
}

func TestRetriesBackOffUntilTheyAreExhausted(t *testing.T) {
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if e.Target == "out:a" {
			return delivery.Outcome{Err: errDown}
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	e := effect("out:a", "x")
	e.ID = "fixed"
	e.Policy = delivery.Policy{MaxAttempts: 5, Backoff: 10 * time.Second, MaxBackoff: 25 * time.Second, DeadLetter: "out:dlq"}
	b.emit(e, effect("out:b", "y"))
	var pauses []time.Duration
	for last := start; ; {
		r := b.settled()
		if r.Next.IsZero() {
			break
		}
		pauses = append(pauses, r.Next.Sub(last))
		last = r.Next
		if err := b.model.Set(r.Next); err != nil {
			t.Fatal(err)
		}
	}
	for i, full := range []time.Duration{10, 20, 25, 25} {
		full *= time.Second
		if i >= len(pauses) || pauses[i] < full/2 || pauses[i] > full {
			t.Fatalf("pauses %v, want four within 5..10, 10..20, 12.5..25, 12.5..25 s", pauses)
		}
	}
	got := strings.Split(out.took(), " ")
	if n := len(got); n != 7 || got[n-1] != "x#1" || got[n-2] != "x#5" {
		t.Errorf("handed over %v", got)
	}
	gone, err := b.delivery.Gone(context.Background(), here, "out:a")
	if err != nil || len(gone) != 1 || gone[0].Attempt != 5 || gone[0].LastError != errDown.Error() {
		t.Errorf("given up: %+v, %v", gone, err)
	}

	// The same again pauses the same.
	again := memBed(t, &outside{do: out.do}, inside{})
	again.emit(e)
	if r := again.settled(); r.Next.Sub(start) != pauses[0] {
		t.Errorf("a replay pauses %v, the original %v", r.Next.Sub(start), pauses[0])
	}
}

func TestOutcomes(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome delivery.Outcome
		policy  delivery.Policy
		handed  string
		gone    string
	}{
		{"permanent", delivery.Outcome{Err: errDown, Permanent: true}, delivery.Policy{}, "x#1", "1 target is down"},
		{"given pauses are exact", delivery.Outcome{Err: errDown, After: time.Minute}, delivery.Policy{MaxAttempts: 3}, "x#1 x#2 x#3", "3 target is down"},
		{"throttled does not count", delivery.Outcome{Err: errDown, Throttled: true, After: time.Minute},
			delivery.Policy{MaxAttempts: 2, MaxAge: 3 * time.Minute}, "x#1 x#1 x#1 x#1", "0 target is down"},
		{"too old", delivery.Outcome{Err: errDown, After: 50 * time.Minute}, delivery.Policy{MaxAge: 70 * time.Minute}, "x#1 x#2", "2 target is down"},
		{"followed by another", delivery.Outcome{Then: []delivery.Effect{effect("out:b", "then")}}, delivery.Policy{}, "x#1 then#1", ""},
		{"failed, and followed by another", delivery.Outcome{Err: errDown, Permanent: true, Then: []delivery.Effect{effect("out:b", "then")}},
			delivery.Policy{}, "x#1 then#1", "1 target is down"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
				if e.Target == "out:a" {
					return test.outcome
				}
				return delivery.Outcome{}
			}}
			b := memBed(t, out, inside{})
			e := effect("out:a", "x")
			e.Policy = test.policy
			b.emit(e)
			r := b.advance(start.Add(24 * time.Hour))
			if got := out.took(); got != test.handed {
				t.Errorf("handed over %q, want %q", got, test.handed)
			}
			gone, err := b.delivery.Gone(context.Background(), here, "out:a")
			if err != nil {
				t.Fatal(err)
			}
			var got string
			for _, e := range gone {
				got += fmt.Sprintf("%d %s", e.Attempt, e.LastError)
			}
			if got != test.gone {
				t.Errorf("given up %q, want %q", got, test.gone)
			}
			if rows := b.rows(); len(rows) != 0 || !r.Next.IsZero() {
				t.Errorf("rows left: %v, next %v", rows, r.Next)
			}
		})
	}
}

// exhausted is an Accepter that says itself what follows.
type exhausted struct{ outside }

func (*exhausted) Scheme() string { return "ex" }

func (*exhausted) Exhausted(e delivery.Effect, o delivery.Outcome, why delivery.Reason) []delivery.Effect {
	return []delivery.Effect{effect("out:dlq", fmt.Sprintf("%s after %d: %v %d", e.Payload, e.Attempt, o.Err, why))}
}

func TestReceiverWritesTheDeadLetter(t *testing.T) {
	out := &outside{}
	b := newBed(t, openMem(t), stopped(start), delivery.Options{}, out, inside{})
	ex := &exhausted{}
	ex.do = func(context.Context, delivery.Effect) delivery.Outcome {
		return delivery.Outcome{Err: errDown, After: 1}
	}
	b.delivery.Receive(ex)
	b.start()
	e := effect("ex:a", "x")
	e.Policy = delivery.Policy{MaxAttempts: 2, DeadLetter: "out:not-this"}
	b.emit(e)
	b.advance(start.Add(time.Hour))
	if got, want := out.took(), "x after 2: target is down 1#1"; got != want {
		t.Errorf("dead letters %q, want %q", got, want)
	}
}

// undertaker buries what is given up, whoever was to take it.
type undertaker struct{ exhausted }

func (*undertaker) Scheme() string { return "grave" }

func (*undertaker) Bury(e delivery.Effect, o delivery.Outcome, why delivery.Reason) []delivery.Effect {
	return []delivery.Effect{effect("out:dlq", fmt.Sprintf("%s of %s after %d: %v %d", e.Payload, e.Target, e.Attempt, o.Err, why))}
}

func TestUndertakerComesBeforeTheReceiver(t *testing.T) {
	out := &outside{}
	b := newBed(t, openMem(t), stopped(start), delivery.Options{}, out, inside{})
	ex := &exhausted{}
	ex.do = func(context.Context, delivery.Effect) delivery.Outcome {
		return delivery.Outcome{Err: errDown, Permanent: true}
	}
	b.delivery.Receive(ex)
	b.delivery.Receive(&undertaker{})
	b.start()
	e := effect("ex:a", "x")
	e.Policy = delivery.Policy{DeadLetter: "grave:yard"}
	b.emit(e)
	b.settled()
	if got, want := out.took(), "x of ex:a after 1: target is down 0#1"; got != want {
		t.Errorf("dead letters %q, want %q", got, want)
	}
}

func TestOneOrderWaitsAndTheRestGoesOn(t *testing.T) {
	fail := true
	var mu sync.Mutex
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		mu.Lock()
		defer mu.Unlock()
		if fail && string(e.Payload) == "a1" {
			return delivery.Outcome{Err: errDown, After: time.Minute}
		}
		return delivery.Outcome{}
	}}
	out.limits = delivery.Limits{InFlight: 1}
	b := memBed(t, out, inside{})
	b.emit(ordered("out:t", "a", "a1"), ordered("out:t", "a", "a2"), ordered("out:t", "b", "b1"), effect("out:t", "free"), ordered("out:t", "a", "a3"))
	r := b.settled()
	if got, want := out.took(), "a1#1 b1#1 free#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
	if r.Next != start.Add(time.Minute) || r.Ready != 0 {
		t.Errorf("next %v, ready %d", r.Next, r.Ready)
	}
	if want := []work.Wait{{What: "delivery to out:t", Count: 1, At: r.Next, Why: errDown.Error()}}; !slices.Equal(r.Waits, want) {
		t.Errorf("what waits is %v, want %v", r.Waits, want)
	}
	b.emit(ordered("out:t", "a", "a4"), ordered("out:t", "b", "b2"))
	b.settled()
	if got, want := out.took(), "b2#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
	// A restart knows what waits behind what.
	b.stop()
	c := newBed(t, b.db, b.model, delivery.Options{}, out, inside{}).start()
	c.emit(ordered("out:t", "a", "a5"))
	c.settled()
	if got := out.took(); got != "" {
		t.Errorf("handed over %q after a restart", got)
	}
	mu.Lock()
	fail = false
	mu.Unlock()
	c.advance(start.Add(time.Hour))
	if got, want := out.took(), "a1#2 a2#1 a3#1 a4#1 a5#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
	if rows := c.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

// What is given up lets its successors go.
func TestSuccessorsGoWhenOneIsGivenUp(t *testing.T) {
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if string(e.Payload) == "1" {
			return delivery.Outcome{Err: errDown, After: time.Minute}
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	first := ordered("out:t", "a", "1")
	first.Policy.MaxAttempts = 2
	b.emit(first, ordered("out:t", "a", "2"), ordered("out:t", "a", "3"))
	b.advance(start.Add(time.Hour))
	if got, want := out.took(), "1#1 1#2 2#1 3#1"; got != want {
		t.Errorf("handed over %q, want %q", got, want)
	}
}

// After some failures a target gets one effect at a time, until one succeeds.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		down := true
		out := &outside{limits: delivery.Limits{InFlight: 16}}
		out.do = func(_ context.Context, e delivery.Effect) delivery.Outcome {
			time.Sleep(time.Second) // the bubble's clock
			if down {
				return delivery.Outcome{Err: errDown, After: time.Hour}
			}
			return delivery.Outcome{}
		}
		b := newBed(t, db, stopped(start), delivery.Options{}, out, inside{}).start()
		defer b.stop()
		most := func(n int) int {
			out.maxFlown = 0
			for i := range n {
				b.emit(effect("out:a", fmt.Sprint(i)))
			}
			b.settled()
			return out.maxFlown
		}
		if n := most(32); n < 8 || n > 16 {
			t.Errorf("%d at once at first, want up to 16", n)
		}
		if n := most(32); n != 1 {
			t.Errorf("%d at once while it is down, want 1", n)
		}
		down = false
		most(1)
		if n := most(32); n < 8 {
			t.Errorf("%d at once when it is up again, want up to 16", n)
		}
	})
}

// Failures of a target whose effects are apart do not hold up the rest.
//
// Mutation: Apart not looked at.
func TestApart(t *testing.T) {
	reached, release := make(chan struct{}, 64), make(chan struct{})
	out := &outside{limits: delivery.Limits{InFlight: 8, Apart: true}, do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if string(e.Payload) == "bad" {
			return delivery.Outcome{Err: errDown, After: time.Hour}
		}
		reached <- struct{}{}
		<-release
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	for range 10 {
		b.emit(effect("out:a", "bad"))
	}
	b.settled()
	for range 8 {
		b.emit(effect("out:a", "good"))
	}
	for range 8 {
		<-reached // all at once
	}
	close(release)
	b.settled()
}

// A target that takes its time delays no other, and settle waits for it.
func TestSlowTargetDelaysNobody(t *testing.T) {
	release := make(chan struct{})
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if e.Target == "out:slow" {
			<-release
		}
		return delivery.Outcome{}
	}}
	arrived := make(chan string, 20)
	in := inside{do: func(tx *kv.Tx, e delivery.Effect) delivery.Outcome {
		tx.After(func(kv.Stamp) { arrived <- e.Target })
		return delivery.Outcome{}
	}}
	b := newBed(t, openMem(t), stopped(start), delivery.Options{Bytes: 1000}, out, in).start()
	for i := range 20 {
		b.emit(effect("out:slow", strings.Repeat("s", 500)), effect(fmt.Sprint("in:", i), "x"))
	}
	for range 20 {
		<-arrived
	}
	look, err := b.settle.Look(context.Background(), 0, false)
	if err != nil || look.Settled {
		t.Errorf("settled with a call under way: %+v, %v", look, err)
	}
	close(release)
	b.settled()
}

// All targets together stay within the bytes, but for one effect each.
func TestBytesAreBounded(t *testing.T) {
	const targets, each, size, cap = 10, 30, 1000, 8000
	var mu sync.Mutex
	flying, most := 0, 0
	out := &outside{limits: delivery.Limits{InFlight: 64}}
	out.do = func(context.Context, delivery.Effect) delivery.Outcome {
		mu.Lock()
		flying += size
		most = max(most, flying)
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		flying -= size
		mu.Unlock()
		return delivery.Outcome{}
	}
	b := newBed(t, openMem(t), stopped(start), delivery.Options{Bytes: cap}, out, inside{})
	for i := range targets * each {
		b.emit(effect(fmt.Sprint("out:", i%targets), fmt.Sprint(i, strings.Repeat("x", size))))
	}
	b.start()
	b.settled()
	if got := strings.Count(out.took(), "#1"); got != targets*each {
		t.Errorf("%d effects were handed over, want %d", got, targets*each)
	}
	if most > cap+targets*size {
		t.Errorf("%d bytes in flight, want at most %d", most, cap+targets*size)
	}
}

func TestPayloadIsShared(t *testing.T) {
	out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
		if len(e.Payload) != 5000 {
			t.Errorf("payload of %d bytes", len(e.Payload))
		}
		if e.Target == "out:8" && e.Attempt == 1 {
			return delivery.Outcome{Err: errDown, After: time.Minute}
		}
		return delivery.Outcome{}
	}}
	b := memBed(t, out, inside{})
	payload := []byte(strings.Repeat("p", 5000))
	var es []delivery.Effect
	for i := range 10 {
		e := effect(fmt.Sprint("out:", i), "")
		e.Payload = payload
		es = append(es, e)
	}
	lone := effect("out:lone", strings.Repeat("l", 5000))
	elsewhere := es[0]
	elsewhere.Cell = there
	b.emit(append(es, lone, elsewhere)...)
	count := func() (payloads, counts int) {
		for _, k := range b.rows() {
			if strings.Contains(k, `"delivery"/0/"p"`) {
				payloads++
			}
			if strings.Contains(k, `"delivery"/0/"n"`) {
				counts++
			}
		}
		return payloads, counts
	}
	b.settled()
	if p, n := count(); p != 1 || n != 1 {
		t.Errorf("%d payloads and %d counters while one effect is to be tried again, want 1 and 1", p, n)
	}
	b.advance(start.Add(time.Hour))
	if rows := b.rows(); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

func TestLastOnesGivenUpAreKept(t *testing.T) {
	out := &outside{do: func(context.Context, delivery.Effect) delivery.Outcome {
		return delivery.Outcome{Err: errDown, Permanent: true}
	}}
	b := memBed(t, out, inside{})
	for i := range 130 {
		b.emit(effect("out:a", fmt.Sprint(i)))
		b.settled()
	}
	gone, err := b.delivery.Gone(context.Background(), here, "out:a")
	if err != nil || len(gone) != 100 || string(gone[0].Payload) != "30" || string(gone[99].Payload) != "129" {
		t.Errorf("%d kept, %v", len(gone), err)
	}
}

func TestRunningClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := kv.Open(memkv.New())
		defer db.Close()
		model := clock.NewModel(clock.State{})
		out := &outside{do: func(_ context.Context, e delivery.Effect) delivery.Outcome {
			if e.Attempt < 3 {
				return delivery.Outcome{Err: errDown, After: time.Minute}
			}
			return delivery.Outcome{}
		}}
		b := newBed(t, db, model, delivery.Options{}, out, inside{}).start()
		defer b.stop()
		b.emit(effect("out:a", "x"))
		began := time.Now()
		if _, err := b.settle.Settle(t.Context(), time.Hour, false); err != nil {
			t.Fatal(err)
		}
		if got, want := out.took(), "x#1 x#2 x#3"; got != want || time.Since(began) != 2*time.Minute {
			t.Errorf("handed over %q in %v, want %q in 2m", got, time.Since(began), want)
		}
	})
}
