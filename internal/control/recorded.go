package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/record"
)

// unreplayable is why something cannot be replayed: the caller's mistake or what
// is not recorded.
type unreplayable struct {
	status  int
	message string
}

func (u *unreplayable) Error() string { return u.message }

// meaning is what an id may mean: exchanges, in the order in which they began.
type meaning struct {
	id    string
	found []record.Exchange
	trace bool // all of a trace
}

// choose returns the exchange that is meant: of a trace the first one, of a
// request over HTTP that request, unless invocations alone are wanted, else the
// last attempt of the only function. With a function it is that one's last;
// instead is true when the function has had no part in it, and what another got
// is to be given to it.
func (m *meaning) choose(function string, invocation bool) (x *record.Exchange, instead bool, err error) {
	isHTTP := func(x *record.Exchange) bool { return x.HTTP != nil }
	calls := slices.DeleteFunc(slices.Clone(m.found), func(x record.Exchange) bool { return x.HTTP != nil })
	switch {
	case len(m.found) == 0:
		return nil, false, &unreplayable{http.StatusNotFound, "No trace, request, event or mail " + m.id + " is recorded. It may be too long ago, or before recording was on (--exchanges)."}
	case invocation && len(calls) == 0:
		return nil, false, &unreplayable{http.StatusConflict, "No function has got an event in " + m.id + "."}
	case function == "" && m.trace && invocation:
		return &calls[0], false, nil
	case function == "" && m.trace:
		return &m.found[0], false, nil
	case function == "" && len(calls) < len(m.found) && !invocation:
		return firstOf(m.found, isHTTP), false, nil
	case function == "":
		x, err := m.only(calls)
		return x, false, err
	}
	if x := lastOf(calls, func(x *record.Exchange) bool { return isNamed(x.Function, function) }); x != nil {
		return x, false, nil
	}
	if len(calls) == 0 {
		return nil, false, &unreplayable{http.StatusConflict, "No function has got an event in " + m.id + " that could be given to " + function + "."}
	}
	if m.trace {
		return &calls[0], true, nil
	}
	x, err = m.only(calls)
	return x, true, err
}

// only returns the last call, if all are of one function.
func (m *meaning) only(calls []record.Exchange) (*record.Exchange, error) {
	var names []string
	for i := range calls {
		if n := functionName(calls[i].Function); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) > 1 {
		return nil, &unreplayable{http.StatusConflict, fmt.Sprintf("%d functions got %s: %s; --function chooses one.", len(names), m.id, strings.Join(names, ", "))}
	}
	return &calls[len(calls)-1], nil
}

func firstOf(xs []record.Exchange, is func(*record.Exchange) bool) *record.Exchange {
	for i := range xs {
		if is(&xs[i]) {
			return &xs[i]
		}
	}
	return nil
}

func lastOf(xs []record.Exchange, is func(*record.Exchange) bool) *record.Exchange {
	for i := len(xs) - 1; i >= 0; i-- {
		if is(&xs[i]) {
			return &xs[i]
		}
	}
	return nil
}

// mean finds what is meant by the id of a trace, of a request or an invocation,
// of a hop, of an event that somebody was sent, or of a mail, whose sender it is.
func (s *Server) mean(ctx context.Context, region, id string) (*meaning, error) {
	m := &meaning{id: id}
	var err error
	if trace, ok := traceOf(id); ok {
		m.trace = true
		m.found, err = s.ofTrace(ctx, trace)
		return m, err
	}
	span, err := record.ParseSpanID(id)
	isSpan := err == nil
	var events []record.Exchange
	for x, err := range s.Recorder.Exchanges.Recent(ctx) {
		switch {
		case err != nil:
			return nil, err
		case x.Request == id || isSpan && x.Span == span:
			m.found = append(m.found, x)
		case x.HTTP == nil && bytes.Contains(x.Event, []byte(id)) && hasEvent(x.Event, id):
			events = append(events, x)
		}
	}
	if len(m.found) == 0 {
		m.found = events
	}
	if len(m.found) == 0 {
		m.found, err = s.ofMail(ctx, region, id)
		return m, err
	}
	slices.SortStableFunc(m.found, func(a, b record.Exchange) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Start, b.Start))
	})
	return m, nil
}

// traceOf reads a trace id in any form.
func traceOf(id string) (record.TraceID, bool) {
	if t, err := record.ParseTraceID(strings.ToLower(id)); err == nil {
		return t, true
	}
	if c, ok := record.ParseXRay(id); ok {
		return c.Trace, true
	}
	c, ok := record.ParseTraceparent(id)
	return c.Trace, ok
}

// ofTrace returns the exchanges of a trace or, where it has none, the first one
// that it goes on in, such as that of a batch with records of other traces.
func (s *Server) ofTrace(ctx context.Context, id record.TraceID) ([]record.Exchange, error) {
	xs, err := s.Recorder.Exchanges.Trace(ctx, id)
	if err != nil || len(xs) > 0 {
		return xs, err
	}
	todo, _, err := s.Recorder.Traces.Tree(ctx, id)
	if err != nil {
		return nil, err
	}
	read := map[record.TraceID][]record.Exchange{}
	for ; len(todo) > 0; todo = todo[1:] {
		n := todo[0]
		todo = append(todo, n.Children...)
		xs, ok := read[n.Trace]
		if !ok {
			if xs, err = s.Recorder.Exchanges.Trace(ctx, n.Trace); err != nil {
				return nil, err
			}
			read[n.Trace] = xs
		}
		if x := firstOf(xs, func(x *record.Exchange) bool { return x.Span == n.ID }); x != nil {
			return []record.Exchange{*x}, nil
		}
	}
	return nil, nil
}

// ofMail returns the invocation that has sent a mail.
func (s *Server) ofMail(ctx context.Context, region, id string) ([]record.Exchange, error) {
	if s.Mailbox == nil {
		return nil, nil
	}
	l, err := s.Mailbox.Mail(ctx, s.Account, region, id)
	if errors.Is(err, ErrNoMail) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	trace, err := record.ParseTraceID(l.Trace)
	if err != nil {
		return nil, nil // it came from no request
	}
	xs, err := s.Recorder.Exchanges.Trace(ctx, trace)
	if err != nil {
		return nil, err
	}
	spans, err := s.Recorder.Traces.Trace(ctx, trace)
	if err != nil {
		return nil, err
	}
	x := sender(spans, xs, l.Time)
	if x == nil {
		return nil, &unreplayable{http.StatusConflict, fmt.Sprintf("The mail %s was not sent by a function whose event is recorded, but by %s; `nube replay %s` replays the request that led to it.", id, or(l.By, l.From), l.Trace)}
	}
	return []record.Exchange{*x}, nil
}

// sender is the invocation in which a mail was sent that was accepted at a time:
// the last call of SES until then was made in it. Nil: there is none.
func sender(spans []record.Span, xs []record.Exchange, accepted time.Time) *record.Exchange {
	parents := make(map[record.SpanID]record.SpanID, len(spans))
	var at record.SpanID
	for i := range spans {
		s := &spans[i]
		parents[s.ID] = s.Parent
		if strings.HasPrefix(s.Service, "ses") && strings.HasPrefix(s.Name, "Send") && !s.Start.Time().After(accepted) {
			at = s.ID
		}
	}
	for range spans { // parents may go round
		if x := firstOf(xs, func(x *record.Exchange) bool { return x.HTTP == nil && x.Span == at }); x != nil {
			return x
		}
		at = parents[at]
	}
	return nil
}

// hasEvent reports whether an event is, or has a record, of this id, as services
// name what they send.
func hasEvent(event []byte, id string) bool {
	var e struct {
		ID      string `json:"id"` // of a bus
		Records []struct {
			EventID   string `json:"eventID"`   // of a stream
			MessageID string `json:"messageId"` // of a queue
			SNS       struct {
				MessageID string `json:"MessageId"`
			} `json:"Sns"`
			SES struct {
				Mail struct {
					MessageID string `json:"messageId"`
				} `json:"mail"`
			} `json:"ses"`
		} `json:"Records"`
	}
	if json.Unmarshal(event, &e) != nil {
		return false
	}
	for _, r := range e.Records {
		if r.EventID == id || r.MessageID == id || r.SNS.MessageID == id || r.SES.Mail.MessageID == id {
			return true
		}
	}
	return e.ID == id
}

// functionName is the name in a function's ARN.
func functionName(fn string) string {
	name, _, _ := strings.Cut(arn.ARN(fn).ResourceID(), ":")
	return name
}

// isNamed reports whether a function is the one that is named in full or as in
// its manifest.
func isNamed(fn, name string) bool {
	full := functionName(fn)
	return full == name || strings.HasSuffix(full, "-"+name)
}
