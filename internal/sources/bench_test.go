package sources_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/sources"
)

// A hundred functions on a hundred streams, on disk, while one of them never
// answers: from the begin of a put until the handler starts. The others' p99 is
// to be what it is without the one that is stuck.
//
//	go test ./internal/sources -bench Stuck -benchtime 5000x
func BenchmarkOneStuckOfAHundred(b *testing.B) {
	for _, stuck := range []bool{false, true} {
		b.Run(fmt.Sprint("stuck=", stuck), func(b *testing.B) { benchHundred(b, stuck) })
	}
}

func benchHundred(b *testing.B, stuck bool) {
	const n = 100
	e, err := pebblekv.Open(b.TempDir(), pebblekv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db := kv.Open(e)
	hold := make(chan struct{})
	var mu sync.Mutex
	put := map[string]time.Time{}
	var took []time.Duration
	arrived := make(chan struct{}, n)
	fn := &function{do: func(c call) (sources.Answer, error) {
		now := time.Now()
		if c.mapping == "m0" {
			if stuck {
				<-hold
			}
			return ok()
		}
		mu.Lock()
		took = append(took, now.Sub(put[c.mapping]))
		mu.Unlock()
		arrived <- struct{}{}
		return ok()
	}}
	bed := newBed(b, db, clock.NewModel(clock.State{}), fn).start()
	for i := range n {
		bed.shard(fmt.Sprint("s", i), "a", "")
		m := mapping(fmt.Sprint("m", i))
		m.Source = arn.ARN(fmt.Sprint("arn:aws:test:eu-west-1:123456789012:s", i))
		bed.keep(m, nil)
	}
	bed.putTo("s0", "a", "x")
	b.ResetTimer()
	for i := range b.N {
		if i%50 == 0 {
			bed.putTo("s0", "a", "x") // more and more behind the one that is stuck
		}
		of := 1 + i%(n-1)
		mu.Lock()
		put[fmt.Sprint("m", of)] = time.Now()
		mu.Unlock()
		bed.putTo(fmt.Sprint("s", of), "a", "x")
		<-arrived
	}
	b.StopTimer()
	close(hold)
	bed.settled()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	bed.stop()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
