package sources

import (
	"encoding/json"
	"slices"

	"github.com/nube-run/nube/internal/clock"
)

// What is said of the last attempt of a lane, in Lambda's words.
const (
	resultOK      = "OK"
	resultNothing = "No records processed"
	resultFailed  = "PROBLEM: Function call failed"
)

// batch is records of a lane, in order, and the place that is reached when they
// are done: further than the last of them if others were passed over.
type batch struct {
	records []Record
	bytes   int
	next    Cursor
	full    bool // no more may be in it
	end     bool // of the shard

	window clock.Instant // start of the tumbling window that it is in; zero: none
	closes bool          // the next record is in another window
}

// attempt is what became of handing a batch to the function.
type attempt struct {
	// problem says why the function was not called, or not to its end; the
	// attempt does not count then.
	problem string
	failed  int // index of the first record that failed; -1: none
	request string
	version string
	state   []byte // of the window, if the function has made one
}

// given is records that are given up, and why.
type given struct {
	records  []Record
	why      condition
	attempts int
	request  string // the last invocation that failed; empty: there was none
	version  string
}

// condition is why records are given up, as their description says it.
type condition string

// The conditions.
const (
	exhausted condition = "RetryAttemptsExhausted"
	tooOld    condition = "RecordAgeExceeded"
)

// after returns the row that follows an attempt at now, and what is given up.
//
// Invocations that did not happen (throttles) are tried again for as long as the
// records live; those that failed as often as the mapping says. A batch that is
// split begins to count anew: splitting takes nothing of the retries.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (r row) after(m *Mapping, b *batch, a attempt, now clock.Instant) (row, *given) {
	r = r.bounded(b).aggregated(b, a)
	if a.problem != "" {
		r.Result = "PROBLEM: " + a.problem
		return r.postponed(m, b.records[0].At, now), nil
	}
	if a.failed < 0 {
		r.Result = resultOK
		return r.passed(), nil
	}
	r.Result, r.Request, r.Version = resultFailed, a.request, a.version
	failed := b.records[a.failed:]
	if a.failed > 0 {
		// What stands before the first that failed is done, and the rest is a
		// batch that was tried once.
		r.Cursor = b.records[a.failed-1].Cursor
		r.Attempts, r.Tries = 0, 0
		if m.Bisect {
			r.Due = 0
			return r, nil
		}
	} else if m.Bisect && len(failed) > 1 {
		half := failed[len(failed)/2-1].Cursor
		r.Ends = append([]Cursor{half}, r.Ends...)
		r.Attempts, r.Tries, r.Due = 0, 0, 0
		return r, nil
	}
	r.Attempts++
	if m.MaxRetries >= 0 && r.Attempts > m.MaxRetries {
		g := &given{failed, exhausted, r.Attempts, r.Request, r.Version}
		return r.passed(), g
	}
	return r.postponed(m, failed[0].At, now), nil
}

// bounded returns the row with a first part that is no longer than the batch:
// that of a batch which had not failed yet, or which was more than a call takes
// now.
func (r row) bounded(b *batch) row {
	if len(r.Ends) == 0 || b.next < r.Ends[0] {
		r.Ends = append([]Cursor{b.next}, r.Ends...)
	}
	return r
}

// passed returns the row when the first part is done or given up.
func (r row) passed() row {
	r.Cursor = r.Ends[0]
	r.Ends = r.Ends[1:]
	if len(r.Ends) == 0 {
		r.Ends = nil
	}
	r.Attempts, r.Tries, r.Due, r.Request, r.Version = 0, 0, 0, "", ""
	return r
}

// postponed returns the row when the first part is tried later, but no later
// than when the oldest record has become too old.
func (r row) postponed(m *Mapping, oldest, now clock.Instant) row {
	r.Tries++
	r.Due = now.Add(pause(r.Tries))
	if old := oldest.Add(m.MaxAge) + 1; m.MaxAge > 0 && old > now {
		r.Due = min(r.Due, old)
	}
	return r
}

// aged returns the row without the records of b that are too old to be handed
// over at now, and those.
func (r row) aged(m *Mapping, b *batch, now clock.Instant) (row, *given) {
	if m.MaxAge <= 0 {
		return r, nil
	}
	n := 0
	for n < len(b.records) && now.Sub(b.records[n].At) > m.MaxAge {
		n++
	}
	if n == 0 {
		return r, nil
	}
	g := &given{b.records[:n], tooOld, r.Attempts, r.Request, r.Version}
	if n == len(b.records) {
		return r.bounded(b).passed(), g
	}
	r.Cursor, r.Due = b.records[n-1].Cursor, 0
	return r, g
}

// firstFailed returns the index of the first record that a function says has
// failed, -1 for none. A report that cannot be understood, or that names what
// was not in the batch, means all of it: nothing that may have failed passes
// for done.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func firstFailed(answer []byte, records []Record) int {
	failures, ok := reported(answer)
	if !ok {
		return 0
	}
	first := -1
	for _, id := range failures {
		at := -1
		for i := range records {
			if records[i].Sequence == id {
				at = i
				break
			}
		}
		if at < 0 {
			return 0
		}
		if first < 0 || at < first {
			first = at
		}
	}
	return first
}

// reported returns the identifiers in a function's report; false if it is none.
// Null, an empty object, and a missing, null or empty list report nothing.
func reported(answer []byte) (ids []string, ok bool) {
	var report struct {
		Failures []map[string]json.RawMessage `json:"batchItemFailures"`
	}
	var whole map[string]json.RawMessage
	if len(answer) == 0 {
		return nil, true
	}
	if json.Unmarshal(answer, &whole) != nil {
		return nil, false
	}
	list, there := whole["batchItemFailures"] // encoding/json would take any case
	if !there {
		return nil, true
	}
	if json.Unmarshal(list, &report.Failures) != nil {
		return nil, false
	}
	for _, f := range report.Failures {
		var id *string
		if json.Unmarshal(f["itemIdentifier"], &id) != nil || id == nil || *id == "" {
			return nil, false
		}
		ids = append(ids, *id)
	}
	return ids, true
}

// stuckAfter is after how many tries in a row that came to nothing a lane is
// shown as stuck.
const stuckAfter = 100

// maxPayload is the largest event of an invocation.
const maxPayload = 6 << 20

// overhead is what an event has around its records.
const overhead = len(`{"Records":[]}`)

// payload is the event of a batch.
func (b *batch) payload() []byte { return append(b.append(nil), '}') }

// append appends the event of a batch without its end.
func (b *batch) append(p []byte) []byte {
	p = slices.Grow(p, overhead+b.bytes+len(b.records))
	p = append(p, `{"Records":[`...)
	for i := range b.records {
		if i > 0 {
			p = append(p, ',')
		}
		p = append(p, b.records[i].Event...)
	}
	return append(p, ']')
}
