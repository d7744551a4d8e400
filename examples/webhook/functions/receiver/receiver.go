package main

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Keeper knows what is signed with.
type Keeper interface {
	// Key returns the key that is valid at a time.
	Key(ctx context.Context, now time.Time) ([]byte, error)
}

// Memory knows which webhooks have come.
type Memory interface {
	// Claim notes that a webhook has come, and reports whether it is still to be put
	// on the queue: of one that was, it is false.
	Claim(ctx context.Context, id string, expires time.Time) (bool, error)
	// MarkQueued notes that a webhook is on the queue.
	MarkQueued(ctx context.Context, id string) error
}

// Sender puts webhooks on the queue.
type Sender interface {
	Send(ctx context.Context, id, body string) error
}

// Receiver handles webhooks.
type Receiver struct {
	Secret     Keeper
	Deliveries Memory
	Queue      Sender
	Log        *slog.Logger
}

// Handle takes one webhook. The time is the gateway's: when the request came.
func (r *Receiver) Handle(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	now := time.UnixMilli(e.RequestContext.TimeEpoch)
	body := e.Body
	if e.IsBase64Encoded {
		text, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return reply(http.StatusBadRequest, "Invalid body"), nil
		}
		body = string(text)
	}
	w := Webhook{ID: e.Headers["webhook-id"], Timestamp: e.Headers["webhook-timestamp"], Signature: e.Headers["webhook-signature"], Body: body}
	key, err := r.Secret.Key(ctx, now)
	if err != nil {
		return r.failed(ctx, w, err), nil
	}
	if err := w.Verify(key, now); err != nil {
		r.Log.WarnContext(ctx, "webhook refused", "id", w.ID, "err", err)
		return reply(http.StatusUnauthorized, "Unauthorized"), nil // why is nobody's business but ours
	}
	fresh, err := r.accept(ctx, w, now)
	switch {
	case err != nil:
		return r.failed(ctx, w, err), nil
	case !fresh:
		// The sender may not have had the first answer. Any but a success would make
		// it try on.
		r.Log.WarnContext(ctx, "webhook came again", "id", w.ID)
		return reply(http.StatusOK, "Already accepted"), nil
	}
	return reply(http.StatusAccepted, "Accepted"), nil
}

// accept puts a webhook on the queue, unless it is there, and reports whether it
// did. One that was claimed and then not sent is sent when it comes again.
func (r *Receiver) accept(ctx context.Context, w Webhook, now time.Time) (bool, error) {
	fresh, err := r.Deliveries.Claim(ctx, w.ID, now.Add(2*tolerance))
	if err != nil || !fresh {
		return false, err
	}
	if err := r.Queue.Send(ctx, w.ID, w.Body); err != nil {
		return false, err
	}
	return true, r.Deliveries.MarkQueued(ctx, w.ID)
}

// failed answers when it is our fault. The sender tries again.
func (r *Receiver) failed(ctx context.Context, w Webhook, err error) events.APIGatewayV2HTTPResponse {
	r.Log.ErrorContext(ctx, "webhook failed", "id", w.ID, "err", err)
	return reply(http.StatusInternalServerError, "Internal server error")
}

func reply(status int, message string) events.APIGatewayV2HTTPResponse {
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Body: `{"message":"` + message + `"}`, Headers: map[string]string{"Content-Type": "application/json"},
	}
}
