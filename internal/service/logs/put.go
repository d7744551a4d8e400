package logs

import (
	"context"
	"fmt"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Limits of a batch.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
const (
	maxBatch  = 1 << 20
	perEvent  = 26 // bytes that each event counts beyond its message
	maxSpan   = 24 * time.Hour
	maxFuture = 2 * time.Hour
	maxAge    = 14 * 24 * time.Hour
)

func (s *Service) putLogEvents(ctx context.Context, in *shapes.PutLogEventsRequest) (*shapes.PutLogEventsResponse, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	c := cell(ctx)
	sp := spaceOf(c)
	groupName, streamName := value(in.LogGroupName), value(in.LogStreamName)
	var g group
	err := s.db.View(ctx, func(snap *kv.Snap) error {
		if err := mustExist(snap, sp, groupName, streamName); err != nil {
			return err
		}
		_, err := jsonrow.Get(snap, sp.group(groupName), &g)
		return err
	})
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	from, to, rejected := accepted(in.LogEvents, &g, now)
	name := streamIn(c, groupName, streamName)
	w := s.logs.Writer(name)
	written := make([]Written, 0, to-from)
	for _, e := range in.LogEvents[from:to] {
		at := clock.UnixMilli(*e.Timestamp)
		pos, err := w.Append(at, now, []byte(*e.Message))
		if err != nil {
			return nil, fmt.Errorf("put log events into %s of %s: %w", streamName, groupName, err)
		}
		written = append(written, Written{at, pos, *e.Message})
	}
	if err := s.Derive(ctx, name, written); err != nil {
		return nil, err
	}
	return &shapes.PutLogEventsResponse{NextSequenceToken: ptr(sequenceToken(now)), RejectedLogEventsInfo: rejected}, nil
}

// checkBatch refuses batches of which nothing is taken.
func checkBatch(events []shapes.InputLogEvent) error {
	size := 0
	for i, e := range events {
		size += len(*e.Message) + perEvent
		if i > 0 && *e.Timestamp < *events[i-1].Timestamp {
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatch {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatch)
	}
	if n := len(events); n > 0 && *events[n-1].Timestamp-*events[0].Timestamp > maxSpan.Milliseconds() {
		return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// accepted returns which events of a batch are taken: those neither too old nor
// too new. The others are named in the answer.
func accepted(events []shapes.InputLogEvent, g *group, now clock.Instant) (from, to int, rejected *shapes.RejectedLogEventsInfo) {
	before := func(t clock.Instant) int {
		n := 0
		for n < len(events) && clock.UnixMilli(*events[n].Timestamp) < t {
			n++
		}
		return n
	}
	var info shapes.RejectedLogEventsInfo
	old, expired := before(now.Add(-maxAge)), before(g.oldest(now))
	if old > 0 {
		info.TooOldLogEventEndIndex = ptr(int32(old))
	}
	if expired > old {
		info.ExpiredLogEventEndIndex = ptr(int32(expired))
	}
	from, to = max(old, expired), len(events)
	if n := before(now.Add(maxFuture) + 1); n < len(events) {
		info.TooNewLogEventStartIndex = ptr(int32(n))
		to = max(n, from)
	}
	if info == (shapes.RejectedLogEventsInfo{}) {
		return from, to, nil
	}
	return from, to, &info
}
