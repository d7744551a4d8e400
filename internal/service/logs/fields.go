package logs

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/logs/insights"
)

// Where fields are looked for: around a time, or in the last minutes.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogGroupFields.html
const (
	fieldsAround = 8 * time.Minute
	fieldsRecent = 15 * time.Minute
)

// getLogGroupFields tells how many percent of a group's events have each field, the
// most frequent first.
func (s *Service) getLogGroupFields(ctx context.Context, in *shapes.GetLogGroupFieldsRequest) (*shapes.GetLogGroupFieldsResponse, error) {
	name, err := groupName(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	g, err := s.viewGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	from, to := now.Add(-fieldsRecent), now+1
	if in.Time != nil {
		at := clock.Unix(*in.Time, 0)
		from, to = at.Add(-fieldsAround), at.Add(fieldsAround)+1
	}
	count, events := make(map[string]int), 0
	q := record.LogQuery{Group: streamIn(cell(ctx), name, ""), From: max(from, g.oldest(now)), To: to, Reverse: true}
	for e, err := range s.logs.Read(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("fields of %s: %w", name, err)
		}
		for f := range rowOf(&e) {
			count[f]++
		}
		if events++; events == maxEvents {
			break
		}
	}
	out := &shapes.GetLogGroupFieldsResponse{LogGroupFields: make([]shapes.LogGroupField, 0, len(count))}
	for f, n := range count {
		out.LogGroupFields = append(out.LogGroupFields, shapes.LogGroupField{Name: &f, Percent: ptr(int32(100 * n / events))})
	}
	slices.SortFunc(out.LogGroupFields, func(a, b shapes.LogGroupField) int {
		return cmp.Or(cmp.Compare(*b.Percent, *a.Percent), strings.Compare(*a.Name, *b.Name))
	})
	return out, nil
}

// pointerTo is the value of an event's field @ptr: where it lies.
func pointerTo(e *record.LogEvent) string {
	return *encodeName(strings.Join([]string{eventID(e.Cursor()), e.Stream.Group, e.Stream.Name}, "\x00"))
}

// pointer reads the value of a field @ptr.
func pointer(text string) (group, stream string, at record.Cursor, err error) {
	decoded, err := decodeName(&text)
	parts := strings.Split(decoded, "\x00")
	if err != nil || len(parts) != 3 {
		return "", "", at, badPointer()
	}
	at, ok := parseEventID(parts[0])
	if !ok {
		return "", "", at, badPointer()
	}
	return parts[1], parts[2], at, nil
}

func badPointer() *fault.Error { return invalid("The specified log record pointer is invalid.") }

// accessRecord: an event is of its group; one that no pointer points to, of no group.
func accessRecord(ctx context.Context, in *shapes.GetLogRecordRequest) ([]awsapi.Access, error) {
	group, _, _, _ := pointer(value(in.LogRecordPointer))
	return []awsapi.Access{{Action: "logs:GetLogRecord", Resource: groupResource(awsapi.From(ctx).Scope, group)}}, nil
}

// getLogRecord returns all fields of the event that a field @ptr points to. Nothing is
// masked here, so that Unmask changes nothing.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogRecord.html
func (s *Service) getLogRecord(ctx context.Context, in *shapes.GetLogRecordRequest) (*shapes.GetLogRecordResponse, error) {
	name, stream, at, err := pointer(*in.LogRecordPointer)
	if err != nil {
		return nil, err
	}
	g, err := s.viewGroup(ctx, name)
	if err != nil {
		return nil, err
	}
	if at.At >= g.oldest(s.clock.Now()) {
		q := record.LogQuery{Group: streamIn(cell(ctx), name, ""), Stream: stream, From: at.At, To: at.At + 1}
		for e, err := range s.logs.Read(ctx, q) {
			if err != nil {
				return nil, fmt.Errorf("log record of %s: %w", name, err)
			}
			if e.Cursor() != at {
				continue
			}
			out := &shapes.GetLogRecordResponse{LogRecord: make(map[string]string)}
			for f, v := range rowOf(&e) {
				out.LogRecord[f] = insights.Text(v)
			}
			return out, nil
		}
	}
	return nil, fault.New("ResourceNotFoundException", "The specified log record does not exist.")
}
