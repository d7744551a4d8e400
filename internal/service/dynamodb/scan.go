package dynamodb

import (
	"context"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/kv"
)

// scan: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
func (s *Service) scan(ctx context.Context, in *shapes.ScanInput) (*shapes.ScanOutput, error) {
	err := checkParams(
		[]param{{"ProjectionExpression", in.ProjectionExpression != nil}, {"FilterExpression", in.FilterExpression != nil}},
		[]param{{"AttributesToGet", in.AttributesToGet != nil}, {"ScanFilter", in.ScanFilter != nil},
			{"ConditionalOperator", in.ConditionalOperator != nil}},
		in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	req := pageRequest{
		index: value(in.IndexName), limit: int(value(in.Limit)), consistent: value(in.ConsistentRead), start: in.ExclusiveStartKey,
	}
	if err := req.choose(in.Select, in.ProjectionExpression, in.AttributesToGet); err != nil {
		return nil, err
	}
	if err := s.bindScan(in, &req); err != nil {
		return nil, err
	}
	segment, segments, err := segmentOf(in)
	if err != nil {
		return nil, err
	}
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	var found page
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		t, err := s.existing(sn, cell(ctx), name)
		if err != nil {
			return err
		}
		g, err := t.target(req.index, req.consistent)
		if err != nil {
			return err
		}
		if err := g.checkScan(&req); err != nil {
			return err
		}
		if err := g.checkStart(req.start); err != nil {
			return err
		}
		r := t.layout.segment(g.id, segment, segments)
		if !req.start.IsZero() && !r.Contains(g.keyOf(req.start)) {
			return validation("The provided Exclusive start key does not map to the provided Segment and TotalSegments values.")
		}
		found, err = g.read(sn, &req, r)
		return err
	})
	if err != nil {
		return nil, coded(err)
	}
	s.measure(ctx, name, found.used)
	return &shapes.ScanOutput{
		Items: itemsOf(&found, &req), Count: ptr(int32(found.count)), ScannedCount: ptr(int32(found.scanned)),
		LastEvaluatedKey: found.last, ConsumedCapacity: consumed(in.ReturnConsumedCapacity, name, found.used),
	}, nil
}

func (s *Service) bindScan(in *shapes.ScanInput, req *pageRequest) (err error) {
	if err := checkOperator(in.ConditionalOperator, len(in.ScanFilter), in.ScanFilter != nil); err != nil {
		return err
	}
	if req.filter, err = filter(in.ScanFilter, in.ConditionalOperator); err != nil {
		return err
	}
	if req.want, err = attributesToGet(in.AttributesToGet); err != nil {
		return err
	}
	if err := checkStartValues(in.ExclusiveStartKey); err != nil {
		return err
	}
	if in.FilterExpression == nil && in.ProjectionExpression == nil {
		return nil
	}
	b := s.binder(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if f := b.condition("FilterExpression", in.FilterExpression); f != nil {
		req.filter = f
	}
	if p := b.projection(in.ProjectionExpression); p != nil {
		req.want = p
	}
	return b.done()
}

// segmentOf is the part of the table that a worker of a parallel scan reads.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
func segmentOf(in *shapes.ScanInput) (segment, segments int, err error) {
	switch {
	case in.Segment == nil && in.TotalSegments == nil:
		return 0, 1, nil
	case in.TotalSegments == nil:
		return 0, 0, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil:
		return 0, 0, validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *in.Segment >= *in.TotalSegments:
		return 0, 0, validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d",
			*in.Segment, *in.TotalSegments)
	}
	return int(*in.Segment), int(*in.TotalSegments), nil
}
