package dynamodb

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodbstreams"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Streams returns DynamoDB Streams for the front. It is an API of its own, on the same tables.
func (s *Service) Streams() *awsapi.Service { return s.streams }

func (s *Service) registerStreams() {
	awsapi.Handle(s.streams, shapes.ListStreams, accessListStreams, s.listStreams)
	awsapi.Handle(s.streams, shapes.DescribeStream, onStream("DescribeStream", func(in *shapes.DescribeStreamInput) *string { return in.StreamArn }), s.describeStream)
	awsapi.Handle(s.streams, shapes.GetShardIterator, onStream("GetShardIterator", func(in *shapes.GetShardIteratorInput) *string { return in.StreamArn }), s.getShardIterator)
	awsapi.Handle(s.streams, shapes.GetRecords, accessGetRecords, s.getRecords)
}

// onStream is the access function of an operation on a stream.
//
//go:noinline
func onStream[I any](action string, stream func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(_ context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "dynamodb:" + action, Resource: arn.ARN(value(stream(in)))}}, nil
	}
}

// accessListStreams: the reference lists no resource for it, nor does it say which streams a caller may see.
func accessListStreams(context.Context, *shapes.ListStreamsInput) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "dynamodb:ListStreams"}}, nil
}

func accessGetRecords(_ context.Context, in *shapes.GetRecordsInput) ([]awsapi.Access, error) {
	it, err := parseIterator(value(in.ShardIterator))
	if err != nil {
		return nil, err
	}
	return []awsapi.Access{{Action: "dynamodb:GetRecords", Resource: it.stream}}, nil
}

// cutStream is the table and the label in a stream's ARN.
func cutStream(a arn.ARN) (table, label string, ok bool) {
	rest, ok := strings.CutPrefix(a.Resource(), "table/")
	if !ok || a.Service() != service {
		return "", "", false
	}
	table, label, ok = strings.Cut(rest, "/stream/")
	return table, label, ok && table != "" && label != "" && !strings.Contains(table, "/")
}

// lookStream runs fn on a stream's description.
func (s *Service) lookStream(ctx context.Context, a arn.ARN, fn func(sn *kv.Snap, f *feed) error) error {
	table, label, ok := cutStream(a)
	if !ok {
		return validation("Invalid StreamArn")
	}
	c := cell(ctx)
	return s.db.View(ctx, func(sn *kv.Snap) error {
		if a.Account() != c.Account || a.Region() != c.Region {
			return streamNotFound(a)
		}
		f, err := readFeed(sn, c, table, label)
		if err != nil {
			return err
		}
		if f == nil {
			return streamNotFound(a)
		}
		return fn(sn, f)
	})
}

func streamNotFound(a arn.ARN) *fault.Error {
	return fault.New("ResourceNotFoundException", "Requested resource not found: Stream: %s not found", a)
}

// maxStreams is how many streams, or shards, one answer lists.
const maxStreams = 100

// listStreams: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
//
// Streams are listed by table and age.
func (s *Service) listStreams(ctx context.Context, in *shapes.ListStreamsInput) (*shapes.ListStreamsOutput, error) {
	c, scope := cell(ctx), awsapi.From(ctx).Scope
	r := catalogOf(c).streams()
	if in.TableName != nil {
		r = catalogOf(c).streamsOf(*in.TableName)
	}
	if in.ExclusiveStartStreamArn != nil {
		table, label, ok := cutStream(arn.ARN(*in.ExclusiveStartStreamArn))
		if !ok || in.TableName != nil && *in.TableName != table {
			return nil, validation("Invalid StreamArn")
		}
		r.Start = kv.Next(catalogOf(c).stream(table, label))
	}
	limit, err := limitOf(in.Limit, maxStreams)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListStreamsOutput{Streams: []shapes.Stream{}}
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		for p, err := range sn.Scan(r, kv.ScanOptions{Limit: limit + 1}) {
			if err != nil {
				return err
			}
			if n := len(out.Streams); n == limit {
				out.LastEvaluatedStreamArn = out.Streams[n-1].StreamArn
				return nil
			}
			f, err := decodeFeed(c, p.Value)
			if err != nil {
				return err
			}
			out.Streams = append(out.Streams, shapes.Stream{StreamArn: ptr(f.arn(scope).String()), TableName: &f.Table, StreamLabel: &f.Label})
		}
		return nil
	})
	return out, err
}

// describeStream: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
func (s *Service) describeStream(ctx context.Context, in *shapes.DescribeStreamInput) (*shapes.DescribeStreamOutput, error) {
	if _, err := limitOf(in.Limit, maxStreams); err != nil {
		return nil, err
	}
	out := &shapes.DescribeStreamOutput{}
	err := s.lookStream(ctx, arn.ARN(value(in.StreamArn)), func(sn *kv.Snap, f *feed) error {
		d := &shapes.StreamDescription{
			StreamArn: in.StreamArn, StreamLabel: &f.Label, TableName: &f.Table, StreamViewType: &f.View, StreamStatus: ptr("ENABLED"),
			CreationRequestDateTime: &f.Created, KeySchema: []shapes.KeySchemaElement{{AttributeName: &f.Hash, KeyType: ptr("HASH")}},
			Shards: []shapes.Shard{},
		}
		if f.Range != "" {
			d.KeySchema = append(d.KeySchema, shapes.KeySchemaElement{AttributeName: &f.Range, KeyType: ptr("RANGE")})
		}
		shard := shapes.Shard{ShardId: ptr(f.shard()), SequenceNumberRange: &shapes.SequenceNumberRange{
			StartingSequenceNumber: ptr(sequence(keyspace.NewStamp(f.Start, 0))),
		}}
		if f.closed() {
			d.StreamStatus = ptr("DISABLED")
			end, err := f.last(sn)
			if err != nil {
				return err
			}
			shard.SequenceNumberRange.EndingSequenceNumber = ptr(sequence(end))
		}
		// There is no other, and it has no children.
		if in.ShardFilter == nil && value(in.ExclusiveStartShardId) < *shard.ShardId {
			d.Shards = append(d.Shards, shard)
		}
		out.StreamDescription = d
		return nil
	})
	return out, err
}
