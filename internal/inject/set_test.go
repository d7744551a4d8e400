package inject

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/fault"
)

func add(t *testing.T, s *Set, r Rule) Rule {
	t.Helper()
	r, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The decisions of a rule are those of its seed, whatever other rules decide.
func TestDecisionsAreTheSeeds(t *testing.T) {
	decide := func(t *testing.T, seed uint64, others int) (hits []bool) {
		var s Set
		for range others {
			add(t, &s, Rule{Kind: Latency, Wait: 1, Service: "s3", Probability: 0.5})
		}
		add(t, &s, Rule{Kind: Error, Code: "Bad", Service: "s3", Probability: 0.3, Seed: seed})
		for range 200 {
			hits = append(hits, Calls{&s}.Disturb(t.Context(), "s3", "PutObject").Err != nil)
		}
		return hits
	}
	synctest.Test(t, func(t *testing.T) {
		first := decide(t, 7, 0)
		if !slices.Equal(first, decide(t, 7, 2)) {
			t.Error("the same seed has decided otherwise")
		}
		if slices.Equal(first, decide(t, 8, 0)) {
			t.Error("another seed has decided the same")
		}
		n := 0
		for _, hit := range first {
			if hit {
				n++
			}
		}
		if n < 40 || n > 80 {
			t.Errorf("%d hits of 200 with a chance of 0.3", n)
		}
	})
}

func TestCountEnds(t *testing.T) {
	var s Set
	add(t, &s, Rule{Kind: Throttle, Service: "dynamodb", Operation: "Put*", Count: 2})
	n := 0
	for range 5 {
		_ = Calls{&s}.Disturb(t.Context(), "dynamodb", "GetItem")
		if err := (Calls{&s}).Disturb(t.Context(), "dynamodb", "PutItem").Err; fault.Is(err, "ProvisionedThroughputExceededException") {
			n++
		} else if err != nil {
			t.Error(err)
		}
	}
	if n != 2 || s.Rules()[0].Hits != 2 {
		t.Errorf("%d times, hits %d, want 2", n, s.Rules()[0].Hits)
	}
}

func TestRemoveAndClear(t *testing.T) {
	var s Set
	one := add(t, &s, Rule{Kind: Kill})
	two := add(t, &s, Rule{Kind: Kill})
	if err := s.Remove(one.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(one.ID); !errors.Is(err, ErrNone) {
		t.Errorf("again: %v", err)
	}
	if rules := s.Rules(); len(rules) != 1 || rules[0].ID != two.ID {
		t.Errorf("left are %+v", rules)
	}
	s.Clear()
	if kill, err := (Functions{&s}).Disturb(t.Context(), "f"); kill >= 0 || err != nil {
		t.Errorf("without rules: %v, %v", kill, err)
	}
	if three := add(t, &s, Rule{Kind: Kill}); three.ID == one.ID || three.ID == two.ID {
		t.Errorf("the name %s comes again", three.ID)
	}
}

// Waits add up, and end with the caller.
func TestLatencyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Set
		add(t, &s, Rule{Kind: Latency, Wait: time.Second, Service: "s3"})
		add(t, &s, Rule{Kind: Latency, Wait: time.Minute, Jitter: time.Minute, Service: "*"})
		began := time.Now()
		if d := (Calls{&s}).Disturb(t.Context(), "s3", "GetObject"); d.Err != nil {
			t.Error(d.Err)
		}
		if took := time.Since(began); took < 61*time.Second || took > 121*time.Second {
			t.Errorf("waited %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if d := (Calls{&s}).Disturb(ctx, "s3", "GetObject"); !errors.Is(d.Err, context.Canceled) {
			t.Errorf("with a caller that has left: %v", d.Err)
		}
	})
}

// A rule with a function befalls the calls of that function alone.
func TestCallsOfAFunction(t *testing.T) {
	var s Set
	add(t, &s, Rule{Kind: Lost, Service: "s3", Function: "api", After: true})
	as := func(name string) context.Context {
		return awsapi.With(t.Context(), &awsapi.Call{Actor: awsapi.Actor{Session: &awsapi.Session{Name: name}}})
	}
	if d := (Calls{&s}).Disturb(as("app-dev-api"), "s3", "GetObject"); d.Err != awsapi.ErrLost || !d.After {
		t.Errorf("of the function: %+v", d)
	}
	for _, ctx := range []context.Context{t.Context(), as("app-dev-other")} {
		if d := (Calls{&s}).Disturb(ctx, "s3", "GetObject"); d.Err != nil {
			t.Errorf("of another: %+v", d)
		}
	}
	if kill, err := (Functions{&s}).Disturb(t.Context(), "app-dev-api"); kill >= 0 || err != nil {
		t.Errorf("its invocations: %v, %v", kill, err)
	}
}

func TestDeliveries(t *testing.T) {
	var s Set
	add(t, &s, Rule{Kind: Reorder, Wait: time.Minute, Service: "lambda", Function: "f"})
	add(t, &s, Rule{Kind: Duplicate, Service: "sqs"})
	to := func(target string) *delivery.Effect { return &delivery.Effect{Target: target} }
	f, other, q := to("arn:aws:lambda:us-east-1:000000000000:function:f:live"), to("arn:aws:lambda:us-east-1:000000000000:function:g"), to("arn:aws:sqs:us-east-1:000000000000:q")
	d := Deliveries{&s}
	for range 100 {
		if got := d.Disturb(f, true); got.Delay <= 0 || got.Delay > time.Minute || got.Twice {
			t.Fatalf("%+v", got)
		}
	}
	if got := d.Disturb(f, false); got.Delay != 0 {
		t.Errorf("delayed again: %+v", got)
	}
	if got := d.Disturb(other, true); got != (delivery.Disturbance{}) {
		t.Errorf("another function: %+v", got)
	}
	if got := d.Disturb(q, false); !got.Twice || got.Note != "duplicate (f2)" {
		t.Errorf("a queue: %+v", got)
	}
}

func TestFullDisk(t *testing.T) {
	var s Set
	fs := s.Disk(disk.Mem())
	file, err := fs.Create("file", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	add(t, &s, Rule{Kind: DiskFull})
	if _, err := file.Write([]byte("two")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write: %v", err)
	}
	if _, err := fs.Create("other", vfs.WriteCategoryUnspecified); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("create: %v", err)
	}
	s.Clear()
	if _, err := file.Write([]byte("two")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func BenchmarkNoRules(b *testing.B) {
	var s Set
	c := Calls{&s}
	ctx := b.Context()
	for b.Loop() {
		if c.Disturb(ctx, "dynamodb", "PutItem").Err != nil {
			b.Fatal()
		}
	}
}
