package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/delivery"
)

// chance disturbs at random.
type chance struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *chance) Disturb(_ *delivery.Effect, first bool) (d delivery.Disturbance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first && c.rng.IntN(3) == 0 {
		d.Delay = 1 + time.Duration(c.rng.Int64N(int64(time.Minute)))
	}
	d.Twice = c.rng.IntN(4) == 0
	return d
}

// Whatever is delayed and comes twice, everything comes, and what has an order
// comes in it.
func TestDisturbedDeliveries(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			out := &outside{limits: delivery.Limits{InFlight: 1}}
			d := &chance{rng: rand.New(rand.NewPCG(seed, 0))}
			b := newBed(t, openMem(t), stopped(start), delivery.Options{Disturber: d}, out, inside{}).start()
			const n = 40
			for i := range n {
				order := []string{"", "a", "b"}[i%3]
				b.emit(ordered("out:x", order, fmt.Sprintf("%s%02d", order, i)), ordered("in:x", order, fmt.Sprintf("%s%02d", order, i)))
			}
			b.advance(start.Add(time.Hour))
			if rows := b.rows(); len(rows) > 0 {
				t.Errorf("left are %q", rows)
			}
			var taken []string
			for _, s := range strings.Fields(out.took()) {
				payload, _, _ := strings.Cut(s, "#")
				taken = append(taken, payload)
			}
			overtaken := false
			for target, got := range map[string][]string{"out:x": taken, "in:x": b.logged("in:x")} {
				for _, order := range []string{"a", "b"} {
					var of []string
					for _, p := range got {
						if strings.HasPrefix(p, order) {
							of = append(of, p)
						}
					}
					if !slices.IsSorted(of) {
						t.Errorf("%s: order %s came as %q", target, order, of)
					}
				}
				all := slices.Clone(got)
				slices.Sort(all)
				if u := slices.Compact(all); len(u) != n || len(got) == n {
					t.Errorf("%s: %d came, %d of them different, want %d and some twice", target, len(got), len(u), n)
				}
				free := slices.DeleteFunc(slices.Clone(got), func(p string) bool { return p[0] == 'a' || p[0] == 'b' })
				overtaken = overtaken || !slices.IsSorted(free)
			}
			if !overtaken {
				t.Error("nothing was overtaken")
			}
		})
	}
}
