package sources_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// A mapping calls its function when there is something, and gathers what comes
// while a call is under way.
//
// ministack PR#1090: one batch a second, however much there was.
func TestBatchesGatherWhileACallIsUnderWay(t *testing.T) {
	calling, goOn := make(chan struct{}), make(chan struct{})
	fn := &function{do: func(c call) (sources.Answer, error) {
		if c.n == 1 {
			close(calling)
			<-goOn
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.BatchSize = 3 })
	b.put("a")
	<-calling
	b.put("b", "c")
	b.put("d")
	b.put("e")
	close(goOn)
	b.settled()
	expect(t, "calls", fn.took(), "a bcd e")
	expect(t, "result", b.result("m"), "OK")
}

func TestStartingPosition(t *testing.T) {
	for name, c := range map[string]struct {
		from sources.Position
		want string
	}{
		"TRIM_HORIZON": {sources.Position{From: sources.TrimHorizon}, "ab c"},
		"LATEST":       {sources.Position{From: sources.Latest}, "c"},
		"AT_TIMESTAMP": {sources.Position{From: sources.AtTimestamp, Time: start.Add(time.Second)}, "b c"},
	} {
		t.Run(name, func(t *testing.T) {
			fn := &function{}
			b := memBed(t, fn)
			b.put("a")
			b.advance(2 * time.Second)
			b.put("b")
			b.keep(mapping("m"), func(m *sources.Mapping) { m.Start = c.from })
			b.settled()
			b.put("c")
			b.settled()
			expect(t, "calls", fn.took(), c.want)
		})
	}
}

// Settled is exact: a batch that fails is work for later, one whose window is
// open too, records before a mapping that is switched off are none.
func TestSettled(t *testing.T) {
	fail := true
	fn := &function{}
	fn.do = func(call) (sources.Answer, error) {
		if fail {
			return failed()
		}
		return ok()
	}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put("a")
	r := b.settled()
	expect(t, "next", r.Next, start.Add(time.Second))
	if len(r.Waits) != 1 || r.Waits[0].At != r.Next {
		t.Errorf("what waits is %v", r.Waits)
	}
	fail = false
	b.advance(time.Second)
	expect(t, "calls", fn.times(), "a@0s a@1s")

	b.keep(mapping("m"), func(m *sources.Mapping) { m.Window = 5 * time.Second })
	b.put("b")
	r = b.settled()
	expect(t, "next", r.Next, b.model.Now().Add(5*time.Second))
	expect(t, "calls in the window", fn.took(), "")
	b.advance(5 * time.Second)
	expect(t, "calls", fn.times(), "b@6s")

	b.keep(mapping("m"), func(m *sources.Mapping) { m.Enabled = false })
	b.put("c")
	r = b.settled()
	expect(t, "ready", r.Ready, 0)
	expect(t, "calls while it is off", fn.took(), "")
	b.keep(mapping("m"), nil)
	b.settled()
	expect(t, "calls", fn.took(), "c")
}

// A mapping that is deleted leaves no row, though it was in the middle of a batch
// that fails, and one with its name begins anew.
//
// ministack PR#1254: positions of deleted mappings stayed for ever.
//
// Mutation: Delete without the lanes' range.
func TestDeletedMappingLeavesNothing(t *testing.T) {
	fn := &function{do: func(call) (sources.Answer, error) { return failed() }}
	b := memBed(t, fn)
	rows := func() (n int) {
		err := b.db.View(context.Background(), func(s *kv.Snap) error {
			for _, err := range s.Scan(keyspace.Service(here, "sources", 0).Range(), kv.ScanOptions{KeysOnly: true}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	none := rows()
	for range 3 {
		b.keep(mapping("m"), nil)
		b.put("a")
		b.settled()
		if n := rows(); n == none {
			t.Fatal("a mapping has no rows")
		}
		b.update(func(tx *kv.Tx) error { b.engine.Delete(tx, here, "m"); return nil })
		b.settled()
		if n := rows(); n != none {
			t.Errorf("%d rows are left of a mapping", n-none)
		}
	}
}

// How old the last record of a batch is when the function is called is told for each
// attempt: a batch that fails again and again gets older.
func TestAgesAreMeasured(t *testing.T) {
	fn := &function{do: func(c call) (sources.Answer, error) {
		if c.n == 1 {
			return failed()
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.put("a")
	b.advance(2 * time.Second)
	b.put("b")
	b.advance(3 * time.Second)
	b.keep(mapping("m"), func(*sources.Mapping) {})
	b.settled()
	b.advance(time.Minute)
	fn.mu.Lock()
	defer fn.mu.Unlock()
	expect(t, "attempts", len(fn.ages), 2)
	expect(t, "the first", fn.ages[0], "m 3s")
	again, err := time.ParseDuration(strings.TrimPrefix(fn.ages[1], "m "))
	if err != nil || again <= 3*time.Second {
		t.Errorf("the second: %s, %v", fn.ages[1], err)
	}
}
