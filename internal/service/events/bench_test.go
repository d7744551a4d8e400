package events_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/delivery"
)

// BenchmarkRules puts an event that one rule matches, on buses with ten and with
// ten thousand rules: commit and delivery in memory.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bed := newBed(b)
			for i := range n {
				pattern := fmt.Sprintf(`{"source":["shop"],"detail-type":["order"],"detail":{"customer":["c%d"],"total":[{"numeric":[">",0]}]}}`, i)
				bed.rule("", fmt.Sprint("r", i), pattern, to("q", fmt.Sprint(queueARN, "q", i)))
			}
			in := &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{
				{Source: ptr("shop"), DetailType: ptr("order"), Detail: ptr(`{"customer":"c7","total":5}`)},
			}}
			call(bed, shapes.PutEvents, in)
			b.ResetTimer()
			for b.Loop() {
				call(bed, shapes.PutEvents, in)
			}
			b.StopTimer()
			bed.settle()
		})
	}
}

// BenchmarkStuckTarget puts events for a hundred targets, of which none or one
// never answers: how long until the others have got theirs.
func BenchmarkStuckTarget(b *testing.B) {
	for _, stuck := range []int{0, 1} {
		b.Run(fmt.Sprintf("stuck=%d", stuck), func(b *testing.B) {
			bed := newBed(b)
			free, release := make(chan struct{}, 1<<20), make(chan struct{})
			var waiting atomic.Int64
			bed.queues.do = func(delivery.Effect) delivery.Outcome { free <- struct{}{}; return delivery.Outcome{} }
			bed.topics.do = func(delivery.Effect) delivery.Outcome { waiting.Add(1); <-release; return delivery.Outcome{} }
			for i := range 20 {
				var targets []shapes.Target
				for j := range 5 {
					to := to(fmt.Sprint(j), fmt.Sprint(queueARN, "q", i*5+j))
					if stuck == 1 && i*5+j == 50 {
						to.Arn = ptr(topicARN + "stuck")
					}
					targets = append(targets, to)
				}
				bed.rule("", fmt.Sprint("r", i), orders, targets...)
			}
			b.ResetTimer()
			for b.Loop() {
				bed.put("", "shop", "order", "{}")
				for range 100 - stuck {
					<-free
				}
			}
			b.StopTimer()
			close(release)
			bed.settle()
		})
	}
}
