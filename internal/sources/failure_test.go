package sources_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/sources"
)

// poison fails batches that have a record of this text.
func poison(text string) func(call) (sources.Answer, error) {
	return func(c call) (sources.Answer, error) {
		if c.has(text) {
			return failed()
		}
		return ok()
	}
}

// A batch that fails is tried again, with growing pauses, until it succeeds, and
// nothing after it is handed over before.
//
// Mutation: row.after without postponed (Due stays zero): no pauses.
func TestFailedBatchesAreTriedAgain(t *testing.T) {
	fn := &function{do: func(c call) (sources.Answer, error) {
		if c.has("a") && c.n < 4 {
			return failed()
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put("a")
	b.settled()
	expect(t, "result", b.result("m"), "PROBLEM: Function call failed")
	b.put("b")
	b.advance(time.Hour)
	expect(t, "calls", fn.times(), "a@0s a@1s a@3s a@7s b@7s")
	expect(t, "result", b.result("m"), "OK")
}

// floci#3262, #3263, and what a stream promises: when the retries are exhausted the
// batch is given up, its description goes to the destination, and the next one
// follows.
//
// Mutations: `Attempts > MaxRetries` to `>=`: one attempt too few. passed
// without the cursor: the batch goes round for ever.
func TestRetriesAreExhausted(t *testing.T) {
	for _, c := range []struct {
		retries int
		calls   string
	}{
		{0, "a@0s bc@0s"},
		{2, "a@0s a@1s a@3s bc@3s"},
	} {
		fn := &function{do: poison("a")}
		b := memBed(t, fn)
		b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxRetries, m.OnFailure = c.retries, "box:q" })
		b.put("a")
		b.settled()
		b.put("b", "c")
		b.advance(time.Hour)
		expect(t, "calls", fn.times(), c.calls)
		if len(b.box.got) != 1 {
			t.Fatalf("%d descriptions", len(b.box.got))
		}
		e := b.box.got[0]
		at := map[int]string{0: "2023-11-14T22:13:20.000Z", 2: "2023-11-14T22:13:23.000Z"}[c.retries]
		expect(t, "description", string(e.Payload), fmt.Sprintf(`{"requestContext":{"requestId":"r","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f",`+
			`"condition":"RetryAttemptsExhausted","approximateInvokeCount":%d},"responseContext":{"statusCode":200,"executedVersion":"1","functionError":"Unhandled"},`+
			`"version":"1.0","timestamp":"%s","TestBatchInfo":{"shardId":"a","startSequenceNumber":"sa","endSequenceNumber":"sa",`+
			`"approximateArrivalOfFirstRecord":"2023-11-14T22:13:20Z","approximateArrivalOfLastRecord":"2023-11-14T22:13:20Z","batchSize":1,`+
			`"streamArn":"arn:aws:test:eu-west-1:123456789012:s"}}`, c.retries+1, at))
		expect(t, "sender", e.Actor.ARN, "arn:aws:sts::123456789012:assumed-role/doer/f")
		expect(t, "source", e.SourceARN, "arn:aws:lambda:eu-west-1:123456789012:function:f")
	}
}

// Throttles, and whatever keeps the function from being called, take nothing of
// the retries and of what is given up.
//
// Mutation: count problems in Attempts: b is given up.
func TestThrottlesAreWaitedFor(t *testing.T) {
	fn := &function{do: func(c call) (sources.Answer, error) {
		switch {
		case c.n < 10:
			return sources.Answer{}, fault.New("TooManyRequestsException", "Rate Exceeded.")
		case c.n == 10:
			return failed()
		}
		return ok()
	}}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxRetries, m.OnFailure = 1, "box:q" })
	b.put("a")
	b.settled()
	expect(t, "result", b.result("m"), "PROBLEM: Rate Exceeded.")
	b.advance(time.Hour)
	if got := fn.times(); !strings.HasSuffix(got, "a@31s a@1m3s a@2m3s a@3m3s a@4m3s a@5m3s") {
		t.Errorf("calls %s", got)
	}
	expect(t, "given up", len(b.box.got), 0)
}

// A role that may not read any more stops its own mapping, which goes on when it
// may.
func TestDeniedRole(t *testing.T) {
	denied := true
	fn := &function{}
	fn.denied = func() error {
		if denied {
			return fault.New("InvalidParameterValueException", "Cannot access stream s.")
		}
		return nil
	}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxAge = time.Minute })
	b.put("a")
	b.settled()
	expect(t, "result", b.result("m"), "PROBLEM: Cannot access stream s.")
	expect(t, "calls", fn.took(), "")
	denied = false
	b.advance(time.Second)
	expect(t, "calls", fn.took(), "a")
}

// BisectBatchOnFunctionError: halves are tried at once and take nothing of the
// retries; what is left of the batch is one record.
//
// Mutations: half with the wrong index: a record is lost or handed over twice.
// Attempts not reset at a split: fewer tries of d.
func TestBisect(t *testing.T) {
	fn := &function{do: poison("d")}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.Bisect, m.MaxRetries, m.OnFailure = true, 1, "box:q" })
	b.put(letters(7)...)
	b.settled()
	b.put("h")
	b.advance(time.Hour)
	expect(t, "calls", fn.times(), "abcdefg@0s abc@0s defg@0s de@0s d@0s d@1s e@1s fg@1s h@1s")
	if len(b.box.got) != 1 || !strings.Contains(string(b.box.got[0].Payload), `"startSequenceNumber":"sd","endSequenceNumber":"sd"`) {
		t.Errorf("descriptions %v", b.box.got)
	}
}

// ReportBatchItemFailures: the batch goes on at the lowest failed record; what
// is before it is done. floci#3262: the failed record is not skipped. With
// bisecting the rest takes nothing of the retries.
//
// Mutation: records[failed].Cursor in place of the one before it: c is skipped.
func TestPartialFailures(t *testing.T) {
	for _, bisect := range []bool{false, true} {
		fn := &function{do: func(c call) (sources.Answer, error) {
			switch c.n {
			case 1:
				return report("se", "sc", "sd")
			case 2:
				return report("sd")
			}
			return report()
		}}
		b := memBed(t, fn)
		b.keep(mapping("m"), func(m *sources.Mapping) { m.Partial, m.Bisect, m.MaxRetries = true, bisect, 1 })
		b.put(letters(5)...)
		b.advance(time.Minute)
		want := "abcde@0s cde@1s de@2s"
		if bisect {
			want = "abcde@0s cde@0s de@0s"
		}
		expect(t, "calls", fn.times(), want)
	}
}

// What a function's answer means where it reports failures: the documented
// answers that are successes, and everything else a failure of the whole batch.
// floci#3152, #202; localstack#7217, #11262.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
//
// Mutations: a malformed report as success; an unknown identifier ignored; the
// names compared without case (encoding/json's way).
func TestReports(t *testing.T) {
	for _, c := range []struct {
		answer string
		rest   string // what is tried again
	}{
		{``, ""},
		{`null`, ""},
		{`{}`, ""},
		{`{"batchItemFailures":[]}`, ""},
		{`{"batchItemFailures":null}`, ""},
		{`{"statusCode":200}`, ""},
		{`{"batchitemfailures":[{"itemIdentifier":"sb"}]}`, ""}, // not the name
		{`{"batchItemFailures":[{"itemIdentifier":"sb"}]}`, "bc"},
		{`{"batchItemFailures":[{"itemIdentifier":"sc"},{"itemIdentifier":"sb"}]}`, "bc"},
		{`{"batchItemFailures":[{"itemIdentifier":"sa"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":""}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":null}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":7}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifiers":"sb"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemidentifier":"sb"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":"nobody"}]}`, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":"sc"},{"itemIdentifier":"nobody"}]}`, "abc"},
		{`{"batchItemFailures":[null]}`, "abc"},
		{`{"batchItemFailures":"sb"}`, "abc"},
		{`"done"`, "abc"},
		{`[]`, "abc"},
		{`{"batchItemFailures":`, "abc"},
	} {
		fn := &function{do: func(call call) (sources.Answer, error) {
			if call.n == 1 {
				return answer(c.answer)
			}
			return answer(`null`)
		}}
		b := memBed(t, fn)
		b.keep(mapping("m"), func(m *sources.Mapping) { m.Partial = true })
		b.put(letters(3)...)
		b.advance(time.Minute)
		expect(t, c.answer, fn.took(), strings.TrimSpace("abc "+c.rest))
	}
	// Who did not ask for reports is not read as if it had.
	fn := &function{do: func(call) (sources.Answer, error) { return report("sa") }}
	b := memBed(t, fn)
	b.keep(mapping("m"), nil)
	b.put(letters(3)...)
	b.advance(time.Minute)
	expect(t, "without FunctionResponseTypes", fn.took(), "abc")
}

// Records that become too old are given up, and only those; what was tried in
// vain is not tried longer than that.
//
// Mutations: age of the batch's last record in place of each one's; Due not
// capped: the description is late.
func TestMaximumRecordAge(t *testing.T) {
	fn := &function{do: poison("a")}
	b := memBed(t, fn)
	b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxAge, m.OnFailure = time.Minute, "box:q" })
	b.put("a")
	b.settled()
	b.advance(10 * time.Second)
	b.put("b")
	b.advance(time.Hour)
	got := fn.times()
	if !strings.HasPrefix(got, "a@0s a@1s a@3s a@7s a@15s a@31s") || !strings.HasSuffix(got, "b@1m0.000000001s") {
		t.Errorf("calls %s", got)
	}
	if len(b.box.got) != 1 {
		t.Fatalf("%d descriptions", len(b.box.got))
	}
	for _, part := range []string{`"condition":"RecordAgeExceeded","approximateInvokeCount":6`, `"timestamp":"2023-11-14T22:14:20.000Z"`, `"startSequenceNumber":"sa","endSequenceNumber":"sa"`} {
		if !strings.Contains(string(b.box.got[0].Payload), part) {
			t.Errorf("description %s, want %s", b.box.got[0].Payload, part)
		}
	}

	// Of a batch that has waited since before there was a consumer.
	fn = &function{}
	b = memBed(t, fn)
	b.put("a", "b")
	b.advance(2 * time.Minute)
	b.put("c")
	b.keep(mapping("m"), func(m *sources.Mapping) { m.MaxAge, m.OnFailure = time.Minute, "box:q" })
	b.settled()
	expect(t, "calls", fn.took(), "c")
	if len(b.box.got) != 1 || strings.Contains(string(b.box.got[0].Payload), "responseContext") ||
		!strings.Contains(string(b.box.got[0].Payload), `"batchSize":2`) || !strings.Contains(string(b.box.got[0].Payload), `"approximateInvokeCount":0`) {
		t.Errorf("descriptions %v", b.box.got)
	}
}

// What a mapping without retry limit does with a poisoned record is visible.
func TestStuckIsShown(t *testing.T) {
	b := memBed(t, &function{do: poison("a")})
	b.keep(mapping("m"), nil)
	b.put("a")
	r := b.advance(3 * time.Hour)
	if len(r.Stuck) != 1 || r.Stuck[0].ID != "m a" || !strings.HasSuffix(r.Stuck[0].Why, "times: PROBLEM: Function call failed") {
		t.Errorf("stuck %v", r.Stuck)
	}
}
