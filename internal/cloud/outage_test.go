package cloud

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/disk/disktest"
)

// powerLoss is a test that lets the power of a whole cloud fail at a random moment
// under load, and opens a cloud on the disk that is found.
type powerLoss struct {
	seeds  uint64 // how many are run
	stream uint64 // of random numbers: one's own
	most   int    // acknowledgements after which the power has failed
	// load makes what is needed, and writes until the power has failed; check holds
	// the cloud that is found to what was acknowledged.
	load, check func(o *outage)
}

// run runs the test once a seed. They are printed as names of subtests. NUBE_SEEDS
// sets how many are run, and NUBE_SEED the first.
func (p powerLoss) run(t *testing.T) {
	first, seeds := environ(t, "NUBE_SEED", 1), environ(t, "NUBE_SEEDS", p.seeds)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			o := &outage{T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, p.stream)), dir: t.TempDir(), disk: disktest.NewMem()}
			o.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: writers}}
			o.left = 1 + o.rng.IntN(p.most)
			o.open(o.disk)
			p.load(o)
			if o.after == nil {
				o.Fatal("the writers gave up before the power failed")
			}
			o.close()
			t.Logf("power failed with %d of %d acknowledged", total(o.acked), total(o.tried))
			o.open(o.after)
			p.check(o)
			o.close()
		})
	}
}

// each has every writer write, one after the other and numbered from 0, until the
// power has failed.
func (o *outage) each(write func(w, n int) error) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for {
				n := o.tried[w].events
				o.tried[w].events++
				if err := write(w, n); err != nil {
					o.Errorf("writer %d: %v", w, err)
					return
				}
				if !o.acknowledged(&o.acked[w].events) {
					return
				}
			}
		})
	}
	wg.Wait()
}
