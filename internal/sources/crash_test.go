package sources_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/sources"
	"github.com/nube-run/nube/internal/timer"
)

// history is what was acknowledged and what was handled, over all lives of a
// cloud.
type history struct {
	mu    sync.Mutex
	acked map[string][]string            // by key: texts in order
	first map[string]map[string][]string // by mapping and key: texts that were handled, each once, in order
	seen  map[string]bool
	calls map[string]int
}

func newHistory() *history {
	return &history{acked: map[string][]string{}, first: map[string]map[string][]string{}, seen: map[string]bool{}, calls: map[string]int{}}
}

// handled notes records that a function has handled.
func (h *history) handled(mapping string, keys, texts []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first[mapping] == nil {
		h.first[mapping] = map[string][]string{}
	}
	for i, text := range texts {
		if id := mapping + " " + text; !h.seen[id] {
			h.seen[id] = true
			h.first[mapping][keys[i]] = append(h.first[mapping][keys[i]], text)
		}
	}
}

// chance says what becomes of a call: some percent of a record's first few fail.
func (h *history) chance(seed uint64, c call, i int) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := c.mapping + " " + c.texts[i]
	h.calls[id]++
	if h.calls[id] > 5 {
		return 100
	}
	sum := fnv.New64a()
	fmt.Fprint(sum, seed, id, h.calls[id])
	return sum.Sum64() % 100
}

// Through power cuts at any point, failures, throttles, windows, changes of
// mappings and of shards, every acknowledged record is handled by every mapping, at least
// once, and each key's records in order.
//
// Mutations: the cursor committed before the call (records are lost); the cursor
// not read again after a crash but kept; children read before their parent
// (order); what a lane has gathered handed over without the records before it.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	first, seeds := environ(t, "NUBE_SEED", 0), environ(t, "NUBE_SEEDS", 3)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { lives(t, seed) })
	}
}

// environ reads a number from the environment: ./test --long sets more seeds.
func environ(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func lives(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 9))
	h := newHistory()
	partial := map[string]bool{}
	fn := &function{}
	fn.do = func(c call) (sources.Answer, error) {
		h.mu.Lock()
		reports := partial[c.mapping]
		h.mu.Unlock()
		for i := range c.texts {
			switch p := h.chance(seed, c, i); {
			case p < 5:
				return sources.Answer{}, fault.New("TooManyRequestsException", "Rate Exceeded.")
			case p < 15 && reports:
				h.handled(c.mapping, c.keys[:i], c.texts[:i])
				return answer(fmt.Sprintf(`{"state":{},"batchItemFailures":[{"itemIdentifier":"s%s"}]}`, c.texts[i]))
			case p < 15:
				return failed() // who fails as a whole has handled nothing
			}
		}
		h.handled(c.mapping, c.keys, c.texts)
		return answer(`{"state":{}}`)
	}
	mappings := map[string]*sources.Mapping{}
	for i := range 3 {
		m := mapping(fmt.Sprint("m", i))
		m.Factor, m.BatchSize = 1+r.IntN(4), 1+r.IntN(5)
		m.Bisect, m.Partial = r.IntN(2) == 0, r.IntN(2) == 0
		m.Window = time.Duration(r.IntN(2)) * 2 * time.Second
		m.Tumbling = time.Duration(r.IntN(2)) * 10 * time.Second
		mappings[m.ID] = m
		partial[m.ID] = m.Partial
	}
	mem := disktest.NewMem()
	now := start
	next := 0
	open, parent := "a", "" // the shard that takes records
	const last = 3
	for life := range last + 1 {
		e, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(e)
		b := newBed(t, db, stopped(now), fn).start()
		if life == 0 {
			b.shard("s", "a", "")
			for _, m := range mappings {
				b.keep(m, nil)
			}
		}
		var crashed *disktest.Mem
		crashAt := r.IntN(50)
		for i := range 50 {
			var rs []string
			for range 1 + r.IntN(4) {
				key := fmt.Sprint("k", r.IntN(6))
				rs = append(rs, fmt.Sprintf("%s=%d", key, next))
				h.mu.Lock()
				h.acked[key] = append(h.acked[key], fmt.Sprint(next))
				h.mu.Unlock()
				next++
			}
			b.putTo("s", open, rs...)
			switch r.IntN(20) {
			case 0, 1, 2:
				now = now.Add(time.Duration(r.IntN(int(20 * time.Second))))
				if err := b.model.Set(now); err != nil {
					t.Fatal(err)
				}
			case 3: // a change of a mapping
				id := fmt.Sprint("m", r.IntN(len(mappings)))
				m := *mappings[id]
				m.Factor, m.Enabled = 1+r.IntN(4), r.IntN(3) > 0
				mappings[id] = &m
				b.keep(&m, nil)
			case 4: // the shard is closed, another one follows
				child := open + "x"
				b.split("s", open, parent, child)
				open, parent = child, open
			}
			if life < last && i == crashAt {
				crashed = mem.Crash(r, r.IntN(101))
				break
			}
		}
		if life == last {
			for _, m := range mappings {
				m := *m
				m.Enabled = true
				b.keep(&m, nil)
			}
			b.advance(24 * time.Hour)
			check(t, h, mappings)
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		mem = crashed
	}
}

func check(t *testing.T, h *history, mappings map[string]*sources.Mapping) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range mappings {
		for key, acked := range h.acked {
			if got, want := strings.Join(h.first[id][key], " "), strings.Join(acked, " "); got != want {
				t.Errorf("%s %s (%+v):\n got %s\nwant %s", id, key, mappings[id], got, want)
			}
		}
	}
}

// What was tried in vain is known after a restart: the retries do not begin
// anew.
//
// Mutation: load without Attempts.
func TestAttemptsSurviveARestart(t *testing.T) {
	fn := &function{do: poison("a")}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxRetries = 2 })
	b.put("a")
	b.settled()
	b.advance(time.Second)
	b.stop()
	c := newBed(t, b.db, b.model, fn).start()
	c.advance(time.Hour)
	expect(t, "calls", fn.times(), "a@0s a@1s a@3s")
}

// What a process does after another has taken over does not count: the batch is
// handed over again by whoever has the right to it.
//
// Mutation: commit without the shard's Guard.
func TestTheOldProcessIsShutOut(t *testing.T) {
	hold, reached := make(chan struct{}), make(chan struct{}, 2)
	fn := &function{do: func(c call) (sources.Answer, error) {
		reached <- struct{}{}
		if c.n == 1 {
			<-hold
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put("a")
	<-reached
	ctx, cancel := context.WithCancel(context.Background())
	shards := (&timer.Owner{DB: b.db}).Own(ctx, "sources", 1)
	<-shards
	close(hold)
	b.settled()
	expect(t, "calls", fn.took(), "a a")
	cancel()
	for range shards {
	}
}
