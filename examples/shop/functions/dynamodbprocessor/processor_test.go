package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// heard remembers what the processor did, in words.
type heard struct {
	did  []string
	fail string // whose welcome fails
}

func (h *heard) SendWelcomeEmail(_ context.Context, email, name string) error {
	if email == h.fail {
		return errors.New("no such mailbox")
	}
	h.did = append(h.did, "welcome "+name+" "+email)
	return nil
}

func (h *heard) SendUserCreated(_ context.Context, userID, email string) error {
	h.did = append(h.did, "created "+userID+" "+email)
	return nil
}

func (h *heard) SendStatusChange(_ context.Context, userID, from, to string) error {
	h.did = append(h.did, "status "+userID+" "+from+" "+to)
	return nil
}

func (h *heard) TrackRegistration(_ context.Context, id, userID string) error {
	h.did = append(h.did, "registered "+userID+" "+id)
	return nil
}

func (h *heard) TrackDeletion(_ context.Context, id, userID string) error {
	h.did = append(h.did, "deleted "+userID+" "+id)
	return nil
}

const (
	ada      = `{"id":{"S":"1"},"userId":{"S":"1"},"name":{"S":"Ada"},"email":{"S":"ada@example.com"},"status":{"S":"active"}}`
	inactive = `{"id":{"S":"1"},"userId":{"S":"1"},"name":{"S":"Ada"},"email":{"S":"ada@example.com"},"status":{"S":"inactive"}}`
	address  = `{"id":{"S":"email#ada@example.com"},"owner":{"S":"1"}}`
)

func TestHandle(t *testing.T) {
	for _, c := range []struct {
		name, records string
		fail          string
		want          []string
		failed        string // sequence number
	}{
		{"a new user", record("INSERT", "", ada, "100"), "", []string{"welcome Ada ada@example.com", "created 1 ada@example.com", "registered 1 e100"}, ""},
		{"an address", record("INSERT", "", address, "100"), "", nil, ""},
		{"another status", record("MODIFY", ada, inactive, "100"), "", []string{"status 1 active inactive"}, ""},
		{"the same status", record("MODIFY", ada, ada, "100"), "", nil, ""},
		{"a user is gone", record("REMOVE", ada, "", "100"), "", []string{"deleted 1 e100"}, ""},
		{"an address is gone", record("REMOVE", address, "", "100"), "", nil, ""},
		{"one fails", record("MODIFY", ada, inactive, "100") + "," + record("INSERT", "", ada, "200") + "," + record("REMOVE", ada, "", "300"),
			"ada@example.com", []string{"status 1 active inactive"}, "200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e events.DynamoDBEvent
			if err := json.Unmarshal([]byte(`{"Records":[`+c.records+`]}`), &e); err != nil {
				t.Fatal(err)
			}
			h := &heard{fail: c.fail}
			p := &Processor{Notifications: h, Analytics: h, Log: slog.New(slog.DiscardHandler)}
			out, err := p.Handle(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(h.did, c.want) {
				t.Errorf("did %q, want %q", h.did, c.want)
			}
			failed := ""
			if len(out.BatchItemFailures) > 0 {
				failed = out.BatchItemFailures[0].ItemIdentifier
			}
			if failed != c.failed {
				t.Errorf("failed at %q, want %q", failed, c.failed)
			}
		})
	}
}

// record is a record of the stream, as Lambda gives it to functions.
func record(event, old, next, sequence string) string {
	images := ""
	if old != "" {
		images += `,"OldImage":` + old
	}
	if next != "" {
		images += `,"NewImage":` + next
	}
	return `{"eventID":"e` + sequence + `","eventName":"` + event + `","dynamodb":{"SequenceNumber":"` + sequence + `"` + images + `}}`
}
