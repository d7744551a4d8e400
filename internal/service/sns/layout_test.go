package sns

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
)

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"})
	at := clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []keyspace.Key{
		sp.topic("t"), sp.subscription("t", "id"), sp.endpoint("t", "sqs", "arn:q"), sp.token("token"), sp.asked(at, "token"), sp.sequence("t.fifo"),
		sp.dedup("t.fifo", "group", "id"), sp.accepted("t.fifo", at, "group", "id"), sp.signer(),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	sub := subscription{
		Protocol: "http", Endpoint: "http://h", Owner: "123456789012", Principal: "arn:aws:iam::123456789012:root", Created: at,
		Pending: true, Authenticated: true, OwnerOnly: true, Attributes: map[string]string{"RawMessageDelivery": "true"},
	}
	for _, row := range []any{
		topic{ID: "X", Created: at, Revision: 3, Attributes: map[string]string{"DisplayName": "d"}, Tags: map[string]string{"k": "v"}, Deleted: 1},
		sub, token{Topic: "t", ID: "id", At: at, Restore: &sub}, accepted{ID: "id", Sequence: "1", At: at}, signerRow{Key: []byte{1}, Cert: []byte{2}},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	const path = "testdata/layout.golden"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func TestPauses(t *testing.T) {
	for _, test := range []struct {
		policy retryPolicy
		want   []float64 // seconds
	}{
		{defaultDelivery().retry, []float64{20, 20, 20}},
		{retryPolicy{MinDelay: 1, MaxDelay: 100, Retries: 5, Backoff: "linear"}, []float64{1, 25.75, 50.5, 75.25, 100}},
		{retryPolicy{MinDelay: 1, MaxDelay: 100, Retries: 3, Backoff: "geometric"}, []float64{1, 10, 100}},
		{retryPolicy{MinDelay: 10, MaxDelay: 110, Retries: 3, Backoff: "arithmetic"}, []float64{10, 35, 110}},
		{retryPolicy{MinDelay: 1, MaxDelay: 20, Retries: 7, Backoff: "exponential"}, []float64{1, 2, 4, 8, 16, 20, 20}},
		{retryPolicy{MinDelay: 1, MaxDelay: 20, Retries: 6, AtOnce: 2, AtMinDelay: 2, AtMaxDelay: 1, Backoff: "linear"}, []float64{0, 0, 1, 1, 20, 20}},
	} {
		for i, want := range test.want {
			if got := test.policy.pause(i + 1); got != time.Duration(want*float64(time.Second)) {
				t.Errorf("%+v: pause before retry %d: %v, want %vs", test.policy, i+1, got, want)
			}
		}
	}
}

func FuzzDeliveryPolicy(f *testing.F) {
	f.Add(`{"http":{"defaultHealthyRetryPolicy":{"numRetries":5,"minDelayTarget":1,"maxDelayTarget":2}}}`, `{"healthyRetryPolicy":{"backoffFunction":"geometric"}}`)
	f.Add(`{"http":{"defaultHealthyRetryPolicy":null}}`, `{"healthyRetryPolicy":null,"requestPolicy":{"headerContentType":"x"}}`)
	f.Fuzz(func(t *testing.T, ofTopic, ofSubscription string) {
		d, err := topicDelivery(ofTopic)
		if err != nil {
			return
		}
		if d, err = subscriptionDelivery(ofSubscription, d); err != nil {
			return
		}
		for i := range d.retry.Retries {
			if p := d.retry.pause(i + 1); p < 0 || p > time.Hour {
				t.Errorf("pause %v before retry %d of %+v", p, i+1, d.retry)
			}
		}
		again, err := topicDelivery(d.effective())
		if err != nil || again.retry != d.retry || again.request != d.request {
			t.Errorf("%s is read as %+v, %v", d.effective(), again, err)
		}
	})
}

func FuzzReadRequest(f *testing.F) {
	f.Add([]byte(`{"Type":"Notification","ID":"1","Topic":"t","ContentType":"text/plain","Retry":{"numRetries":3}}` + "\nbody"))
	f.Add([]byte("body"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		head, body, err := readRequest(&delivery.Effect{Kind: kindHTTP, Payload: payload})
		if err == nil && len(head.Type)+len(body) > len(payload) {
			t.Error("it is more than there was")
		}
	})
}

func FuzzEnvelopeOf(f *testing.F) {
	f.Add([]byte(`{"Records":[{"Sns":{"Type":"Notification","MessageId":"1","Subject":null,"Message":"\u00e9\"","MessageAttributes":{"a":{"Type":"String","Value":"b"}}}}]}`))
	f.Fuzz(func(t *testing.T, event []byte) {
		if b, err := envelopeOf(event); err == nil && !json.Valid(b) {
			t.Errorf("%s is no JSON", b)
		}
	})
}
