package cloud

import (
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// tableServed is a call of DynamoDB on one table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
func (p *platform) tableServed(scope arn.Scope, op *schema.Op, in, out any, err error, now clock.Instant, took time.Duration) {
	table, returned := "", -1
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		table = textOf(in.TableName)
	case *dynamodb.PutItemInput:
		table = textOf(in.TableName)
	case *dynamodb.UpdateItemInput:
		table = textOf(in.TableName)
	case *dynamodb.DeleteItemInput:
		table = textOf(in.TableName)
	case *dynamodb.QueryInput:
		table = textOf(in.TableName)
		if o, ok := out.(*dynamodb.QueryOutput); ok {
			returned = len(o.Items)
		}
	case *dynamodb.ScanInput:
		table = textOf(in.TableName)
		if o, ok := out.(*dynamodb.ScanOutput); ok {
			returned = len(o.Items)
		}
	default:
		return
	}
	name := record.Attr{Key: "TableName", Value: table[strings.LastIndexByte(table, '/')+1:]}
	operation := record.Attr{Key: "Operation", Value: op.Name}
	f, coded := fault.As(err)
	switch {
	case err == nil:
		p.series(scope, "DynamoDB", "SuccessfulRequestLatency", millisUnit, operation, name).Observe(now, milliseconds(took))
		if returned >= 0 {
			p.series(scope, "DynamoDB", "ReturnedItemCount", countUnit, operation, name).Observe(now, float64(returned))
		}
	case !coded:
		p.series(scope, "DynamoDB", "SystemErrors", countUnit, operation, name).Observe(now, 1)
	case f.Code == "ProvisionedThroughputExceededException" || f.Code == "ThrottlingException":
		p.series(scope, "DynamoDB", "ThrottledRequests", countUnit, operation, name).Observe(now, 1)
	case f.Code == "ConditionalCheckFailedException":
		p.series(scope, "DynamoDB", "ConditionalCheckFailedRequests", countUnit, name).Observe(now, 1)
	default:
		p.series(scope, "DynamoDB", "UserErrors", countUnit).Observe(now, 1)
	}
}

// consumed is what a call has used of a table's capacity.
func (p *platform) consumed(table arn.ARN, read, write float64) {
	parts, now := table.Parts(), p.model.Now()
	name := record.Attr{Key: "TableName", Value: strings.TrimPrefix(parts.Resource, "table/")}
	if read > 0 {
		p.series(table.Scope(), "DynamoDB", "ConsumedReadCapacityUnits", countUnit, name).Observe(now, read)
	}
	if write > 0 {
		p.series(table.Scope(), "DynamoDB", "ConsumedWriteCapacityUnits", countUnit, name).Observe(now, write)
	}
}
