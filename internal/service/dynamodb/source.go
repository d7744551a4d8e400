package dynamodb

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// source is the tables' streams as event source mappings read them.
type source struct{}

var _ sources.Stream = source{}

// Source returns the tables' streams for event source mappings.
func (s *Service) Source() sources.Stream { return source{} }

// Service implements [sources.Source].
func (source) Service() string { return service }

// BatchInfo implements [sources.Stream].
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (source) BatchInfo() string { return "DDBStreamBatchInfo" }

// Needs implements [sources.Source]. ListStreams works on no resource, but roles of functions are commonly given it on the
// stream, and that does on AWS too.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
func (source) Needs(stream arn.ARN) []awsapi.Access {
	var out []awsapi.Access
	for _, action := range [...]string{"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"} {
		out = append(out, awsapi.Access{Action: "dynamodb:" + action, Resource: stream})
	}
	return out
}

// feedOf is the stream with this ARN.
func feedOf(sn *kv.Snap, stream arn.ARN) (*feed, error) {
	table, label, ok := cutStream(stream)
	if !ok {
		return nil, fmt.Errorf("%w: %s is not the ARN of a stream", sources.ErrNoSource, stream)
	}
	f, err := readFeed(sn, keyspace.Cell{Account: stream.Account(), Region: stream.Region()}, table, label)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, fmt.Errorf("%w: %s", sources.ErrNoSource, stream)
	}
	return f, nil
}

// Shards implements [sources.Stream].
func (source) Shards(sn *kv.Snap, stream arn.ARN) ([]sources.Shard, error) {
	f, err := feedOf(sn, stream)
	if err != nil {
		return nil, err
	}
	return []sources.Shard{{ID: f.shard(), Closed: f.closed(), Topic: f.layout.log()}}, nil
}

// A cursor is the ten bytes of a stamp.

func cursorOf(s kv.Stamp) sources.Cursor {
	if s.IsZero() {
		return ""
	}
	return sources.Cursor(s[:])
}

func placeOf(c sources.Cursor) (s kv.Stamp, err error) {
	if c != "" && copy(s[:], c) != len(c) || c != "" && len(c) != len(s) {
		return s, fmt.Errorf("dynamodb: cursor of %d bytes", len(c))
	}
	return s, nil
}

// Seek implements [sources.Stream].
func (source) Seek(sn *kv.Snap, stream arn.ARN, _ string, p sources.Position) (sources.Cursor, error) {
	f, err := feedOf(sn, stream)
	if err != nil {
		return "", err
	}
	if p.From == sources.Latest {
		return cursorOf(sn.Stamp().At(0xffff)), nil
	}
	at, err := f.horizon(sn)
	if err != nil || p.From == sources.TrimHorizon {
		return cursorOf(at), err
	}
	for stamp, r := range f.rows(sn, at, kv.ScanOptions{}) {
		if r.err != nil {
			return "", r.err
		}
		created, err := createdAt(r.row)
		if err != nil {
			return "", err
		}
		if created >= p.Time {
			break
		}
		at = stamp
	}
	return cursorOf(at), nil
}

// Fetch implements [sources.Stream].
func (source) Fetch(sn *kv.Snap, stream arn.ARN, _ string, after sources.Cursor, want sources.Want) (page sources.Page, err error) {
	f, err := feedOf(sn, stream)
	if err != nil {
		return page, err
	}
	at, err := placeOf(after)
	if err != nil {
		return page, err
	}
	horizon, err := f.horizon(sn)
	if err != nil {
		return page, err
	}
	if at.Compare(horizon) < 0 {
		at = horizon
	}
	page.Next = after
	size := 0
	for stamp, r := range f.rows(sn, at, kv.ScanOptions{}) {
		switch {
		case r.err != nil:
			return page, r.err
		case len(page.Records) == want.Records || size >= want.Bytes && len(page.Records) > 0:
			return page, nil
		}
		order, err := orderOf(r.row)
		if err != nil {
			return page, err
		}
		if want.Keep == nil || want.Keep(order) {
			rec, err := decodeRecord(r.row)
			if err != nil {
				return page, err
			}
			event := rec.appendEvent(nil, f, stream, stamp)
			size += len(event)
			page.Records = append(page.Records, sources.Record{
				Cursor: cursorOf(stamp), Sequence: sequence(stamp), Order: order, At: rec.created, Event: event, Cause: rec.cause,
			})
		}
		page.Next = cursorOf(stamp)
	}
	page.End = f.closed() // and the place is after its end
	return page, nil
}

// orderOf is the encoded key in a stored record: changes of one item happen one after another.
func orderOf(row []byte) ([]byte, error) {
	if len(row) > recordHeader {
		rest := row[recordHeader:]
		if n, w := binary.Uvarint(rest); w > 0 && n <= uint64(len(rest)-w) {
			return bytes.Clone(rest[w : w+int(n)]), nil
		}
	}
	return nil, fmt.Errorf("dynamodb: damaged stream record of %d bytes", len(row))
}

// appendEvent appends the record as a function gets it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
func (r *record) appendEvent(b []byte, f *feed, stream arn.ARN, at kv.Stamp) []byte {
	images := 0
	for _, item := range [...]attr.Item{r.key, r.after, r.before} {
		images += jsonLen(item)
	}
	if b == nil {
		b = make([]byte, 0, 512+images)
	}
	b = fmt.Appendf(b, `{"eventID":%q,"eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":%q,"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":`,
		f.eventID(at), r.event, stream.Region(), r.created.Unix())
	b = r.key.AppendJSON(b)
	if !r.after.IsZero() {
		b = r.after.AppendJSON(append(b, `,"NewImage":`...))
	}
	if !r.before.IsZero() {
		b = r.before.AppendJSON(append(b, `,"OldImage":`...))
	}
	b = fmt.Appendf(b, `,"SequenceNumber":%q,"SizeBytes":%d,"StreamViewType":%q}`, sequence(at), r.size(), f.View)
	if r.expired {
		b = append(b, `,"userIdentity":{"type":"Service","principalId":"`+expirer+`"}`...)
	}
	return fmt.Appendf(b, `,"eventSourceARN":%q}`, stream)
}
