package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/logs/filter"
)

// maxSearched is how many events one request looks at. Where few match, a page
// is short, or empty, and its token goes on.
const maxSearched = 200_000

func (s *Service) filterLogEvents(ctx context.Context, in *shapes.FilterLogEventsRequest) (*shapes.FilterLogEventsResponse, error) {
	name, err := groupName(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	pattern, err := filter.Parse(value(in.FilterPattern))
	if err != nil {
		return nil, invalid("%v", err)
	}
	match, err := streamsWanted(in)
	if err != nil {
		return nil, err
	}
	g, err := s.viewGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	q := record.LogQuery{Group: streamIn(cell(ctx), name, ""), Match: match, From: max(millis(in.StartTime), g.oldest(s.clock.Now()))}
	if in.EndTime != nil {
		q.To = clock.UnixMilli(*in.EndTime + 1) // the end is included here, unlike in GetLogEvents
	}
	if in.NextToken != nil {
		id, err := decodeName(in.NextToken)
		if err != nil {
			return nil, err
		}
		after, ok := parseEventID(id)
		if !ok {
			return nil, badToken()
		}
		q.After = &after
	}

	// AWS has named no searched streams since 2020.
	out := &shapes.FilterLogEventsResponse{Events: []shapes.FilteredLogEvent{}, SearchedLogStreams: []shapes.SearchedLogStream{}}
	var last record.Cursor
	size, searched := 0, 0
	for e, err := range s.logs.Read(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("filter log events of %s: %w", name, err)
		}
		if searched == maxSearched || len(out.Events) == pageLimit(in.Limit) {
			out.NextToken = encodeName(eventID(last))
			break
		}
		if pattern.Match(e.Message) {
			if size += len(e.Message) + perEvent; size > maxPageBytes && len(out.Events) > 0 {
				out.NextToken = encodeName(eventID(last))
				break
			}
			out.Events = append(out.Events, shapes.FilteredLogEvent{
				LogStreamName: ptr(e.Stream.Name), Timestamp: ptr(e.Time.UnixMilli()), Message: ptr(e.Message),
				IngestionTime: ptr(e.Ingested.UnixMilli()), EventId: ptr(eventID(e.Cursor())),
			})
		}
		last = e.Cursor()
		searched++
	}
	return out, nil
}

// streamsWanted returns which streams a search looks into; nil means all.
func streamsWanted(in *shapes.FilterLogEventsRequest) (func(string) bool, error) {
	names, prefix := in.LogStreamNames, in.LogStreamNamePrefix
	switch {
	case len(names) > 0 && prefix != nil:
		return nil, invalid("LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters.")
	case len(names) > 0:
		return func(n string) bool { return slices.Contains(names, n) }, nil
	case prefix != nil:
		return func(n string) bool { return strings.HasPrefix(n, *prefix) }, nil
	default:
		return nil, nil
	}
}
