package dynamodb

import (
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/expr/attr"
)

// registerCodecs gives the reads codecs that know how long their answers will be: an answer of many items would else grow
// step by step, being copied at each.
func (s *Service) registerCodecs() {
	sized(s, shapes.GetItem, func(out *shapes.GetItemOutput) int { return jsonLen(out.Item) })
	sized(s, shapes.Query, func(out *shapes.QueryOutput) int { return jsonLen(out.Items...) })
	sized(s, shapes.Scan, func(out *shapes.ScanOutput) int { return jsonLen(out.Items...) })
	sized(s, shapes.BatchGetItem, func(out *shapes.BatchGetItemOutput) int {
		n := 0
		for _, items := range out.Responses {
			n += jsonLen(items...)
		}
		return n
	})
}

// jsonLen is about how long items are in JSON: names and values as they are stored, and for each of them what stands
// around it.
func jsonLen(items ...attr.Item) int {
	n := 0
	for _, item := range items {
		n += 2 * len(item.Encoding())
	}
	return n
}

func sized[I, O any](s *Service, op schema.TypedOp[I, O], length func(O) int) {
	awsapi.Fast(s.api, op, awsapi.Codec{
		Decode: func(body []byte, in any) error { return wire.DecodeJSON(op.Model, op.Op.Input, body, in) },
		Append: func(dst []byte, out any) []byte {
			return wire.AppendJSON(slices.Grow(dst, length(out.(O))), op.Model, op.Op.Output, out)
		},
	})
}
