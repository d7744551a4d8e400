package sns_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// Through power cuts, failures and restarts every message that was acknowledged
// reaches every subscription whose filter lets it through, and those of a FIFO
// topic's groups in order.
//
// Emitting after the commit instead of in it (publish.go, sendTo) makes it fail.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { lives(t, seed) })
	}
}

// arrivals is what queues got, over all lives.
type arrivals struct {
	first map[string][]int // by queue and group: messages, each when it came first
	seen  map[string]bool
	tries map[string]int
	rng   *rand.Rand
}

func (a *arrivals) take(e delivery.Effect) delivery.Outcome {
	m, err := e.Message()
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	text := string(m.Body)
	queue := strings.TrimPrefix(e.Target, queueARN)
	if a.tries[queue+text]++; a.tries[queue+text] < 5 && a.rng.IntN(4) == 0 {
		return delivery.Outcome{Err: fmt.Errorf("down")}
	}
	number, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	key := queue + " " + m.Group
	if k := key + number; !a.seen[k] {
		a.seen[k] = true
		a.first[key] = append(a.first[key], n)
	}
	return delivery.Outcome{}
}

func lives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9))
	got := &arrivals{first: map[string][]int{}, seen: map[string]bool{}, tries: map[string]int{}, rng: rand.New(rand.NewPCG(seed, 10))}
	want := map[string][]int{}
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
		topic, fifo := b.createTopic("t"), b.createTopic("t.fifo", "ContentBasedDeduplication", "true")
		b.subscribe(topic, "sqs", queueARN+"all", "RawMessageDelivery", "true")
		b.subscribe(topic, "sqs", queueARN+"even", "RawMessageDelivery", "true", "FilterPolicy", `{"even":["yes"]}`)
		b.subscribe(fifo, "sqs", queueARN+"q.fifo", "RawMessageDelivery", "true")
		var crashed *disktest.Mem
		crashAt := r.IntN(40)
		for i := range 40 {
			text := fmt.Sprint(next, " ")
			if r.IntN(5) == 0 {
				text += strings.Repeat("p", 8000) // kept apart, and shared
			}
			if r.IntN(3) == 0 {
				group := []string{"g", "h"}[r.IntN(2)]
				b.publish(fifo, text, func(in *shapes.PublishInput) { in.MessageGroupId = &group })
				want["q.fifo "+group] = append(want["q.fifo "+group], next)
			} else {
				even := map[bool]string{true: "yes", false: "no"}[next%2 == 0]
				b.publish(topic, text, with("even", "String", even))
				want["all "] = append(want["all "], next)
				if next%2 == 0 {
					want["even "] = append(want["even "], next)
				}
			}
			next++
			if life < last && i == crashAt {
				crashed = mem.Crash(r, r.IntN(101))
				break
			}
		}
		now = now.Add(time.Minute)
		if life == last {
			b.advance(24 * time.Hour)
			checkArrivals(t, want, got.first)
			if n, err := awsapi.Do(b.ctx, b.front, shapes.ListSubscriptions, &shapes.ListSubscriptionsInput{}); err != nil || len(n.Subscriptions) != 3 {
				t.Errorf("%+v %v", n, err)
			}
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mem = crashed
	}
}

func checkArrivals(t *testing.T, want, got map[string][]int) {
	t.Helper()
	for key, ns := range want {
		at := map[int]int{}
		for i, n := range got[key] {
			at[n] = i
		}
		lastAt := -1
		for _, n := range ns {
			i, ok := at[n]
			if !ok {
				t.Errorf("%s: message %d was acknowledged and never arrived", key, n)
				continue
			}
			if strings.HasPrefix(key, "q.fifo") && i < lastAt {
				t.Errorf("%s: message %d came before one that was published before it", key, n)
			}
			lastAt = max(lastAt, i)
		}
	}
}
