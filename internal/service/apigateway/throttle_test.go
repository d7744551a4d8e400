package apigateway

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// TestBuckets: over any stretch of time no more get through than a burst and
// what the rate gives in it, and where enough are waiting no fewer.
//
// Mutation that makes it fail: buckets that overflow.
func TestBuckets(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		l := limit{rate: float64(r.IntN(40)+1) / 4, burst: float64(r.IntN(8) + 1)}
		b, now := &buckets{}, clock.Instant(1)
		var through []clock.Instant
		for range 400 {
			if b.take(bucketKey{method: "/a/GET"}, l, now) {
				through = append(through, now)
			}
			now = now.Add(time.Duration(r.IntN(100)) * time.Millisecond)
		}
		for i := range through {
			for j := i; j < len(through); j++ {
				most := l.burst + l.rate*through[j].Sub(through[i]).Seconds()
				if n := float64(j - i + 1); n > most+1e-6 {
					t.Fatalf("seed %d: %+v let %v through in %s", seed, l, n, through[j].Sub(through[i]))
				}
			}
		}
		if least := min(l.rate*now.Sub(1).Seconds(), 380); float64(len(through)) < least*0.5 {
			t.Errorf("seed %d: %+v let %d through in %s", seed, l, len(through), now.Sub(1))
		}
	}
}

// TestLimits: what switches a limit off, and what a limit without a burst is.
func TestLimits(t *testing.T) {
	n := func(f float64) *float64 { return &f }
	i := func(n int32) *int32 { return &n }
	for _, tt := range []struct {
		rate  *float64
		burst *int32
		want  *limit
	}{
		{nil, nil, nil}, {nil, i(5), nil}, {n(-1), i(5), nil}, {n(5), i(-1), nil},
		{n(5), nil, &limit{5, 5}}, {n(0.5), nil, &limit{0.5, 1}}, {n(5), i(10), &limit{5, 10}}, {n(0), i(0), &limit{0, 0}},
	} {
		got := limitOf(tt.rate, tt.burst)
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%v and %v: %+v, want %+v", tt.rate, tt.burst, got, tt.want)
		}
	}
}
