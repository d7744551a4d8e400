package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// httpScheme is that of API destinations.
const httpScheme = "events-http"

// callHead is what stands before an event for an API destination.
type callHead struct {
	Parameters *httpParameters `json:",omitempty"`
}

// destinations is delivery's receiver of events for API destinations.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
type destinations struct{ s *Service }

// callTimeout is how long a destination may take to answer.
const callTimeout = 5 * time.Second

// newClient returns a client that sends what it is told, where it is told: a
// redirection is an answer that is no success.
func newClient() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Scheme implements [delivery.Receiver].
func (destinations) Scheme() string { return httpScheme }

// Limits implements [delivery.Limiter].
func (destinations) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1, Apart: true} }

// Accept implements [delivery.Accepter].
func (r destinations) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		out[i] = r.s.invoke(ctx, &es[i])
	}
	return out
}

// invoke sends one event to a destination.
func (s *Service) invoke(ctx context.Context, f *delivery.Effect) delivery.Outcome {
	var head callHead
	body, err := cutHead(f.Payload, &head)
	if err != nil {
		return delivery.Outcome{Err: err, Permanent: true}
	}
	n, id, _ := idOfARN("api-destination", strings.TrimPrefix(f.Target, httpScheme+":"))
	row, err := s.viewDestination(ctx, n)
	if err == nil && row.ID != id {
		err = notFound("An api-destination '%s' does not exist.", n.name)
	}
	if err != nil {
		return outcome(err)
	}
	if err := s.mayInvoke(ctx, n, row.ID, f); err != nil {
		return outcome(err)
	}
	of, _, _ := idOfARN("connection", row.Connection)
	c, err := s.viewConnection(ctx, of)
	if err != nil {
		return outcome(err)
	}
	if c.State != authorized {
		return outcome(fault.New("NO_PERMISSIONS", "The connection %s is %s.", of.name, c.State))
	}
	if err := s.tokens.pace(ctx, f.Target, int(row.PerSecond)); err != nil {
		return delivery.Outcome{Err: err, Throttled: true}
	}
	status, after, err := s.send(ctx, f, &row, &c, head.Parameters, body)
	switch {
	case err != nil:
		return delivery.Outcome{Err: err}
	case status/100 == 2:
		return delivery.Outcome{}
	case status == http.StatusUnauthorized && c.Kind == authOAuth:
		s.tokens.forget(c.ID) // the next try asks for another
		return delivery.Outcome{Err: answerOf(row.Endpoint, status)}
	}
	// 401, 407, 409, 429 and mistakes of the endpoint's own may pass.
	again := status >= 500 || status == http.StatusUnauthorized || status == http.StatusProxyAuthRequired || status == http.StatusConflict || status == http.StatusTooManyRequests
	return delivery.Outcome{Err: answerOf(row.Endpoint, status), Permanent: !again, After: after}
}

func answerOf(endpoint string, status int) error {
	return fault.New("SDK_CLIENT_ERROR", "%s answered %d %s", endpoint, status, http.StatusText(status)).With(status)
}

// mayInvoke asks whether the target's role may call the destination.
func (s *Service) mayInvoke(ctx context.Context, n bus, id string, f *delivery.Effect) error {
	who := actorOf(f)
	if err := s.assume(ctx, f); err != nil {
		return err
	}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: f.ID, Scope: n.scope, Actor: who})
	return s.permitted(ctx, awsapi.Access{Action: "events:InvokeApiDestination", Resource: arn.ARN(n.withID("api-destination", id))})
}

// send makes one request, and returns the status of the answer and when it may be
// repeated.
func (s *Service) send(ctx context.Context, f *delivery.Effect, d *destinationRow, c *connectionRow, more *httpParameters, body []byte) (status int, after time.Duration, err error) {
	own, err := s.open(ctx, c)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := s.tokens.machine.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := newCall(ctx, d, &own, more, body)
	if err != nil {
		return 0, 0, err
	}
	switch c.Kind {
	case authBasic:
		r.SetBasicAuth(own.Name, own.Secret)
	case authKey:
		r.Header.Set(own.Name, own.Secret)
	case authOAuth:
		token, err := s.token(ctx, c, &own)
		if err != nil {
			return 0, 0, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if trace := record.From(ctx); !trace.Trace.IsZero() {
		r.Header.Set(record.XRayHeader, trace.XRay())
	}
	resp, err := s.Client.Do(r)
	if err != nil {
		return 0, 0, fmt.Errorf("call of %s: %w", d.Endpoint, bare(err))
	}
	defer resp.Body.Close()
	// The connection can be used again once the answer has been read.
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 && n <= 86400 {
		after = time.Duration(n) * time.Second
	}
	return resp.StatusCode, after, nil
}

// bare is an error without the URL that it is about, in whose query there may be
// secrets.
func bare(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// newCall is the request of an event: the endpoint with the target's path
// parameters in the place of its asterisks, and the parameters of the target and
// of the connection, which come before those.
func newCall(ctx context.Context, d *destinationRow, c *credentials, more *httpParameters, body []byte) (*http.Request, error) {
	endpoint := d.Endpoint
	if more != nil {
		for _, p := range more.Path {
			endpoint = strings.Replace(endpoint, "*", url.PathEscape(p), 1)
		}
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("call of %s: %w", d.Endpoint, err)
	}
	q := u.Query()
	if more != nil {
		for k, v := range more.Query {
			q.Set(k, v)
		}
	}
	for _, p := range c.Call.Query {
		q.Set(p.Key, p.Value)
	}
	u.RawQuery = q.Encode()
	if d.Method == http.MethodGet || d.Method == http.MethodHead {
		body = nil
	} else if len(c.Call.Body) > 0 {
		if body, err = withMembers(body, c.Call.Body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, d.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call of %s: %w", d.Endpoint, bare(err))
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Amazon/EventBridge/ApiDestinations")
	if more != nil {
		for k, v := range more.Headers {
			r.Header.Set(k, v)
		}
	}
	for _, p := range c.Call.Headers {
		r.Header.Set(p.Key, p.Value)
	}
	return r, nil
}

// withMembers adds the connection's body parameters to an object; what is none
// stays as it is.
func withMembers(body []byte, add []parameter) ([]byte, error) {
	var doc map[string]json.RawMessage
	if json.Unmarshal(body, &doc) != nil {
		return body, nil
	}
	for _, p := range add {
		v, err := json.Marshal(p.Value)
		if err != nil {
			return nil, fmt.Errorf("body parameter %s: %w", p.Key, err)
		}
		doc[p.Key] = v
	}
	return json.Marshal(doc)
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = destinations{}
