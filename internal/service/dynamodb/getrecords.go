package dynamodb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodbstreams"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
)

// Limits of one answer.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
const (
	maxRecords     = 1000
	maxRecordBytes = 1 << 20
)

// getRecords: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
//
// Nobody is slowed down: LimitExceededException, which is about readers that ask too often, is never returned.
func (s *Service) getRecords(ctx context.Context, in *shapes.GetRecordsInput) (*shapes.GetRecordsOutput, error) {
	it, err := parseIterator(value(in.ShardIterator))
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	if err := it.expired(now); err != nil {
		return nil, err
	}
	limit, err := limitOf(in.Limit, maxRecords)
	if err != nil {
		return nil, err
	}
	end := false
	next := iterator{stream: it.stream, after: it.after, issued: now}
	out := &shapes.GetRecordsOutput{Records: []shapes.Record{}}
	err = s.lookStream(ctx, it.stream, func(sn *kv.Snap, f *feed) error {
		horizon, err := f.horizon(sn)
		if err != nil {
			return err
		}
		if it.after.Compare(horizon) < 0 {
			return trimmed()
		}
		end = f.closed()
		bytes := 0
		for at, r := range f.rows(sn, it.after, kv.ScanOptions{}) {
			if r.err != nil {
				return r.err
			}
			if len(out.Records) == limit || bytes > 0 && bytes+len(r.row) > maxRecordBytes {
				end = false
				break
			}
			rec, err := decodeRecord(r.row)
			if err != nil {
				return err
			}
			out.Records = append(out.Records, *rec.shape(f, it.stream.Region(), at))
			bytes += len(r.row)
			next.after = at
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !end {
		out.NextShardIterator = ptr(next.String())
	}
	return out, nil
}

// limitOf is how much a request wants at most.
func limitOf(want *int32, max int) (int, error) {
	switch {
	case want == nil:
		return max, nil
	case int(*want) > max:
		return 0, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value less than or equal to %d", *want, max)
	}
	return int(*want), nil
}

// expirer is who deletes items whose time is over, as records name it.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
const expirer = "dynamodb.amazonaws.com"

// shape is a record in the API's terms.
func (r *record) shape(f *feed, region string, at kv.Stamp) *shapes.Record {
	created := r.second()
	out := &shapes.Record{
		EventID: ptr(f.eventID(at)), EventName: ptr(r.event.String()), EventVersion: ptr("1.1"), EventSource: ptr("aws:dynamodb"), AwsRegion: &region,
		Dynamodb: &shapes.StreamRecord{
			ApproximateCreationDateTime: &created, Keys: r.key, NewImage: r.after, OldImage: r.before,
			SequenceNumber: ptr(sequence(at)), SizeBytes: ptr(int64(r.size())), StreamViewType: &f.View,
		},
	}
	if r.expired {
		out.UserIdentity = &shapes.Identity{PrincipalId: ptr(expirer), Type: ptr("Service")}
	}
	return out
}

// second is the record's time, which is told in whole seconds.
func (r *record) second() instant {
	return r.created - r.created%instant(time.Second)
}

// size is how many bytes the key and the images have.
func (r *record) size() int {
	n := 0
	for _, item := range [...]attr.Item{r.key, r.after, r.before} {
		n += sizeOf(item)
	}
	return n
}

// eventID is the record's id: the same whoever reads it, and no other record's.
func (f *feed) eventID(at kv.Stamp) string {
	var b [96]byte
	name := append(append(append(b[:0], f.Table...), 0), f.Label...)
	sum := sha256.Sum256(append(name, at[:]...))
	return hex.EncodeToString(sum[:16])
}
