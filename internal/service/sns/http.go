package sns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/record"
)

// HTTP is delivery's receiver of http or https: it posts messages to endpoints.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
type HTTP struct {
	scheme  string
	client  *http.Client
	machine clock.Machine

	mu   sync.Mutex
	next map[string]time.Time // by target: when one that is throttled may be called
}

// HTTP returns the receiver of a scheme.
func (s *Service) HTTP(scheme string) *HTTP { return &HTTP{scheme: scheme, client: s.Client} }

// requestTimeout is how long an endpoint may take to answer.
const requestTimeout = 15 * time.Second

// newClient returns a client that sends what it is told, where it is told: a
// redirection is an answer that is no success.
func newClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// kindHTTP marks this package's effects to HTTP endpoints. Their payload is a
// line of JSON, a [requestHead], and the body.
const kindHTTP = "sns"

// requestHead is how a body is posted.
type requestHead struct {
	Type, ID, Topic string
	Subscription    string `json:",omitempty"`
	ContentType     string
	Raw             bool `json:",omitempty"`
	Retry           retryPolicy
	PerSecond       int `json:",omitempty"` // how often the endpoint may be called
}

// Scheme implements [delivery.Receiver].
func (h *HTTP) Scheme() string { return h.scheme }

// Limits implements [delivery.Limiter].
func (h *HTTP) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1} }

// Accept implements [delivery.Accepter].
func (h *HTTP) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = h.accept(ctx, &es[i])
	}
	return out
}

func readRequest(e *delivery.Effect) (head requestHead, body []byte, err error) {
	line, body, ok := bytes.Cut(e.Payload, []byte("\n"))
	if err := json.Unmarshal(line, &head); err != nil || !ok || e.Kind != kindHTTP {
		return head, nil, errors.Join(errors.New("sns: the payload is no request"), err)
	}
	return head, body, nil
}

func (h *HTTP) accept(ctx context.Context, e *delivery.Effect) delivery.Outcome {
	head, body, err := readRequest(e)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	if err := h.pace(ctx, e.Target, head.PerSecond); err != nil {
		return delivery.Outcome{Err: err, Throttled: true}
	}
	status, err := h.post(ctx, e.Target, &head, body)
	switch {
	case err == nil && status/100 == 2:
		return delivery.Outcome{}
	case err == nil:
		err = fmt.Errorf("%s answered %d %s", e.Target, status, http.StatusText(status))
		// A mistake of the endpoint's own may pass, one of the request will not.
		if status != http.StatusTooManyRequests && status >= 300 && status < 500 {
			return delivery.Outcome{Err: &httpError{status, err}, Permanent: true}
		}
	}
	return delivery.Outcome{Err: &httpError{status, err}, After: max(1, head.Retry.pause(e.Attempt))}
}

// pace waits until an endpoint may be called. Whoever waits takes a place of its
// target's own calls, so that nobody else does.
func (h *HTTP) pace(ctx context.Context, target string, perSecond int) error {
	if perSecond <= 0 {
		return nil
	}
	now := h.machine.Now()
	h.mu.Lock()
	if h.next == nil {
		h.next = make(map[string]time.Time)
	}
	at := h.next[target]
	if at.Before(now) {
		at = now
	}
	for other, at := range h.next {
		if at.Before(now) {
			delete(h.next, other) // it may be called at once, as if it had never been
		}
	}
	h.next[target] = at.Add(time.Second / time.Duration(perSecond))
	h.mu.Unlock()
	return h.machine.Wait(ctx, at.Sub(now))
}

// httpError is an answer that is no success, or none.
type httpError struct {
	status int
	error
}

func (e *httpError) Unwrap() error { return e.error }

func (h *HTTP) post(ctx context.Context, target string, head *requestHead, body []byte) (status int, err error) {
	ctx, cancel := h.machine.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for _, f := range [...][2]string{
		{"Content-Type", head.ContentType}, {"User-Agent", "Amazon Simple Notification Service Agent"}, {"X-Amz-Sns-Message-Type", head.Type},
		{"X-Amz-Sns-Message-Id", head.ID}, {"X-Amz-Sns-Topic-Arn", head.Topic}, {"X-Amz-Sns-Subscription-Arn", head.Subscription},
	} {
		if f[1] != "" {
			r.Header.Set(f[0], f[1])
		}
	}
	if head.Raw {
		r.Header.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	if c := record.From(ctx); !c.Trace.IsZero() {
		r.Header.Set(record.XRayHeader, c.XRay()) // an endpoint of an application is in the trace too
	}
	if u := r.URL.User; u != nil {
		password, _ := u.Password()
		r.SetBasicAuth(u.Username(), password)
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// The connection can be used again once the answer has been read.
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, nil
}

// Exhausted implements [delivery.Exhausted]: a message that an endpoint does not
// take goes to the subscription's dead-letter queue, with the reason as its
// attributes.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func (h *HTTP) Exhausted(e delivery.Effect, o delivery.Outcome, _ delivery.Reason) []delivery.Effect {
	if e.Policy.DeadLetter == "" {
		return nil
	}
	head, body, err := readRequest(&e)
	if err != nil {
		return nil
	}
	m := delivery.Message{Attributes: map[string]delivery.MessageAttribute{
		"RequestID": {Type: "String", Text: head.ID}, "ErrorMessage": {Type: "String", Text: "unknown"}, "ErrorCode": {Type: "Number", Text: "0"},
	}}
	if o.Err != nil {
		text := o.Err.Error()
		m.Attributes["ErrorMessage"] = delivery.MessageAttribute{Type: "String", Text: text[:min(len(text), 1024)]}
	}
	var bad *httpError
	if errors.As(o.Err, &bad) {
		m.Attributes["ErrorCode"] = delivery.MessageAttribute{Type: "Number", Text: strconv.Itoa(bad.status)}
	}
	line, err := m.Head()
	if err != nil {
		return nil
	}
	return []delivery.Effect{{
		Cell: e.Cell, Target: e.Policy.DeadLetter, Kind: delivery.KindMessage, Head: line, Payload: body,
		Actor: e.Actor, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
	}}
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
	delivery.Exhausted
} = (*HTTP)(nil)
