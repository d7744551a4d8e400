package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/sources"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

const streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2026-11-22T00:00:00.000"

// oneStream is a DynamoDB stream of one shard, whose records are appended by
// the test.
type oneStream struct{}

func (oneStream) Service() string   { return "dynamodb" }
func (oneStream) BatchInfo() string { return "DDBStreamBatchInfo" }
func (oneStream) Needs(a arn.ARN) []awsapi.Access {
	return []awsapi.Access{{Action: "dynamodb:GetRecords", Resource: a}}
}
func (oneStream) log() kv.Key { return keyspace.Service(testCell, "teststream", 0).Key().Stamped() }
func (o oneStream) Shards(_ *kv.Snap, a arn.ARN) ([]sources.Shard, error) {
	if string(a) != streamARN {
		return nil, fmt.Errorf("%w: %s", sources.ErrNoSource, a)
	}
	return []sources.Shard{{ID: "shard", Topic: o.log()}}, nil
}
func (o oneStream) Seek(s *kv.Snap, a arn.ARN, shard string, p sources.Position) (sources.Cursor, error) {
	if p.From == sources.TrimHorizon {
		return "", nil
	}
	page, err := o.Fetch(s, a, shard, "", sources.Want{Records: 1000, Bytes: 1 << 30})
	return page.Next, err
}
func (o oneStream) Fetch(s *kv.Snap, _ arn.ARN, _ string, after sources.Cursor, want sources.Want) (sources.Page, error) {
	r := keyspace.PrefixRange(o.log())
	if after != "" {
		r.Start = kv.Next(append(o.log(), after...))
	}
	p := sources.Page{Next: after}
	for pair, err := range s.Scan(r, kv.ScanOptions{Limit: want.Records}) {
		if err != nil {
			return p, err
		}
		p.Next = sources.Cursor(pair.Key[len(o.log()):])
		p.Records = append(p.Records, sources.Record{Cursor: p.Next, Sequence: string(pair.Value), Order: pair.Value, Event: pair.Value, At: clock.Unix(1795301973, 0), Cause: causeOf(pair.Value)})
	}
	return p, nil
}

// causeOf is the cause of a record: a request whose trace begins with the
// record's text.
func causeOf(text []byte) (c record.Cause) {
	copy(c.Trace[:], text)
	copy(c.Span[:], text)
	return c
}

// permits is who may do what: nobody anything that is in it.
type permits struct {
	mu     sync.Mutex
	denied bool
	asked  []string
}

func (p *permits) Permit(ctx context.Context, needs ...awsapi.Access) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range needs {
		p.asked = append(p.asked, string(awsapi.From(ctx).Actor.Principal.ARN)+" "+n.Action)
	}
	if p.denied {
		return fault.New("AccessDenied", "no")
	}
	return nil
}

func (p *permits) set(denied bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied = denied
}

// mapped is a cloud with a stream and what runs mappings.
func mapped(t *testing.T, set ...func(*Options)) (*cloud, *work.Settler, *permits) {
	t.Helper()
	var settle *work.Settler
	var timers *timer.Timers
	var owner *timer.Owner
	ledger := work.NewLedger()
	p := &permits{}
	c := newCloud(t, func(o *Options) {
		owner = &timer.Owner{DB: o.DB}
		timers = timer.New(timer.Options{DB: o.DB, Owner: owner, Model: o.Clock, Ledger: ledger})
		o.Permits, o.Delivers = p, func(string) bool { return true }
		for _, f := range set {
			f(o)
		}
	})
	e := sources.New(sources.Options{DB: c.s.DB, Owner: owner, Timers: timers, Model: c.clock, Ledger: ledger, Emit: c.emit, Functions: c.s.Functions()})
	e.Read(oneStream{})
	e.Read(emptyQueues{})
	c.s.Map(e)
	settle = &work.Settler{Ledger: ledger, DB: c.s.DB, Clock: c.clock, Backlogs: []work.Backlog{timers, e}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { timers.Run(ctx) })
	running.Go(func() { e.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return c, settle, p
}

// put appends records to the stream: JSON texts.
func (c *cloud) put(settle *work.Settler, records ...string) {
	c.t.Helper()
	tok := settle.Ledger.Begin(work.Request, "put")
	defer tok.End()
	if _, err := c.s.DB.Update(c.ctx, func(tx *kv.Tx) error {
		for _, r := range records {
			tx.Append(oneStream{}.log(), nil, []byte(r))
		}
		tx.Signal(oneStream{}.log())
		return nil
	}); err != nil {
		c.t.Fatal(err)
	}
}

func settled(t *testing.T, s *work.Settler) {
	t.Helper()
	if _, err := s.Settle(context.Background(), 0, false); err != nil {
		t.Fatal(err)
	}
}

// uuidOf is the UUID in an answer.
func uuidOf(t *testing.T, answer string) string {
	t.Helper()
	var m struct{ UUID string }
	if err := json.Unmarshal([]byte(answer), &m); err != nil || len(m.UUID) != 36 {
		t.Fatalf("%s: %v", answer, err)
	}
	return m.UUID
}

// The life of a mapping, in AWS's words.
func TestMappings(t *testing.T) {
	c, settle, _ := mapped(t)
	c.create("f", "")
	c.put(settle, `{"old":1}`)
	out := c.do("CreateEventSourceMapping", `{"FunctionName":"f","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST","Tags":{"a":"b"}}`)
	id := uuidOf(t, out)
	for _, part := range []string{
		`"BatchSize":100`, `"BisectBatchOnFunctionError":false`, `"DestinationConfig":{"OnFailure":{}}`, `"EventSourceArn":"` + streamARN + `"`,
		`"EventSourceMappingArn":"arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:` + id + `"`, `"FunctionArn":"` + fnARN + `f"`, `"FunctionResponseTypes":[]`,
		`"LastProcessingResult":"No records processed"`, `"MaximumBatchingWindowInSeconds":0`, `"MaximumRecordAgeInSeconds":-1`, `"MaximumRetryAttempts":-1`,
		`"ParallelizationFactor":1`, `"StartingPosition":"LATEST"`, `"State":"Creating"`, `"StateTransitionReason":"User action"`, `"TumblingWindowInSeconds":0`,
	} {
		if !strings.Contains(out, part) {
			t.Errorf("%s has no %s", out, part)
		}
	}
	c.want("CreateEventSourceMapping", `{"FunctionName":"f","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST"}`,
		`ResourceConflictException: The event source arn (" `+streamARN+` ") and function (" f ") provided mapping already exists. Please update or delete the existing mapping with UUID `+id)
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"State":"Enabled"`)
	c.put(settle, `{"n":1}`, `{"n":2}`)
	settled(t, settle)
	if len(c.run.calls) != 1 || string(c.run.calls[0].Payload) != `{"Records":[{"n":1},{"n":2}]}` || c.run.calls[0].ARN != fnARN+"f" || len(c.run.calls[0].RequestID) != 36 {
		t.Errorf("calls %+v", c.run.calls)
	}
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"LastProcessingResult":"OK"`)

	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","Enabled":false}`, `"State":"Disabling"`, `"LastProcessingResult":"OK"`, `"BatchSize":100`)
	c.put(settle, `{"n":3}`)
	settled(t, settle)
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"State":"Disabled"`)
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","BatchSize":1}`, `"State":"Updating"`)
	if len(c.run.calls) != 1 {
		t.Errorf("%d calls while it was off", len(c.run.calls))
	}
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","Enabled":true}`, `"State":"Enabling"`)
	settled(t, settle)
	if len(c.run.calls) != 2 || string(c.run.calls[1].Payload) != `{"Records":[{"n":3}]}` {
		t.Errorf("calls %+v", c.run.calls)
	}

	c.want("ListEventSourceMappings", `{"FunctionName":"f"}`, `"UUID":"`+id+`"`)
	c.want("ListEventSourceMappings", `{"EventSourceArn":"`+streamARN+`"}`, `"UUID":"`+id+`"`)
	c.want("ListEventSourceMappings", `{"EventSourceArn":"arn:aws:sqs:eu-west-1:123456789012:q"}`, `{"EventSourceMappings":[]}`)
	resource := `"arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:` + id + `"`
	c.want("ListTags", `{"Resource":`+resource+`}`, `{"Tags":{"a":"b"}}`)
	c.do("TagResource", `{"Resource":`+resource+`,"Tags":{"c":"d"}}`)
	c.do("UntagResource", `{"Resource":`+resource+`,"TagKeys":["a"]}`)
	c.want("ListTags", `{"Resource":`+resource+`}`, `{"Tags":{"c":"d"}}`)
	for _, other := range []string{"eu-west-1:999999999999", "us-east-1:123456789012"} { // of no mapping here, though the id is one's
		elsewhere := `"arn:aws:lambda:` + other + `:event-source-mapping:` + id + `"`
		c.want("ListTags", `{"Resource":`+elsewhere+`}`, "ResourceNotFoundException")
		c.want("TagResource", `{"Resource":`+elsewhere+`,"Tags":{"c":"e"}}`, "ResourceNotFoundException")
	}
	c.s.Delivers = func(string) bool { // somebody else is faster
		c.do("TagResource", `{"Resource":`+resource+`,"Tags":{"c":"now"}}`)
		return true
	}
	c.do("UpdateEventSourceMapping", `{"UUID":"`+id+`","DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`)
	c.want("ListTags", `{"Resource":`+resource+`}`, `{"Tags":{"c":"now"}}`)

	c.want("DeleteEventSourceMapping", `{"UUID":"`+id+`"}`, `"State":"Deleting"`)
	c.put(settle, `{"n":4}`)
	settled(t, settle)
	if len(c.run.calls) != 2 {
		t.Errorf("%d calls after it was deleted", len(c.run.calls))
	}
	for _, op := range []string{"GetEventSourceMapping", "DeleteEventSourceMapping", "UpdateEventSourceMapping"} {
		c.want(op, `{"UUID":"`+id+`"}`, "ResourceNotFoundException: The resource you requested does not exist.")
	}
}

// Who gives a mapping to another function must be allowed to have it for both.
func TestMappingToAnotherFunction(t *testing.T) {
	c, _, _ := mapped(t)
	c.create("f", "")
	c.create("g", "")
	id := uuidOf(t, c.do("CreateEventSourceMapping", `{"FunctionName":"f","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST"}`))
	var got []string
	for _, in := range []*shapes.UpdateEventSourceMappingRequest{{UUID: &id}, {UUID: &id, FunctionName: ptr("g")}} {
		needs, err := c.s.accessUpdateMapping(c.ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range needs {
			fn, _ := n.Keys.Key("lambda:functionarn")
			got = append(got, fmt.Sprint(n.Action, " ", fn))
		}
	}
	other := uuidOf(t, c.do("CreateEventSourceMapping", `{"FunctionName":"g","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST"}`))
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","FunctionName":"g"}`, "ResourceConflictException", "existing mapping with UUID "+other)
	if want := "lambda:UpdateEventSourceMapping of f, and of f and g"; len(got) != 3 || !strings.Contains(got[0], ":f") || !strings.Contains(got[1], ":f") || !strings.Contains(got[2], ":g") {
		t.Errorf("%q, want %s", got, want)
	}
}

func TestMappingChecks(t *testing.T) {
	c, _, p := mapped(t)
	c.create("f", "")
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	c.do("CreateAlias", `{"FunctionName":"f","Name":"live","FunctionVersion":"1"}`)
	base := `"FunctionName":"f","EventSourceArn":"` + streamARN + `","StartingPosition":"TRIM_HORIZON"`
	for _, d := range []struct{ in, want string }{
		{`{"FunctionName":"f"}`, "InvalidParameterValueException: Unrecognized event source."},
		{`{"FunctionName":"g","EventSourceArn":"` + streamARN + `","StartingPosition":"LATEST"}`, "InvalidParameterValueException: Function does not exist"},
		{`{"FunctionName":"f:7","EventSourceArn":"` + streamARN + `","StartingPosition":"LATEST"}`, "InvalidParameterValueException: Function does not exist"},
		{`{"FunctionName":"f","EventSourceArn":"` + streamARN + `"}`, "InvalidParameterValueException: 1 validation error detected: Value null at 'startingPosition'"},
		{`{"FunctionName":"f","EventSourceArn":"` + streamARN + `","StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1}`,
			"InvalidParameterValueException: Unsupported starting position for arn type: " + streamARN},
		{`{` + base + `,"StartingPositionTimestamp":1}`, "InvalidParameterValueException: Timestamp only valid with StartingPosition AT_TIMESTAMP"},
		{`{` + strings.Replace(base, "table/t", "table/other", 1) + `}`, "InvalidParameterValueException: Stream not found: arn:aws:dynamodb:eu-west-1:123456789012:table/other"},
		{`{"FunctionName":"f","EventSourceArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","StartingPosition":"LATEST"}`, "nube does not support event source mappings of kinesis"},
		{`{` + base + `,"TumblingWindowInSeconds":30,"ParallelizationFactor":2}`, "nube does not support tumbling windows (TumblingWindowInSeconds) over batches in parallel"},
		{`{` + base + `,"MaximumRecordAgeInSeconds":30}`, "MaximumRecordAgeInSeconds must be -1, or between 60 and 604800."},
		{`{` + base + `,"ScalingConfig":{"MaximumConcurrency":2}}`, "Unsupported ScalingConfig parameter for given event source mapping type."},
		{`{` + base + `,"FilterCriteria":{"Filters":[{"Pattern":"x"}]}}`, "InvalidParameterValueException: Invalid filter pattern definition."},
		{`{` + base + `,"FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[{\"pre\":1}]}"}]}}`, "InvalidParameterValueException: Invalid filter pattern definition."},
		{`{` + base + `,"DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`, "Unsupported DestinationConfig.OnSuccess"},
		{`{` + base + `,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:lambda:eu-west-1:123456789012:function:f"}}}`, "InvalidParameterValueException: The provided destination config"},
		{`{` + base + `,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q.fifo"}}}`, "FIFO queues and topics are not supported"},
		{`{` + base + `,"BatchSize":10001}`, "ValidationException"},
		{`{` + base + `,"ParallelizationFactor":11}`, "ValidationException"},
	} {
		c.want("CreateEventSourceMapping", d.in, d.want)
	}
	// floci#3620: a destination that nothing is delivered to is refused, not
	// forgotten.
	everywhere := c.s.Delivers
	c.s.Delivers = func(string) bool { return false }
	c.want("CreateEventSourceMapping", `{`+base+`,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:s3:::failures"}}}`,
		"InvalidParameterValueException: The destination arn:aws:s3:::failures cannot be used: nube does not deliver to it.")
	c.s.Delivers = everywhere
	p.set(true)
	c.want("CreateEventSourceMapping", `{`+base+`}`, "InvalidParameterValueException: Cannot access stream "+streamARN+
		". Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.")
	p.set(false)
	if len(p.asked) == 0 || p.asked[0] != "arn:aws:sts::123456789012:assumed-role/doer/f dynamodb:GetRecords" {
		t.Errorf("asked %v", p.asked)
	}
	full := `,"BatchSize":7,"MaximumBatchingWindowInSeconds":5,"ParallelizationFactor":3,"BisectBatchOnFunctionError":true,"MaximumRetryAttempts":0,"MaximumRecordAgeInSeconds":60,` +
		`"FunctionResponseTypes":["ReportBatchItemFailures"],"FilterCriteria":{"Filters":[{"Pattern":"{\"eventName\":[\"INSERT\"]}"}]},` +
		`"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}`
	id := uuidOf(t, c.do("CreateEventSourceMapping", `{`+strings.Replace(base, `"f"`, `"f:live"`, 1)+full+`,"Enabled":false}`))
	for _, part := range []string{`"BatchSize":7`, `"MaximumBatchingWindowInSeconds":5`, `"ParallelizationFactor":3`, `"BisectBatchOnFunctionError":true`, `"MaximumRetryAttempts":0`,
		`"MaximumRecordAgeInSeconds":60`, `"FunctionResponseTypes":["ReportBatchItemFailures"]`, `"Pattern":"{\"eventName\":[\"INSERT\"]}"`,
		`"FunctionArn":"` + fnARN + `f:live"`, `"State":"Disabled"`, `"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}`} {
		c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, part)
	}
	c.want("UpdateEventSourceMapping", `{"UUID":"`+id+`","FunctionName":"f","FunctionResponseTypes":[],"FilterCriteria":{"Filters":[]},"DestinationConfig":{"OnFailure":{}},"MaximumRecordAgeInSeconds":-1,"ParallelizationFactor":1,"TumblingWindowInSeconds":900}`,
		`"FunctionArn":"`+fnARN+`f"`, `"TumblingWindowInSeconds":900`, `"FunctionResponseTypes":[]`, `"DestinationConfig":{"OnFailure":{}}`, `"MaximumRecordAgeInSeconds":-1`)
	if out := c.do("GetEventSourceMapping", `{"UUID":"`+id+`"}`); strings.Contains(out, "FilterCriteria") {
		t.Errorf("filters %s", out)
	}
}

// A mapping shows what keeps its function from reading, and goes on by itself;
// throttles are waited for.
func TestMappingProblems(t *testing.T) {
	c, settle, p := mapped(t)
	c.create("f", "")
	id := uuidOf(t, c.do("CreateEventSourceMapping", `{"FunctionName":"f","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST","MaximumRetryAttempts":0}`))
	p.set(true)
	c.put(settle, `{"n":1}`)
	settled(t, settle)
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"LastProcessingResult":"PROBLEM: Cannot access stream `)
	p.set(false)
	var mu sync.Mutex
	tries := 0
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 3 {
			return runner.Result{}, &runner.Throttled{}
		}
		return runner.Result{Payload: []byte("null")}, nil
	}
	if _, err := settle.Advance(context.Background(), c.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"LastProcessingResult":"OK"`)
	if tries != 3 {
		t.Errorf("%d tries", tries)
	}
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}}, nil
	}
	c.put(settle, `{"n":2}`)
	settled(t, settle)
	c.want("GetEventSourceMapping", `{"UUID":"`+id+`"}`, `"LastProcessingResult":"PROBLEM: Function call failed"`)
}

// A batch hangs in the traces of all its records, and says how often it was
// tried.
func TestMappingsAreTraced(t *testing.T) {
	var rec *record.Recorder
	c, settle, _ := mapped(t, func(o *Options) {
		var err error
		if rec, err = record.Open(record.Options{FS: disk.Mem(), Dir: "records", Model: o.Clock}); err != nil {
			t.Fatal(err)
		}
		o.Recorder = rec
	})
	t.Cleanup(func() {
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
	})
	c.create("f", "")
	var mu sync.Mutex
	n := 0
	c.run.answer = func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == 1 {
			return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}}, nil
		}
		return runner.Result{Payload: []byte("null")}, nil
	}
	c.do("CreateEventSourceMapping", `{"FunctionName":"f","EventSourceArn":"`+streamARN+`","StartingPosition":"LATEST"}`)
	records := []string{`{"n":1}`, `{"n":2}`}
	for _, text := range records {
		cause := causeOf([]byte(text))
		if err := rec.Traces.Add(&record.Span{Trace: cause.Trace, ID: cause.Span, Name: "put", Start: c.clock.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	c.put(settle, records...)
	if _, err := settle.Advance(context.Background(), c.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for i, text := range records {
		roots, _, err := rec.Traces.Tree(context.Background(), causeOf([]byte(text)).Trace)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range roots[0].Children {
			got = append(got, fmt.Sprintf("%s %s records=%s attempt=%s linked=%v below=%d", r.Name, r.Error, r.Attr("records"), r.Attr(record.Attempt), r.Linked, len(r.Children)))
		}
		linked := i > 0
		want := fmt.Sprintf("[dynamodb → f E records=2 attempt= linked=%v below=1 dynamodb → f  records=2 attempt=2 linked=%v below=1]", linked, linked)
		if fmt.Sprint(got) != want {
			t.Errorf("record %d:\n got %v\nwant %s", i, got, want)
		}
	}
}
