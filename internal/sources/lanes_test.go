package sources_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// localstack#10716: one record that matches does not take the rest of its batch
// along; #10325: {"exists": false} is no pattern that matches everything. What
// is not matched is passed over, also while nothing else comes. sam-cli#3660: no
// filters at all.
//
// Mutation: filter.takes with the whole batch's events.
func TestFilters(t *testing.T) {
	fn := &function{}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Filters = []string{`{"text":["b"]}`, `{"text":[{"prefix":"e"}]}`} })
	b.put(letters(7)...)
	b.put("x", "y")
	b.settled()
	expect(t, "calls", fn.took(), "be")

	b.keep(mapping("n"), func(m *sources.Mapping) {
		m.Start.From = sources.Latest
		m.Filters = []string{`{"text":[{"exists":false}]}`}
	})
	b.put("f")
	b.settled()
	expect(t, "calls", fn.took(), "")

	// A batch holds as many as match.
	b.keep(mapping("o"), func(m *sources.Mapping) {
		m.BatchSize, m.Filters = 2, []string{`{"text":["a","c","d","x"]}`}
	})
	b.settled()
	expect(t, "calls", fn.took(), "ac dx")
}

// localstack#7918: two functions on one stream each get every record.
func TestTwoFunctionsOnOneStream(t *testing.T) {
	var mu sync.Mutex
	got := map[string]string{}
	fn := &function{do: func(c call) (sources.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		got[c.mapping] += c.String()
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.keep(mapping("n"), nil)
	b.put("a")
	b.put("b")
	b.settled()
	expect(t, "m", got["m"], "ab")
	expect(t, "n", got["n"], "ab")
}

// localstack#3338: a burst arrives whole and in order.
func TestBurst(t *testing.T) {
	var all []string
	fn := &function{do: func(c call) (sources.Answer, error) {
		if len(c.texts) > 10 {
			t.Errorf("a batch of %d", len(c.texts))
		}
		all = append(all, c.texts...)
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.BatchSize = 10 })
	const n = 3000
	for i := 0; i < n; i += 20 {
		var rs []string
		for j := range 20 {
			rs = append(rs, fmt.Sprintf("k%d=%d", j, i+j))
		}
		b.put(rs...)
	}
	b.settled()
	for i := range n {
		if i >= len(all) || all[i] != fmt.Sprint(i) {
			t.Fatalf("%d records; at %d: %v", len(all), i, all[max(0, i-2):min(len(all), i+2)])
		}
	}
	expect(t, "records", len(all), n)
}

// A batching window holds a batch until it is full or the window ends; the next
// window begins with the next record.
//
// Mutations: Due not cleared when a batch was called: the second window is none.
// full not seen while the window is open.
func TestBatchingWindow(t *testing.T) {
	fn := &function{}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) {
		m.Window, m.BatchSize, m.Filters = 10*time.Second, 3, []string{`{"text":[{"anything-but":"x"}]}`}
	})
	b.put("a", "x")
	b.advance(4 * time.Second)
	b.put("b")
	b.advance(time.Minute)
	b.put("c")
	b.advance(5 * time.Second)
	b.put("x")
	b.put("d")
	b.settled()
	b.put("e", "f")
	b.settled()
	expect(t, "calls", fn.times(), "ab@10s cde@1m9s")
	b.advance(time.Minute)
	expect(t, "calls", fn.times(), "f@1m19s")
}

// A window survives a restart.
func TestWindowSurvivesARestart(t *testing.T) {
	fn := &function{}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Window = 10 * time.Second })
	b.put("a")
	b.settled()
	b.stop()
	c := newBed(t, b.db, b.model, fn).start()
	if r := c.settled(); r.Next != start.Add(10*time.Second) {
		t.Errorf("next %v", r.Next)
	}
	c.advance(time.Minute)
	expect(t, "calls", fn.times(), "a@10s")
}

// ParallelizationFactor: batches of a shard side by side, each key's records in
// order and one after another.
//
// Mutation: laneOf by the record's text in place of its order: a key's records
// overtake each other.
func TestParallelizationFactor(t *testing.T) {
	var mu sync.Mutex
	flying, most := 0, 0
	busy := map[string]bool{}
	seen := map[string][]string{}
	gate := make(chan struct{})
	fn := &function{do: func(c call) (sources.Answer, error) {
		mu.Lock()
		flying++
		most = max(most, flying)
		keys := map[string]bool{}
		for i, k := range c.keys {
			if busy[k] && !keys[k] {
				t.Errorf("two batches of %s at the same time", k)
			}
			keys[k], busy[k] = true, true
			seen[k] = append(seen[k], c.texts[i])
		}
		wait := most < 4
		if most == 4 {
			select {
			case <-gate:
			default:
				close(gate)
			}
		}
		mu.Unlock()
		if wait {
			<-gate // until four are under way
		}
		mu.Lock()
		flying--
		for k := range keys {
			delete(busy, k)
		}
		mu.Unlock()
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Factor, m.BatchSize = 4, 3 })
	var rs []string
	for i := range 200 {
		rs = append(rs, fmt.Sprintf("k%d=%d", i%20, i))
	}
	b.put(rs...)
	b.settled()
	for k := range 20 {
		var want []string
		for i := k; i < 200; i += 20 {
			want = append(want, fmt.Sprint(i))
		}
		expect(t, fmt.Sprint("k", k), strings.Join(seen[fmt.Sprint("k", k)], " "), strings.Join(want, " "))
	}
	expect(t, "at the same time", most, 4)
}

// A changed factor neither repeats what is done nor skips what is not.
//
// Mutations: merged with the greatest cursor: records are skipped. Without Skip:
// records are repeated.
func TestChangedFactor(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	stuck := true
	fn := &function{do: func(c call) (sources.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		if stuck && c.keys[0] == "k3" {
			return failed()
		}
		for _, text := range c.texts {
			seen[text]++
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Factor, m.BatchSize = 4, 1 })
	n := 0
	for _, factor := range []int{4, 2, 7, 1} {
		b.keep(mapping("m"), func(m *sources.Mapping) { m.Factor, m.BatchSize = factor, 1 })
		for range 40 {
			b.put(fmt.Sprintf("k%d=%d", n%10, n))
			n++
		}
		b.settled()
	}
	mu.Lock()
	if got := len(seen); got >= n || got < 40 {
		t.Errorf("%d of %d done before the stuck lane was freed", got, n)
	}
	stuck = false
	mu.Unlock()
	b.advance(time.Hour)
	for i := range n {
		if seen[fmt.Sprint(i)] != 1 {
			t.Errorf("%d was handled %d times", i, seen[fmt.Sprint(i)])
		}
	}
}

// A shard's children are read when it has been read to its end, and a new shard
// from its beginning, wherever the mapping began.
//
// Mutation: ready without the parent: c before b.
func TestShards(t *testing.T) {
	fail := true
	fn := &function{do: func(c call) (sources.Answer, error) {
		if fail && c.has("b") {
			return failed()
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.put("a")
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Start.From = sources.Latest })
	b.put("b")
	b.settled()
	b.split("s", "a", "", "a1", "a2")
	b.putTo("s", "a1", "c")
	b.settled()
	expect(t, "calls", fn.took(), "b")
	fail = false
	b.advance(time.Second)
	b.putTo("s", "a2", "d")
	b.settled()
	b.split("s", "a1", "a", "a11")
	b.putTo("s", "a11", "e")
	b.settled()
	expect(t, "calls", fn.took(), "b c d e")

	// Shards that are trimmed are forgotten, and their children go on.
	b.update(func(tx *kv.Tx) error {
		tx.Delete(shardKey("s", "a"))
		tx.Delete(shardKey("s", "a1"))
		return nil
	})
	b.keep(mapping("m"), func(m *sources.Mapping) { m.BatchSize = 2 })
	b.putTo("s", "a11", "f")
	b.settled()
	expect(t, "calls", fn.took(), "f")
}

// A batch is no larger than an invocation's payload may be.
//
// Mutation: overhead left out, or the record that does not fit passed over.
func TestPayloadLimit(t *testing.T) {
	for length, want := range map[int]string{1<<20 - 1: "[5 3]", 1<<20 - 4: "[6 2]"} {
		var sizes []int
		fn := &function{do: func(c call) (sources.Answer, error) {
			sizes = append(sizes, len(c.texts))
			return ok()
		}}
		b := memBed(t, fn)
		text := strings.Repeat("x", length-len(`{"key":"k","text":""}`))
		for range 8 {
			b.put("k=" + text)
		}
		b.keep(mapping("m"), nil)
		b.settled()
		expect(t, "batches", fmt.Sprint(sizes), want)
	}
}

// One that is stuck changes nothing for the others: a function that never
// answers, one that always fails and one that is throttled leave the rest alone.
// A worker pool that all share would stop here.
//
// ministack PR#1724: one slow handler stalled all other event sources.
//
// Mutation: one call at a time in all (a mutex around the call in lane.invoke).
func TestStuckConsumersDelayNobody(t *testing.T) {
	const healthy = 20
	hold, all := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	got := map[string]string{}
	done := 0
	fn := &function{do: func(c call) (sources.Answer, error) {
		switch c.mapping {
		case "hangs":
			<-hold
		case "fails":
			return failed()
		}
		mu.Lock()
		defer mu.Unlock()
		got[c.mapping] += c.String()
		if c.mapping != "hangs" && got[c.mapping] == "abcdefghij" {
			if done++; done == healthy {
				close(all)
			}
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("hangs"), nil)
	b.keep(mapping("fails"), nil)
	for i := range healthy {
		b.keep(mapping(fmt.Sprint("m", i)), nil)
	}
	for _, l := range letters(10) {
		b.put(l)
	}
	<-all
	close(hold)
	b.settled()
	expect(t, "hung", got["hangs"], "abcdefghij")
}

// What is switched off or deleted while a batch is under way finishes that one,
// keeps where it is, and begins no other.
func TestSwitchedOffWhileABatchIsUnderWay(t *testing.T) {
	calling, goOn := make(chan struct{}, 1), make(chan struct{})
	fn := &function{do: func(c call) (sources.Answer, error) {
		calling <- struct{}{}
		<-goOn
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.BatchSize = 1 })
	b.put("a", "b")
	<-calling
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Enabled = false })
	goOn <- struct{}{}
	b.settled()
	expect(t, "calls", fn.took(), "a")
	b.keep(mapping("m"), nil)
	<-calling
	b.update(func(tx *kv.Tx) error { b.engine.Delete(tx, here, "m"); return nil })
	close(goOn)
	b.settled()
	expect(t, "calls", fn.took(), "b")
	n := 0
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		ms, err := b.engine.List(s, here)
		n = len(ms)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	expect(t, "mappings", n, 0)
}

// A batch that failed and is more than one batch by now, because the mapping was
// changed, is taken apart, and none of it is lost.
//
// Mutation: bounded without the comparison of ends.
func TestSmallerBatchesAfterAFailure(t *testing.T) {
	fail := true
	fn := &function{do: func(call) (sources.Answer, error) {
		if fail {
			return failed()
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put(letters(5)...)
	b.settled()
	b.keep(mapping("m"), func(m *sources.Mapping) { m.BatchSize = 2 })
	b.settled()
	fail = false
	b.advance(time.Minute)
	expect(t, "calls", fn.took(), "abcde ab cd e")
}

// A stream that is gone is a problem that is shown, not work that is tried for
// ever.
func TestStreamIsGone(t *testing.T) {
	fn := &function{}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put("a")
	b.settled()
	b.update(func(tx *kv.Tx) error { tx.Delete(shardKey("s", "a")); return nil })
	b.put("b")
	r := b.settled()
	expect(t, "result", b.result("m"), "PROBLEM: The stream does not exist.")
	expect(t, "calls", fn.took(), "a")
	expect(t, "due", r.Next, 0)
	b.update(func(tx *kv.Tx) error {
		if err := b.engine.Put(tx, mapping("n")); !errors.Is(err, sources.ErrNoSource) {
			t.Errorf("a mapping of a stream that is gone: %v", err)
		}
		return nil
	})
}

// Records that are trimmed while they are to be tried again are gone, and what
// follows is read.
func TestTrimmedWhileRetried(t *testing.T) {
	fn := &function{do: poison("a")}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put("a")
	b.settled()
	b.put("b")
	b.settled()
	b.update(func(tx *kv.Tx) error {
		for p, err := range tx.Scan(kv.Prefix(logKey("s", "a")), kv.ScanOptions{Limit: 1}) {
			if err != nil {
				return err
			}
			tx.Delete(p.Key)
		}
		return nil
	})
	fn.took()
	b.advance(time.Minute)
	expect(t, "calls", fn.took(), "b")
}
