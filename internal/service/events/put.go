package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// maxPut is how large the entries of a request may be together.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
const maxPut = 1 << 20

// entrySize is what AWS counts of an entry.
func entrySize(e *shapes.PutEventsRequestEntry) int {
	n := len(value(e.Source)) + len(value(e.DetailType)) + len(value(e.Detail))
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

// putEvents accepts events: what brings them to their targets has been committed
// when it answers, in one transaction a bus.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (s *Service) putEvents(ctx context.Context, in *shapes.PutEventsRequest) (*shapes.PutEventsResponse, error) {
	if in.EndpointId != nil {
		return nil, invalid("Parameter EndpointId is not valid. Reason: nube has no global endpoints.")
	}
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
	}
	if size > maxPut {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	now := s.Clock.Now()
	out := &shapes.PutEventsResponse{FailedEntryCount: ptr(int32(0)), Entries: make([]shapes.PutEventsResultEntry, len(in.Entries))}
	fail := func(i int, code, message string) {
		out.Entries[i] = shapes.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
		*out.FailedEntryCount++
	}
	var order []bus
	byBus := map[bus][]*event{}
	places := map[bus][]int{}
	for i := range in.Entries {
		e := &in.Entries[i]
		b, err := busOf(ctx, e.EventBusName)
		if err != nil {
			return nil, err
		}
		detail, code, message := checkEntry(e)
		if code != "" {
			fail(i, code, message)
			continue
		}
		if byBus[b] == nil {
			order = append(order, b)
		}
		byBus[b], places[b] = append(byBus[b], newEvent(ctx, b, e, detail, now)), append(places[b], i)
	}
	for _, b := range order {
		err := s.accept(ctx, b, byBus[b])
		for n, i := range places[b] {
			if err == nil {
				out.Entries[i].EventId = &byBus[b][n].id
				continue
			}
			if len(order) == 1 {
				return nil, err
			}
			fail(i, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
		}
	}
	return out, nil
}

// checkEntry says what is wrong with an entry, in AWS's words, and returns the
// detail of one that is right.
func checkEntry(e *shapes.PutEventsRequestEntry) (detail []byte, code, message string) {
	for _, f := range []struct{ name, value string }{{"Source", value(e.Source)}, {"DetailType", value(e.DetailType)}, {"Detail", value(e.Detail)}} {
		if f.value == "" {
			return nil, "InvalidArgument", "Parameter " + f.name + " is not valid. Reason: " + f.name + " is a required argument."
		}
	}
	detail, ok := compactObject(*e.Detail)
	switch {
	case !ok:
		return nil, "MalformedDetail", "Detail is malformed."
	case strings.HasPrefix(*e.Source, "aws."):
		return nil, "NotAuthorizedForSource", "Not authorized for the source."
	}
	return detail, "", ""
}

// newEvent is the event of an entry.
func newEvent(ctx context.Context, b bus, e *shapes.PutEventsRequestEntry, detail []byte, now clock.Instant) *event {
	call := awsapi.From(ctx)
	c := content{
		ID: awsapi.NewID(), DetailType: *e.DetailType, Source: *e.Source, Account: call.Scope.Account, Region: b.scope.Region, Time: now,
		Resources: e.Resources, Detail: detail,
	}
	if call.Actor.Account != "" {
		c.Account = call.Actor.Account
	}
	if e.Time != nil {
		c.Time = *e.Time
	}
	cause := record.From(ctx)
	if traced, ok := record.ParseXRay(value(e.TraceHeader)); ok {
		traced.Request, traced.By = cause.Request, cause.By
		cause = traced
	}
	return &event{bus: b, id: c.ID, json: c.encode(), at: now, cause: cause}
}

// accept commits what follows from events of one bus. Matching comes before the
// transaction, with rules that the transaction finds unchanged.
func (s *Service) accept(ctx context.Context, b bus, es []*event) error {
	if dead, err := s.locked(ctx, b, es); err != nil {
		if _, refused := fault.As(err); !refused {
			return err
		}
		return s.bury(ctx, dead)
	}
	for {
		c, err := s.consequenceOf(ctx, b, es)
		if err != nil {
			return err
		}
		if len(c.effects) == 0 {
			s.measure(c.rules...)
			return nil
		}
		k := b.space().head(b.name)
		_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
			is, err := tx.Get(k)
			if err != nil {
				return err
			}
			if !bytes.Equal(is, c.seen) {
				return errMoved
			}
			return s.Emit.Emit(tx, c.effects...)
		})
		switch {
		case errors.Is(err, kv.ErrTooLarge):
			// What all targets together get can be many times as large.
			return invalid("Total size of the entries in the request is over the limit.").Because(err)
		case err != nil && !errors.Is(err, errMoved):
			return fmt.Errorf("events: accept on %s: %w", b.arn(), err)
		case err == nil:
			s.measure(c.rules...)
			return nil
		}
	}
}

// errMoved says that the rules of a bus changed after they were read.
var errMoved = errors.New("events: the rules have changed")
