package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Orders is where orders are kept.
type Orders interface {
	// Process processes an order, unless it was before, and returns how it went,
	// now or then.
	Process(ctx context.Context, o Order) (Processed, error)
	// MarkPublished notes that the bus knows of an order.
	MarkPublished(ctx context.Context, id string) error
}

// Publisher tells others what happened.
type Publisher interface {
	OrderProcessed(ctx context.Context, p Processed) error
}

// Settings change without a deployment.
type Settings interface {
	Parameter(ctx context.Context, name string, now time.Time) (string, error)
	Secret(ctx context.Context, id string, now time.Time) (string, error)
}

// Processor handles orders.
type Processor struct {
	Orders   Orders
	Bus      Publisher
	Settings Settings
	Limit    string // the parameter that says how much an order may be worth
	Key      string // the secret under which what is published is signed
	Log      *slog.Logger
}

// Handle takes orders from where they come: a batch of the queue, or a request of
// API Gateway.
func (p *Processor) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	var kind struct {
		Records json.RawMessage
	}
	if err := json.Unmarshal(event, &kind); err != nil {
		return nil, err
	}
	if kind.Records != nil {
		var batch events.SQSEvent
		if err := json.Unmarshal(event, &batch); err != nil {
			return nil, err
		}
		return p.batch(ctx, batch), nil
	}
	var request events.APIGatewayProxyRequest
	if err := json.Unmarshal(event, &request); err != nil {
		return nil, err
	}
	return p.request(ctx, request), nil
}

// batch processes messages, and says which have failed: those alone come again,
// and go to the dead-letter queue if they fail too often.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (p *Processor) batch(ctx context.Context, e events.SQSEvent) events.SQSEventResponse {
	var out events.SQSEventResponse
	now := received(e)
	for _, m := range e.Records {
		order, err := read(m.Body)
		if err == nil {
			_, err = p.process(ctx, order, now)
		}
		if err != nil {
			p.Log.ErrorContext(ctx, "message failed", "message", m.MessageId, "err", err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out
}

// received is when a batch was received, as the queue says: its last message that
// was for the first time.
func received(e events.SQSEvent) time.Time {
	last := int64(0)
	for _, m := range e.Records {
		if at, err := strconv.ParseInt(m.Attributes["ApproximateFirstReceiveTimestamp"], 10, 64); err == nil {
			last = max(last, at)
		}
	}
	return time.UnixMilli(last)
}

// request processes the order of a POST.
func (p *Processor) request(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	body := r.Body
	if r.IsBase64Encoded {
		text, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return reply(http.StatusBadRequest, map[string]any{"message": "Invalid event data"})
		}
		body = string(text)
	}
	var wrong problem
	order, err := read(body)
	var done Processed
	if err == nil {
		done, err = p.process(ctx, order, time.UnixMilli(r.RequestContext.RequestTimeEpoch))
	}
	if errors.As(err, &wrong) {
		return reply(http.StatusBadRequest, map[string]any{"message": wrong.Error()})
	}
	if err != nil {
		p.Log.ErrorContext(ctx, "request failed", "order", order.ID, "err", err)
		return reply(http.StatusInternalServerError, map[string]any{"message": "Internal server error"})
	}
	return reply(http.StatusOK, map[string]any{"success": true, "orderId": done.ID})
}

// process has the effect of an order once, however often it comes. Its event is
// published until it is known to have been: who listens may hear of an order twice,
// and never not at all. now decides how old settings may be.
func (p *Processor) process(ctx context.Context, o Order, now time.Time) (Processed, error) {
	p.Log.InfoContext(ctx, "processing order", "order", o.ID)
	if err := p.allowed(ctx, o, now); err != nil {
		return Processed{}, err
	}
	done, err := p.Orders.Process(ctx, o)
	if err != nil || done.Published {
		return done, err
	}
	key, err := p.Settings.Secret(ctx, p.Key, now)
	if err != nil {
		return done, err
	}
	done.Signature = signature(key, done.ID)
	if err := p.Bus.OrderProcessed(ctx, done); err != nil {
		return done, err
	}
	return done, p.Orders.MarkPublished(ctx, o.ID)
}

// allowed says whether an order may be worth so much.
func (p *Processor) allowed(ctx context.Context, o Order, now time.Time) error {
	text, err := p.Settings.Parameter(ctx, p.Limit, now)
	if err != nil {
		return err
	}
	limit, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("parameter %s: %w", p.Limit, err)
	}
	if total, err := o.Total.Float64(); err != nil || total > limit {
		return problem("totalAmount must be at most " + text)
	}
	return nil
}

// signature lets who hears of an order know that it was the shop who said so.
func signature(key, id string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(id))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func reply(status int, body map[string]any) events.APIGatewayProxyResponse {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own maps always marshal
	}
	return events.APIGatewayProxyResponse{
		StatusCode: status, Body: string(text), Headers: map[string]string{"Content-Type": "application/json", "Access-Control-Allow-Origin": "*"},
	}
}
