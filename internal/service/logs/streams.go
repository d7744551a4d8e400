package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
)

// knownMax bounds the streams that Ensure remembers.
const knownMax = 10_000

func (s *Service) createLogStream(ctx context.Context, in *shapes.CreateLogStreamRequest) (*schema.Empty, error) {
	sp := spaceOf(cell(ctx))
	group, name := value(in.LogGroupName), value(in.LogStreamName)
	now := s.clock.Now()
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		rows, err := tx.GetAll(sp.group(group), sp.stream(group, name))
		switch {
		case err != nil:
			return err
		case rows[0] == nil:
			return noGroup()
		case rows[1] != nil:
			return fault.New("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		return jsonrow.Set(tx, sp.stream(group, name), &stream{Created: now})
	})
	return &schema.Empty{}, err
}

// Known reports whether Ensure has seen a stream, which was not deleted since.
func (s *Service) Known(st record.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[st]
	return ok
}

// Ensure makes groups and streams that do not exist. It is how the platform
// logs for a function; where the function's role is to be asked, call
// CreateLogGroup and CreateLogStream as the role. It is cheap for streams that
// it has seen.
func (s *Service) Ensure(ctx context.Context, streams ...record.Stream) error {
	streams = slices.DeleteFunc(slices.Clone(streams), s.Known)
	if len(streams) == 0 {
		return nil
	}
	s.mu.Lock()
	deletions := s.deletions
	s.mu.Unlock()
	now := s.clock.Now()
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		for _, st := range streams {
			if err := ensure(tx, st, now); err != nil {
				return fmt.Errorf("log stream %s of %s: %w", st.Name, st.Group, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deletions != deletions {
		return nil // perhaps of these
	}
	if len(s.known) >= knownMax {
		clear(s.known)
	}
	for _, st := range streams {
		s.known[st] = struct{}{}
	}
	return nil
}

func ensure(tx *kv.Tx, st record.Stream, now clock.Instant) error {
	sp := spaceOf(keyspace.Cell{Account: st.Account, Region: st.Region})
	rows, err := tx.GetAll(sp.group(st.Group), sp.stream(st.Group, st.Name))
	if err != nil {
		return err
	}
	var errs []error
	if rows[0] == nil {
		errs = append(errs, jsonrow.Set(tx, sp.group(st.Group), &group{Created: now}))
	}
	if rows[1] == nil {
		errs = append(errs, jsonrow.Set(tx, sp.stream(st.Group, st.Name), &stream{Created: now}))
	}
	return errors.Join(errs...)
}

// forget makes Ensure look again for streams that were deleted.
func (s *Service) forget(gone func(record.Stream) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions++
	for st := range s.known {
		if gone(st) {
			delete(s.known, st)
		}
	}
}

// deleteLogStream deletes the events first, see deleteLogGroup.
func (s *Service) deleteLogStream(ctx context.Context, in *shapes.DeleteLogStreamRequest) (*schema.Empty, error) {
	c := cell(ctx)
	group, name := value(in.LogGroupName), value(in.LogStreamName)
	sp := spaceOf(c)
	if err := s.db.View(ctx, func(snap *kv.Snap) error { return mustExist(snap, sp, group, name) }); err != nil {
		return nil, err
	}
	st := streamIn(c, group, name)
	if err := s.logs.DropStream(st); err != nil {
		return nil, fmt.Errorf("events of log stream %s of %s: %w", name, group, err)
	}
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		if err := mustExist(tx, sp, group, name); err != nil {
			return err
		}
		tx.Delete(sp.stream(group, name))
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.forget(func(known record.Stream) bool { return known == st })
	return &schema.Empty{}, nil
}

// mustExist returns AWS's error for a group or stream that is not there.
func mustExist(g getter, sp space, group, stream string) error {
	rows, err := g.GetAll(sp.group(group), sp.stream(group, stream))
	switch {
	case err != nil:
		return err
	case rows[0] == nil:
		return noGroup()
	case rows[1] == nil:
		return noStream()
	}
	return nil
}

// listed is a stream in a list, with what orders it.
type listed struct {
	name string
	stream
	stats record.StreamStats
}

func (s *Service) describeLogStreams(ctx context.Context, in *shapes.DescribeLogStreamsRequest) (*shapes.DescribeLogStreamsResponse, error) {
	group, err := groupName(ctx, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := value(in.OrderBy) == "LastEventTime"
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	after, err := decodePlace(in.NextToken)
	if err != nil {
		return nil, err
	}
	streams, err := s.streamsOf(ctx, group, value(in.LogStreamNamePrefix))
	if err != nil {
		return nil, err
	}
	descending := in.Descending != nil && *in.Descending
	order := func(a, b place) int {
		d := strings.Compare(a.name, b.name)
		if byTime {
			d = cmp.Or(cmp.Compare(a.at, b.at), d)
		}
		if descending {
			return -d
		}
		return d
	}
	sort.Slice(streams, func(i, j int) bool { return order(streams[i].place(), streams[j].place()) < 0 })
	limit := describeLimit(in.Limit)
	out := &shapes.DescribeLogStreamsResponse{LogStreams: []shapes.LogStream{}}
	for i := range streams {
		if after != nil && order(streams[i].place(), *after) <= 0 {
			continue
		}
		if len(out.LogStreams) == limit {
			out.NextToken = encodePlace(streams[i-1].place())
			break
		}
		out.LogStreams = append(out.LogStreams, streams[i].shape(awsapi.From(ctx), group))
	}
	return out, nil
}

// place is where the stream stands in a list. Ordered by time, streams without
// events come first.
func (l *listed) place() place { return place{l.stats.Last, l.name} }

// streamsOf returns the streams of a group, with their statistics.
func (s *Service) streamsOf(ctx context.Context, group, prefix string) ([]listed, error) {
	if _, err := s.viewGroup(ctx, group); err != nil {
		return nil, err
	}
	c := cell(ctx)
	stats, err := s.logs.Streams(ctx, streamIn(c, group, ""))
	if err != nil {
		return nil, fmt.Errorf("describe log streams of %s: %w", group, err)
	}
	byName := make(map[string]record.StreamStats, len(stats))
	for _, st := range stats {
		byName[st.Stream.Name] = st
	}
	var out []listed
	sp := spaceOf(c)
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		for p, err := range snap.Scan(sp.streams(group), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			d.Str()
			l := listed{name: d.Str()}
			if err := d.Done(); err != nil {
				return err
			}
			if !strings.HasPrefix(l.name, prefix) {
				continue
			}
			if err := jsonrow.Decode(p.Key, p.Value, &l.stream); err != nil {
				return err
			}
			l.stats = byName[l.name]
			out = append(out, l)
		}
		return nil
	})
	return out, err
}

// shape is the stream as the API shows it. AWS has reported no stored bytes of
// streams since 2019.
func (l *listed) shape(call *awsapi.Call, group string) shapes.LogStream {
	out := shapes.LogStream{
		LogStreamName: &l.name, CreationTime: ptr(l.Created.UnixMilli()), StoredBytes: ptr(int64(0)),
		Arn: ptr(string(call.Scope.LogStream(group, l.name))), UploadSequenceToken: ptr(sequenceToken(l.stats.LastIngested)),
	}
	if l.stats.Events > 0 {
		out.FirstEventTimestamp, out.LastEventTimestamp = ptr(l.stats.First.UnixMilli()), ptr(l.stats.Last.UnixMilli())
		out.LastIngestionTime = ptr(l.stats.LastIngested.UnixMilli())
	}
	return out
}
