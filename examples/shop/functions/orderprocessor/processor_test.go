package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// shop remembers what was processed and published.
type shop struct {
	orders    map[string]Processed
	processed int
	published []string
	deaf      bool // the bus does not take anything
}

func (s *shop) Process(_ context.Context, o Order) (Processed, error) {
	if p, ok := s.orders[o.ID]; ok {
		return p, nil
	}
	s.processed++
	s.orders[o.ID] = Processed{ID: o.ID, Status: "processed"}
	return s.orders[o.ID], nil
}

func (s *shop) MarkPublished(_ context.Context, id string) error {
	p := s.orders[id]
	p.Published = true
	s.orders[id] = p
	return nil
}

func (s *shop) OrderProcessed(_ context.Context, p Processed) error {
	if s.deaf {
		return errors.New("no bus")
	}
	if p.Signature != signature("key", p.ID) {
		return errors.New("not signed")
	}
	s.published = append(s.published, p.ID)
	return nil
}

func open() (*shop, *Processor) {
	s := &shop{orders: map[string]Processed{}}
	return s, &Processor{Orders: s, Bus: s, Settings: s, Log: slog.New(slog.DiscardHandler)}
}

func (s *shop) Parameter(context.Context, string, time.Time) (string, error) { return "100", nil }

func (s *shop) Secret(context.Context, string, time.Time) (string, error) { return "key", nil }

const one = `{"orderId":"1","customerId":"ada","totalAmount":12.50}`

// send hands a batch over, each message under its place's number as id, and
// returns the ids of those that failed.
func send(t *testing.T, p *Processor, bodies ...string) (failed []string) {
	t.Helper()
	var e events.SQSEvent
	for i, b := range bodies {
		e.Records = append(e.Records, events.SQSMessage{MessageId: string(rune('a' + i)), Body: b})
	}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Handle(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range out.(events.SQSEventResponse).BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

func post(t *testing.T, p *Processor, body string) events.APIGatewayProxyResponse {
	t.Helper()
	raw, err := json.Marshal(events.APIGatewayProxyRequest{HTTPMethod: "POST", Path: "/orders", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Handle(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return out.(events.APIGatewayProxyResponse)
}

func TestAnOrderIsProcessedOnce(t *testing.T) {
	s, p := open()
	if failed := send(t, p, one, one); failed != nil {
		t.Errorf("failed: %q", failed)
	}
	if r := post(t, p, one); r.StatusCode != 200 || r.Body != `{"orderId":"1","success":true}` {
		t.Errorf("answer %d %s", r.StatusCode, r.Body)
	}
	if s.processed != 1 || !slices.Equal(s.published, []string{"1"}) {
		t.Errorf("processed %d times, published %q", s.processed, s.published)
	}
}

func TestAnOrderIsWorthSoMuch(t *testing.T) {
	s, p := open()
	if r := post(t, p, `{"orderId":"1","customerId":"ada","totalAmount":100.01}`); r.StatusCode != 400 || !strings.Contains(r.Body, "at most 100") {
		t.Errorf("answer %d %s", r.StatusCode, r.Body)
	}
	if r := post(t, p, `{"orderId":"2","customerId":"ada","totalAmount":100}`); r.StatusCode != 200 || s.processed != 1 {
		t.Errorf("answer %d %s, %d processed", r.StatusCode, r.Body, s.processed)
	}
}

func TestPoisonFailsAlone(t *testing.T) {
	s, p := open()
	if failed := send(t, p, one, `poison`, `{"orderId":"2","customerId":"bob","totalAmount":1}`, `{"orderId":"3"}`); !slices.Equal(failed, []string{"b", "d"}) {
		t.Errorf("failed: %q", failed)
	}
	if !slices.Equal(s.published, []string{"1", "2"}) {
		t.Errorf("published %q", s.published)
	}
}

func TestWhatWasNotPublishedIsWhenItComesAgain(t *testing.T) {
	s, p := open()
	s.deaf = true
	if failed := send(t, p, one); !slices.Equal(failed, []string{"a"}) {
		t.Errorf("failed: %q", failed)
	}
	s.deaf = false
	send(t, p, one)
	send(t, p, one)
	if s.processed != 1 || !slices.Equal(s.published, []string{"1"}) {
		t.Errorf("processed %d times, published %q", s.processed, s.published)
	}
}

func TestInvalidRequests(t *testing.T) {
	for body, says := range map[string]string{
		``: "Invalid event data", `{`: "Invalid event data", `{"customerId":"ada","totalAmount":1}`: "orderId", `{"orderId":"1","totalAmount":1}`: "customerId",
		`{"orderId":"1","customerId":"ada"}`: "totalAmount", `{"orderId":"1","customerId":"ada","totalAmount":-1}`: "totalAmount",
	} {
		s, p := open()
		if r := post(t, p, body); r.StatusCode != 400 || !strings.Contains(r.Body, says) {
			t.Errorf("%s: %d %s", body, r.StatusCode, r.Body)
		}
		if s.processed > 0 {
			t.Errorf("%s was processed", body)
		}
	}
}
