package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/runner"
)

func anywhere(o *Options) { o.Delivers = func(string) bool { return true } }

func failing(message string) func(*runner.Spec, runner.Invocation) (runner.Result, error) {
	return func(*runner.Spec, runner.Invocation) (runner.Result, error) {
		b, err := json.Marshal(map[string]any{"errorMessage": message, "errorType": "Exception", "stackTrace": []string{strings.Repeat("frame ", 400)}})
		return runner.Result{Payload: b, Fault: &runner.Fault{Type: "Exception"}}, err
	}
}

// A dead letter is the event, with the attributes that Lambda documents.
// (floci#4194: they were stored, never delivered.)
//
// Mutations: the error as the body; ErrorCode as a String (consumers read a
// Number).
func TestDeadLetter(t *testing.T) {
	c := newCloud(t, anywhere)
	c.create("f", `,"DeadLetterConfig":{"TargetArn":"arn:aws:sqs:eu-west-1:123456789012:dead"}`)
	for name, d := range map[string]struct {
		answer func(*runner.Spec, runner.Invocation) (runner.Result, error)
		off    bool
		why    delivery.Reason
		code   string
		says   string
	}{
		"failed":       {failing("no"), false, delivery.OutOfRetries, "200", "no"},
		"long":         {failing(strings.Repeat("ü", 2000)), false, delivery.OutOfRetries, "200", strings.Repeat("ü", 512)},
		"switched off": {nil, true, delivery.Rejected, "429", "Rate Exceeded."},
	} {
		e := c.event(`{"n":1}`)
		c.run.answer = d.answer
		if d.off {
			c.do("PutFunctionConcurrency", `{"FunctionName":"f","ReservedConcurrentExecutions":0}`)
		}
		o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]
		c.do("DeleteFunctionConcurrency", `{"FunctionName":"f"}`)
		dead := c.s.Exhausted(e, o, d.why)
		if len(dead) != 1 || dead[0].Target != "arn:aws:sqs:eu-west-1:123456789012:dead" || dead[0].Actor.ARN != "arn:aws:sts::123456789012:assumed-role/doer/f" || dead[0].Actor.Issuer != testRole {
			t.Fatalf("%s: %+v", name, dead)
		}
		x := dead[0]
		x.Payload = append(x.Head, x.Payload...)
		m, err := x.Message()
		if err != nil {
			t.Fatal(err)
		}
		want := &delivery.Message{Body: []byte(`{"n":1}`), Attributes: map[string]delivery.MessageAttribute{
			"RequestID": {Type: "String", Text: e.ID}, "ErrorCode": {Type: "Number", Text: d.code}, "ErrorMessage": {Type: "String", Text: d.says},
		}}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// An event that has become too old goes to its destination with what its
// function said last, also when that was long; one that was never handed over
// without.
//
// Mutation: Error longer than delivery keeps: the record has no response.
func TestTooOldEventsRememberTheirFailure(t *testing.T) {
	c := newCloud(t, anywhere)
	c.create("f", "")
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumEventAgeInSeconds":60,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:eu-west-1:123456789012:q"}}}`)
	for _, message := range []string{"no", strings.Repeat("ü", 5000), "\u0000 < > \" '"} {
		e := c.event(`{"n":1}`)
		c.run.answer = failing(message)
		o := c.s.Accept(context.Background(), []delivery.Effect{e})[0]
		e.LastError = o.Err.Error()
		if len(e.LastError) > 1000 {
			t.Errorf("%d bytes of error", len(e.LastError))
		}
		var doc struct {
			RequestContext  struct{ Condition string }
			ResponseContext struct{ FunctionError, ExecutedVersion string }
			ResponsePayload struct{ ErrorMessage, ErrorType string }
		}
		then := c.s.Exhausted(e, delivery.Outcome{}, delivery.TooOld)
		if err := json.Unmarshal(then[0].Payload, &doc); err != nil {
			t.Fatal(err)
		}
		if doc.RequestContext.Condition != "EventAgeExceeded" || doc.ResponseContext.FunctionError != "Unhandled" || doc.ResponseContext.ExecutedVersion != latest ||
			!strings.HasPrefix(message, doc.ResponsePayload.ErrorMessage) || doc.ResponsePayload.ErrorMessage == "" || doc.ResponsePayload.ErrorType != "Exception" {
			t.Errorf("record %s", then[0].Payload)
		}
	}
	for _, last := range []string{"", "TooManyRequestsException: Rate Exceeded.", "connection refused"} {
		e := c.event(`{"n":1}`)
		e.LastError = last
		if then := c.s.Exhausted(e, delivery.Outcome{Err: errors.New("late")}, delivery.TooOld); strings.Contains(string(then[0].Payload), "response") {
			t.Errorf("record %s", then[0].Payload)
		}
	}
}

// On an event bus the record is the detail of an event.
func TestBusDestination(t *testing.T) {
	c := newCloud(t, anywhere)
	c.create("f", "")
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","DestinationConfig":{"OnSuccess":{"Destination":"arn:aws:events:eu-west-1:123456789012:event-bus/b"}}}`)
	o := c.s.Accept(context.Background(), []delivery.Effect{c.event(`{"n":1}`)})[0]
	var entry struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
	}
	if err := json.Unmarshal(o.Then[0].Payload, &entry); err != nil {
		t.Fatal(err)
	}
	if entry.Source != "lambda" || entry.DetailType != "Lambda Function Invocation Result - Success" || !strings.Contains(entry.Detail, `"responsePayload":{"n":1}`) ||
		strings.Join(entry.Resources, " ") != entry.EventBusName+" "+fnARN+"f:$LATEST" {
		t.Errorf("entry %+v", entry)
	}
}

// floci#4193: destinations are delivered to, of a success and of a failure,
// whoever made the event; another service's event is retried as Lambda's own.
//
// Mutation: acceptForeign by invoking at once: no retry, no destination.
func TestDestinationsAreDeliveredTo(t *testing.T) {
	c, settle := delivered(t)
	c.create("f", "")
	c.create("good", "")
	c.create("bad", "")
	c.do("PutFunctionEventInvokeConfig", `{"FunctionName":"f","MaximumRetryAttempts":1,"DestinationConfig":{"OnSuccess":{"Destination":"`+fnARN+`good"},"OnFailure":{"Destination":"`+fnARN+`bad"}}}`)
	var mu sync.Mutex
	var log []string
	c.run.answer = func(s *runner.Spec, in runner.Invocation) (runner.Result, error) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, s.Name)
		if s.Name == "f" && strings.Contains(string(in.Payload), "poison") {
			return runner.Result{Payload: []byte(`{"errorMessage":"x"}`), Fault: &runner.Fault{Type: "E"}}, nil
		}
		return runner.Result{Payload: []byte("null")}, nil
	}
	for _, payload := range []string{`"fine"`, `"poison"`} {
		e := delivery.Effect{
			Cell: testCell, Target: fnARN + "f", Payload: []byte(payload), Actor: delivery.ActorRef{Account: testAccount, Service: "sns.amazonaws.com"}, At: c.clock.Now(),
		}
		c.emitEffect(e)
		if _, err := settle.Settle(context.Background(), 0, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := settle.Advance(context.Background(), c.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := fmt.Sprint(log); got != "[f good f f bad]" {
		t.Errorf("invoked %s", got)
	}
}
