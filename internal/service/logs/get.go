package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Limits of a page of events.
const (
	maxPage      = 10_000
	maxPageBytes = 1 << 20
)

// Tokens of GetLogEvents name the event next to which to go on, in either
// direction. A client that gets its own token back has come to the end.
const (
	forward  = "f/"
	backward = "b/"
)

func (s *Service) getLogEvents(ctx context.Context, in *shapes.GetLogEventsRequest) (*shapes.GetLogEventsResponse, error) {
	name, err := groupName(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	stream := value(in.LogStreamName)
	g, err := s.viewGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	c := cell(ctx)
	if err := s.db.View(ctx, func(snap *kv.Snap) error { return mustExist(snap, spaceOf(c), name, stream) }); err != nil {
		return nil, err
	}

	q := record.LogQuery{Group: streamIn(c, name, ""), Stream: stream, From: max(millis(in.StartTime), g.oldest(s.clock.Now())), To: millis(in.EndTime)}
	q.Reverse = in.StartFromHead == nil || !*in.StartFromHead
	if in.NextToken != nil {
		if q.Reverse, q.After, err = parseToken(*in.NextToken); err != nil {
			return nil, err
		}
	}
	var page []record.LogEvent
	size := 0
	for e, err := range s.logs.Read(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("get log events of %s of %s: %w", stream, name, err)
		}
		if size += len(e.Message) + perEvent; size > maxPageBytes && len(page) > 0 {
			break
		}
		if page = append(page, e); len(page) == pageLimit(in.Limit) {
			break
		}
	}
	if q.Reverse {
		slices.Reverse(page)
	}
	return getPage(page, q.After), nil
}

// getPage is the answer with a page, oldest event first, that was read from
// after a place.
func getPage(page []record.LogEvent, after *record.Cursor) *shapes.GetLogEventsResponse {
	var first, last record.Cursor
	switch {
	case len(page) > 0:
		first, last = page[0].Cursor(), page[len(page)-1].Cursor()
	case after != nil:
		first, last = *after, *after
	}
	out := &shapes.GetLogEventsResponse{
		Events:            make([]shapes.OutputLogEvent, len(page)),
		NextForwardToken:  ptr(forward + eventID(last)),
		NextBackwardToken: ptr(backward + eventID(first)),
	}
	for i := range page {
		e := &page[i]
		out.Events[i] = shapes.OutputLogEvent{Timestamp: ptr(e.Time.UnixMilli()), Message: &e.Message, IngestionTime: ptr(e.Ingested.UnixMilli())}
	}
	return out
}

func parseToken(token string) (reverse bool, after *record.Cursor, err error) {
	id, isForward := strings.CutPrefix(token, forward)
	if !isForward {
		var ok bool
		if id, ok = strings.CutPrefix(token, backward); !ok {
			return false, nil, badToken()
		}
	}
	c, ok := parseEventID(id)
	if !ok {
		return false, nil, badToken()
	}
	return !isForward, &c, nil
}

// millis is a time of a request, zero if it has none.
func millis(p *int64) clock.Instant {
	if p == nil {
		return 0
	}
	return clock.UnixMilli(*p)
}

func pageLimit(p *int32) int {
	if p == nil {
		return maxPage
	}
	return int(*p)
}
