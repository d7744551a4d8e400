package events_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// Through power cuts, failures and restarts every event that was acknowledged
// reaches every target whose pattern it matches, over another bus too; a replay
// replays each archived event; and a schedule goes on.
//
// Emitting after the commit instead of in it (put.go, accept) makes it fail.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { lives(t, seed) })
	}
}

// arrivals is what queues got, over all lives.
type arrivals struct {
	seen  map[string]int
	tries map[string]int
	rng   *rand.Rand
}

func (a *arrivals) take(e delivery.Effect) delivery.Outcome {
	m, err := e.Message()
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	key := strings.TrimPrefix(e.Target, queueARN) + " " + string(m.Body)
	if a.tries[key]++; a.tries[key] < 5 && a.rng.IntN(4) == 0 {
		return delivery.Outcome{Err: fmt.Errorf("down")}
	}
	a.seen[key]++
	return delivery.Outcome{}
}

func lives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	got := &arrivals{seen: map[string]int{}, tries: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 12))}
	want := map[string]bool{}
	mem := disktest.NewMem()
	now := clock.Unix(noon, 0)
	next := 0
	const last = 3
	for life := range last + 1 {
		engine, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(engine)
		b := makeBed(t, db, now, nil, func(b *bed) { b.queues.do = got.take })
		if life == 0 {
			call(b, shapes.CreateEventBus, &shapes.CreateEventBusRequest{Name: ptr("second")})
			b.rule("", "all", `{"source":["shop"]}`, to("q", queueARN+"all", detail), to("bus", busARN+"second"))
			b.rule("", "even", `{"source":["shop"],"detail":{"even":[true]}}`, to("q", queueARN+"even", detail))
			b.rule("second", "r", `{"source":["shop"]}`, to("q", queueARN+"second", detail))
			b.rule("", "tick", "rate(1 minute)", to("q", queueARN+"tick", func(t *shapes.Target) { t.InputPath = ptr("$.time") }))
			call(b, shapes.CreateArchive, &shapes.CreateArchiveRequest{ArchiveName: ptr("a"), EventSourceArn: ptr(busARN + "default"), EventPattern: ptr(`{"source":["shop"]}`)})
		}
		var crashed *disktest.Mem
		crashAt := r.IntN(30)
		for i := range 30 {
			body := fmt.Sprintf(`{"n":%d,"even":%v}`, next, next%2 == 0)
			if r.IntN(6) == 0 {
				body = fmt.Sprintf(`{"n":%d,"even":%v,"pad":%q}`, next, next%2 == 0, strings.Repeat("p", 6000)) // kept apart, and shared
			}
			if next++; r.IntN(8) == 0 {
				b.rule("", fmt.Sprint("other", next), `{"source":["else"]}`) // the index follows
			}
			b.put("", "shop", "order", body)
			want["all "+body], want["second "+body] = true, true
			if (next-1)%2 == 0 {
				want["even "+body] = true
			}
			if life < last && i == crashAt {
				crashed = mem.Crash(r, r.IntN(101))
				break
			}
		}
		now = now.Add(time.Minute)
		if life == last {
			b.advance(10 * time.Minute)
			for key := range want {
				if got.seen[key] == 0 {
					t.Errorf("%.60s was acknowledged and has not arrived", key)
				}
			}
			ticks := 0
			for key := range got.seen {
				if strings.HasPrefix(key, "tick ") {
					ticks++
				}
			}
			if ticks < 10 {
				t.Errorf("the schedule fired %d times in ten minutes", ticks)
			}
			replayAll(t, b, got, next)
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mem = crashed
	}
}

// replayAll replays what was archived: each event that was acknowledged.
func replayAll(t *testing.T, b *bed, got *arrivals, events int) {
	t.Helper()
	if a := call(b, shapes.DescribeArchive, &shapes.DescribeArchiveRequest{ArchiveName: ptr("a")}); *a.EventCount < int64(events) {
		t.Errorf("%d events are archived, and %d were acknowledged", *a.EventCount, events)
	}
	got.seen = map[string]int{}
	call(b, shapes.StartReplay, &shapes.StartReplayRequest{
		ReplayName: ptr("r"), EventSourceArn: ptr("arn:aws:events:us-east-1:123456789012:archive/a"), EventStartTime: ptr(clock.Unix(noon, 0)),
		EventEndTime: ptr(b.clock.Now()), Destination: &shapes.ReplayDestination{Arn: ptr(busARN + "default")},
	})
	b.advance(10 * time.Minute)
	all := 0
	for key := range got.seen {
		if strings.HasPrefix(key, "all ") {
			all++
		}
	}
	if all < events {
		t.Errorf("%d events were replayed, want %d", all, events)
	}
}
