package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/logs/filter"
)

// Emitter takes effects. It is a *delivery.Delivery.
type Emitter interface {
	Emit(tx *kv.Tx, es ...delivery.Effect) error
	// Delivers reports whether there is a receiver for a target.
	Delivers(target string) bool
}

// Written is an event as its writer has written it.
type Written struct {
	At      clock.Instant
	Pos     record.Pos
	Message string
}

// derived is what becomes of a group's events, ready for use.
type derived struct {
	metrics       []*measuring
	subscriptions []*forwarding
}

// measuring is a metric filter.
type measuring struct {
	metricFilter
	pattern *filter.Pattern

	mu        sync.Mutex
	defaulted clock.Instant // the minute for which the default value was given, or a value
}

// forwarding is a subscription filter.
type forwarding struct {
	subscription
	name    string
	pattern *filter.Pattern
}

// derivedOf returns what becomes of a group's events, and reads it when it is asked
// for the first time since it has changed.
func (s *Service) derivedOf(ctx context.Context, of record.Stream) (*derived, error) {
	of.Name = ""
	if d, ok := s.derivations.Load(of); ok {
		return d.(*derived), nil
	}
	s.mu.Lock()
	changes := s.changes
	s.mu.Unlock()
	d := &derived{}
	sp := spaceOf(keyspace.Cell{Account: of.Account, Region: of.Region})
	err := s.db.View(ctx, func(snap *kv.Snap) error {
		*d = derived{}
		for p, err := range snap.Scan(sp.metricFilters(of.Group), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			m := &measuring{}
			if err := jsonrow.Decode(p.Key, p.Value, &m.metricFilter); err != nil {
				return err
			}
			if m.pattern, err = filter.Parse(m.Pattern); err != nil {
				return err
			}
			d.metrics = append(d.metrics, m)
		}
		for p, err := range snap.Scan(sp.subscriptions(of.Group), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			f := &forwarding{name: lastPart(sp, p.Key)}
			if err := jsonrow.Decode(p.Key, p.Value, &f.subscription); err != nil {
				return err
			}
			if f.pattern, err = filter.Parse(f.Pattern); err != nil {
				return err
			}
			d.subscriptions = append(d.subscriptions, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("filters of log group %s: %w", of.Group, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes == changes { // or else it may be what was before
		s.derivations.Store(of, d)
	}
	return d, nil
}

// Derive makes of events that were written what follows of them: metrics that they
// hold in the embedded format, those of metric filters, and what subscribers get.
func (s *Service) Derive(ctx context.Context, of record.Stream, events []Written) error {
	for _, e := range events {
		s.embedded(of, e)
	}
	d, err := s.derivedOf(ctx, of)
	if err != nil {
		return err
	}
	for _, m := range d.metrics {
		for _, e := range events {
			s.measure(of, m, e)
		}
	}
	var errs []error
	for _, f := range d.subscriptions {
		var matched []Written
		for _, e := range events {
			if f.pattern.Match(e.Message) {
				matched = append(matched, e)
			}
		}
		if len(matched) > 0 {
			errs = append(errs, s.forward(ctx, of, f, matched))
		}
	}
	return errors.Join(errs...)
}

// Derives reports whether [Service.Derive] has something to do for events of a
// group that must not wait for it: something that is committed.
func (s *Service) Derives(of record.Stream) bool {
	of.Name = ""
	d, ok := s.derivations.Load(of)
	return !ok || len(d.(*derived).subscriptions) > 0
}

// measure gives a metric filter's metrics the value of an event. A default value is
// for a minute in which no event has matched so far.
func (s *Service) measure(of record.Stream, m *measuring, e Written) {
	minute := e.At - e.At%clock.Instant(record.Resolution)
	matched := m.pattern.Match(e.Message)
	m.mu.Lock()
	first := m.defaulted != minute
	m.defaulted = minute
	m.mu.Unlock()
	if !matched && !first {
		return
	}
	for i := range m.Transformations {
		t := &m.Transformations[i]
		metric := record.Metric{Account: of.Account, Region: of.Region, Namespace: value(t.MetricNamespace), Name: value(t.MetricName), Unit: unitOf(t.Unit)}
		if !matched {
			if t.DefaultValue != nil {
				s.metrics.Series(metric).Observe(e.At, *t.DefaultValue)
			}
			continue
		}
		text := value(t.MetricValue)
		if strings.HasPrefix(text, "$") {
			var ok bool
			if text, ok = m.pattern.Value(e.Message, text); !ok {
				continue
			}
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // what is no number is not counted
		}
		whole := true
		for name, selector := range t.Dimensions {
			dim, ok := m.pattern.Value(e.Message, selector)
			whole = whole && ok
			metric.Dims = append(metric.Dims, record.Attr{Key: name, Value: dim})
		}
		if whole {
			s.metrics.Series(metric).Observe(e.At, v)
		}
	}
}

func unitOf(p *string) string {
	if u := value(p); u != "None" {
		return u
	}
	return ""
}

// maxForwarded is how large the events of one call of a function are, before they
// are compressed.
const maxForwarded = 1 << 20

// forward emits what a subscriber gets: events in JSON, compressed and in Base64.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
func (s *Service) forward(ctx context.Context, of record.Stream, f *forwarding, events []Written) error {
	c := keyspace.Cell{Account: of.Account, Region: of.Region}
	for len(events) > 0 {
		n, size := 0, 0
		for n < len(events) && (n == 0 || size+len(events[n].Message) <= maxForwarded) {
			size += len(events[n].Message)
			n++
		}
		payload, err := awslogs(of, f.name, events[:n])
		if err != nil {
			return err
		}
		events = events[n:]
		now := s.clock.Now()
		_, err = s.db.Update(ctx, func(tx *kv.Tx) error {
			return s.emit.Emit(tx, delivery.Effect{
				Cell: c, Target: f.Destination, Payload: payload, Actor: delivery.ActorRef{Account: c.Account, Service: principal}, Cause: record.From(ctx),
				SourceARN: string(groupARN(c, of.Group)), At: now, Policy: delivery.Policy{MaxAge: maxAge},
			})
		})
		if err != nil {
			return fmt.Errorf("subscription filter %s of %s: %w", f.name, of.Group, err)
		}
	}
	return nil
}

// awslogs is the event that a subscribed function gets.
func awslogs(of record.Stream, name string, events []Written) ([]byte, error) {
	type event struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	data := struct {
		Type    string   `json:"messageType"`
		Owner   string   `json:"owner"`
		Group   string   `json:"logGroup"`
		Stream  string   `json:"logStream"`
		Filters []string `json:"subscriptionFilters"`
		Events  []event  `json:"logEvents"`
	}{"DATA_MESSAGE", of.Account, of.Group, of.Name, []string{name}, nil}
	for _, e := range events {
		data.Events = append(data.Events, event{eventID(record.Cursor{At: e.At, Pos: e.Pos}), e.At.UnixMilli(), e.Message})
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if err := errors.Join(json.NewEncoder(z).Encode(data), z.Close()); err != nil {
		return nil, fmt.Errorf("events for a subscriber: %w", err)
	}
	return []byte(`{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(packed.Bytes()) + `"}}`), nil
}
