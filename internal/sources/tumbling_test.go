package sources_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/sources"
)

// counting is a function that counts the records of a window in its state, and
// notes what it was called with: texts, state, "F" for the last of a window, "E"
// for one that ended early.
func counting(log *[]string, do func(c call, line string) (sources.Answer, error)) *function {
	return &function{do: func(c call) (sources.Answer, error) {
		line := fmt.Sprintf("%s%s@%v", c, c.window.State, c.at.Sub(start))
		if c.window.IsFinal {
			line += "F"
		}
		if c.window.IsEarly {
			line += "E"
		}
		*log = append(*log, line)
		if do != nil {
			if a, err := do(c, line); a.Payload != nil || a.Failed || err != nil {
				return a, err
			}
		}
		var state struct{ N int }
		if err := json.Unmarshal(c.window.State, &state); err != nil {
			return sources.Answer{}, err
		}
		return answer(fmt.Sprintf(`{"state":{"n":%d}}`, state.N+len(c.texts)))
	}}
}

// The clock of the tests starts at 22:13:20, twenty seconds after the window of
// half a minute began.

// The records of a window share a state, and when the window is over the
// function is called once more. It is over when its time is, with no record
// after it, too.
//
// Mutations: windows from the first record on in place of those of the clock;
// the state not carried over; the last call left out while nothing comes.
func TestTumblingWindow(t *testing.T) {
	var log []string
	var windows []string
	fn := counting(&log, func(c call, _ string) (sources.Answer, error) {
		windows = append(windows, c.window.Window.Start[14:19]+"-"+c.window.Window.End[14:19])
		if c.window.ShardID != "a" || c.window.EventSource != "arn:aws:test:eu-west-1:123456789012:s" {
			t.Errorf("window %+v", c.window)
		}
		return sources.Answer{}, nil
	})
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling, m.BatchSize = 30*time.Second, 2 })
	b.put("a", "b", "c")
	r := b.settled()
	expect(t, "next", r.Next, start.Add(10*time.Second))
	b.advance(5 * time.Second)
	b.put("d")
	b.advance(time.Minute)
	b.put("e")
	b.advance(time.Minute)
	expect(t, "calls", strings.Join(log, " "), `ab{}@0s c{"n":2}@0s d{"n":3}@5s {"n":4}@10sF e{}@1m5s {"n":1}@1m10sF`)
	expect(t, "windows", strings.Join(windows, " "), "13:00-13:30 13:00-13:30 13:00-13:30 13:00-13:30 14:00-14:30 14:00-14:30")

	// Of what lay there before the windows are those of the records.
	log, windows = nil, nil
	b.keep(mapping("n"), func(m *sources.Mapping) { m.Tumbling = 30 * time.Second })
	b.settled()
	expect(t, "calls", strings.Join(log, " "), `abcd{}@2m5s {"n":4}@2m5sF e{}@2m5s {"n":1}@2m5sF`)
	expect(t, "windows", strings.Join(windows, " "), "13:00-13:30 13:00-13:30 14:00-14:30 14:00-14:30")
}

// A window and its state survive a restart.
func TestWindowsSurviveARestart(t *testing.T) {
	var log []string
	fn := counting(&log, nil)
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling = 30 * time.Second })
	b.put("a")
	b.settled()
	b.stop()
	c := newBed(t, b.db, b.model, fn).start()
	if r := c.settled(); r.Next != start.Add(10*time.Second) {
		t.Errorf("next %v", r.Next)
	}
	c.put("b")
	c.advance(time.Minute)
	expect(t, "calls", strings.Join(log, " "), `a{}@0s b{"n":1}@0s {"n":2}@10sF`)
}

// An answer without a state is a failure, and changes nothing of the state; what
// a partial failure says of it counts. A window that cannot be ended holds up
// the next one.
//
// Mutations: the state taken from failed calls; the failed end passed over.
func TestWindowsAndFailures(t *testing.T) {
	var log []string
	n := 0
	fn := counting(&log, func(c call, _ string) (sources.Answer, error) {
		switch n++; {
		case n == 1:
			return answer(`{"result":1}`)
		case n == 2:
			return failed()
		case n == 3:
			return answer(`{"state":{"n":99},"batchItemFailures":[{"itemIdentifier":"sa"}]}`)
		case n == 5:
			return answer(`{"state":{"n":7},"batchItemFailures":[{"itemIdentifier":"sc"}]}`)
		case c.window.IsFinal && n < 9:
			return failed()
		}
		return sources.Answer{}, nil
	})
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling, m.Partial = 30*time.Second, true })
	b.put("a")
	b.advance(7 * time.Second)
	b.put("b", "c")
	b.advance(4 * time.Second)
	b.put("d")
	b.advance(time.Minute)
	expect(t, "calls", strings.Join(log, " "), `a{}@0s a{}@1s a{}@3s a{}@7s bc{"n":1}@7s c{"n":7}@8s {"n":8}@10sF {"n":8}@11sF {"n":8}@13sF d{}@13s {"n":1}@40sF`)
}

// The end of a window is tried as often as a batch is, and then the next begins.
//
// Mutations: the end tried for ever; throttles counted.
func TestWindowsThatCannotEnd(t *testing.T) {
	var log []string
	throttled := false
	fn := counting(&log, func(c call, _ string) (sources.Answer, error) {
		if !c.window.IsFinal {
			return sources.Answer{}, nil
		}
		if !throttled {
			throttled = true
			return sources.Answer{}, fault.New("TooManyRequestsException", "Rate Exceeded.")
		}
		return failed()
	})
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling, m.MaxRetries = 30*time.Second, 1 })
	b.put("a")
	b.advance(12 * time.Second)
	b.put("b")
	b.advance(5 * time.Second)
	expect(t, "calls", strings.Join(log, " "), `a{}@0s {"n":1}@10sF {"n":1}@11sF {"n":1}@13sF b{}@13s`)
}

// A mapping that has no windows any more goes on without the one that was open.
func TestWindowsSwitchedOff(t *testing.T) {
	var log []string
	fn := counting(&log, func(c call, _ string) (sources.Answer, error) {
		if c.window.IsFinal {
			return failed()
		}
		if c.window.Window.Start == "" {
			return answer("null")
		}
		return sources.Answer{}, nil
	})
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling = 30 * time.Second })
	b.put("a")
	b.advance(11 * time.Second) // the end has failed, and is to be tried again
	b.keep(mapping("m"), nil)
	b.put("b")
	b.settled()
	expect(t, "calls", strings.Join(log, " "), `a{}@0s {"n":1}@10sF {"n":1}@11sF b@11s`)
}

// A state that is too large ends its window.
func TestWindowsEndEarly(t *testing.T) {
	var log []string
	large := `{"state":{"n":0,"x":"` + strings.Repeat("x", 1<<20) + `"}}`
	fn := counting(&log, func(c call, line string) (sources.Answer, error) {
		if c.has("b") {
			return answer(large)
		}
		return sources.Answer{}, nil
	})
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling, m.BatchSize = 30*time.Second, 1 })
	b.put("a", "b", "c")
	b.advance(time.Minute)
	if len(log) != 5 {
		t.Fatalf("%d calls", len(log))
	}
	expect(t, "the early end", log[2][len(log[2])-5:], "@0sFE")
	expect(t, "the rest", log[0]+" "+log[1]+" "+log[3]+" "+log[4], `a{}@0s b{"n":1}@0s c{}@0s {"n":1}@10sF`)
}

// A shard that ends ends its window, before its children are read.
func TestWindowsEndWithTheirShard(t *testing.T) {
	var log []string
	b := memBed(t, counting(&log, nil))
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling = 30 * time.Second })
	b.put("a")
	b.settled()
	b.split("s", "a", "", "b")
	b.putTo("s", "b", "b")
	b.settled()
	expect(t, "calls", strings.Join(log, " "), `a{}@0s {"n":1}@0sF b{}@0s`)
}

// A batching window does not last longer than the tumbling one.
func TestBatchingInATumblingWindow(t *testing.T) {
	var log []string
	b := memBed(t, counting(&log, nil))
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Tumbling, m.Window = 30*time.Second, 5*time.Second })
	b.put("a")
	b.advance(8 * time.Second)
	b.put("b")
	b.advance(time.Minute)
	expect(t, "calls", strings.Join(log, " "), `a{}@5s b{"n":1}@10s {"n":2}@10sF`)
}
