package lambda

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	table "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/nube-run/nube/conformance/target"
)

// reader fails as a whole, or names the record, when it is told a poison.
const reader = `
exports.handler = async (event) => {
  for (const record of event.Records) {
    if (record.eventSource !== 'aws:dynamodb' || !record.dynamodb.SequenceNumber) throw new Error(JSON.stringify(record));
    if (record.dynamodb.Keys.id.S.startsWith('poison')) throw new Error('poison');
    if (record.dynamodb.Keys.id.S.startsWith('report')) return { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] };
  }
  return { batchItemFailures: [] };
};`

const readsStreams = `{"Effect":"Allow","Action":["dynamodb:GetRecords","dynamodb:GetShardIterator","dynamodb:DescribeStream","dynamodb:ListStreams"],"Resource":"*"}`

// stream is a function with a role of its own, and a table with a stream.
type stream struct {
	*suite
	db     *dynamodb.Client
	table  *string
	source *string
}

func openStream(t *testing.T, statements string) *stream {
	t.Helper()
	x := &stream{suite: &suite{T: t, Client: lambda.NewFromConfig(target.Config()), ctx: t.Context(), name: aws.String(target.Name())}, db: dynamodb.NewFromConfig(target.Config()), table: aws.String(target.Name())}
	role, _ := target.NewRole(t, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`, statements)
	x.role = &role
	in := x.function()
	in.Code.ZipFile = zipped(t, reader)
	fn, err := x.CreateFunction(x.ctx, in)
	target.Must(t, err)
	x.arn = *fn.FunctionArn
	t.Cleanup(func() {
		if _, err := x.DeleteFunction(context.Background(), &lambda.DeleteFunctionInput{FunctionName: x.name}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	x.active()
	made, err := x.db.CreateTable(x.ctx, &dynamodb.CreateTableInput{
		TableName: x.table, BillingMode: table.BillingModePayPerRequest,
		AttributeDefinitions: []table.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: table.ScalarAttributeTypeS}},
		KeySchema:            []table.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: table.KeyTypeHash}},
		StreamSpecification:  &table.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: table.StreamViewTypeNewAndOldImages},
	})
	target.Must(t, err)
	x.source = made.TableDescription.LatestStreamArn
	t.Cleanup(func() {
		if _, err := x.db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: x.table}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	w := dynamodb.NewTableExistsWaiter(x.db, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	target.Must(t, w.Wait(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table}, 2*time.Minute))
	return x
}

// maps makes the mapping that a request asks for.
func (x *stream) maps(change func(*lambda.CreateEventSourceMappingInput)) *lambda.CreateEventSourceMappingOutput {
	x.Helper()
	in := &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source, StartingPosition: types.EventSourcePositionTrimHorizon}
	if change != nil {
		change(in)
	}
	out, err := x.CreateEventSourceMapping(x.ctx, in)
	target.Must(x, err)
	return out
}

func (x *stream) put(id string) {
	x.Helper()
	_, err := x.db.PutItem(x.ctx, &dynamodb.PutItemInput{TableName: x.table, Item: map[string]table.AttributeValue{"id": &table.AttributeValueMemberS{Value: id}}})
	target.Must(x, err)
}

// until waits for a mapping to be as it should.
func (x *stream) until(id *string, what string, is func(*lambda.GetEventSourceMappingOutput) bool) *lambda.GetEventSourceMappingOutput {
	x.Helper()
	var last *lambda.GetEventSourceMappingOutput
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		out, err := x.GetEventSourceMapping(x.ctx, &lambda.GetEventSourceMappingInput{UUID: id})
		target.Must(x, err)
		if last = out; is(out) {
			return out
		}
	}
	x.Fatalf("%s: the mapping is %+v", what, last)
	return nil
}

func result(text string) func(*lambda.GetEventSourceMappingOutput) bool {
	return func(m *lambda.GetEventSourceMappingOutput) bool { return aws.ToString(m.LastProcessingResult) == text }
}

func state(text string) func(*lambda.GetEventSourceMappingOutput) bool {
	return func(m *lambda.GetEventSourceMappingOutput) bool { return aws.ToString(m.State) == text }
}

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
func TestEventSourceMapping(t *testing.T) {
	x := openStream(t, readsStreams)
	made := x.maps(func(in *lambda.CreateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(0) })
	if *made.State != "Creating" || *made.BatchSize != 100 || *made.MaximumBatchingWindowInSeconds != 0 || *made.ParallelizationFactor != 1 || *made.MaximumRecordAgeInSeconds != -1 ||
		*made.BisectBatchOnFunctionError || *made.FunctionArn != x.arn || *made.EventSourceArn != *x.source || *made.LastProcessingResult != "No records processed" {
		t.Errorf("made %+v", made)
	}
	x.until(made.UUID, "creation", state("Enabled"))
	_, err := x.CreateEventSourceMapping(x.ctx, &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source, StartingPosition: types.EventSourcePositionLatest})
	target.Refused(t, err, "ResourceConflictException", "provided mapping already exists. Please update or delete the existing mapping with UUID "+*made.UUID)

	x.put("fine")
	x.until(made.UUID, "a record", result("OK"))
	x.put("poison")
	x.until(made.UUID, "a record that fails", result("PROBLEM: Function call failed"))
	x.put("fine again")
	x.until(made.UUID, "the record after one that was given up", result("OK"))

	list, err := x.ListEventSourceMappings(x.ctx, &lambda.ListEventSourceMappingsInput{EventSourceArn: x.source})
	target.Must(t, err)
	if len(list.EventSourceMappings) != 1 || *list.EventSourceMappings[0].UUID != *made.UUID {
		t.Errorf("listed %+v", list.EventSourceMappings)
	}
	off, err := x.UpdateEventSourceMapping(x.ctx, &lambda.UpdateEventSourceMappingInput{UUID: made.UUID, Enabled: aws.Bool(false), BatchSize: aws.Int32(7)})
	target.Must(t, err)
	if *off.State != "Disabling" || *off.BatchSize != 7 {
		t.Errorf("switched off: %+v", off)
	}
	x.until(made.UUID, "switching off", state("Disabled"))
	gone, err := x.DeleteEventSourceMapping(x.ctx, &lambda.DeleteEventSourceMappingInput{UUID: made.UUID})
	target.Must(t, err)
	if *gone.State != "Deleting" {
		t.Errorf("deleted: %+v", gone)
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if _, err = x.GetEventSourceMapping(x.ctx, &lambda.GetEventSourceMappingInput{UUID: made.UUID}); err != nil {
			break
		}
	}
	target.Refused(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
func TestReportedFailuresAndFilters(t *testing.T) {
	x := openStream(t, readsStreams)
	x.put("filtered out")
	made := x.maps(func(in *lambda.CreateEventSourceMappingInput) {
		in.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
		in.MaximumRetryAttempts = aws.Int32(1)
		in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"report"},{"prefix":"fine"}]}}}}`)}}}
	})
	t.Cleanup(func() {
		if _, err := x.DeleteEventSourceMapping(context.Background(), &lambda.DeleteEventSourceMappingInput{UUID: made.UUID}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	x.until(made.UUID, "creation", state("Enabled"))
	x.put("poison that is filtered out")
	x.put("report")
	x.until(made.UUID, "a record that is reported", result("PROBLEM: Function call failed"))
	x.put("fine")
	x.until(made.UUID, "the record after it", result("OK"))
}

// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
func TestEventSourceMappingRefused(t *testing.T) {
	x := openStream(t, readsStreams)
	for message, change := range map[string]func(*lambda.CreateEventSourceMappingInput){
		"Unsupported starting position for arn type": func(in *lambda.CreateEventSourceMappingInput) {
			in.StartingPosition, in.StartingPositionTimestamp = types.EventSourcePositionAtTimestamp, aws.Time(time.Unix(1, 0))
		},
		"Timestamp only valid with StartingPosition AT_TIMESTAMP": func(in *lambda.CreateEventSourceMappingInput) {
			in.StartingPositionTimestamp = aws.Time(time.Unix(1, 0))
		},
		"Invalid filter pattern definition.": func(in *lambda.CreateEventSourceMappingInput) {
			in.FilterCriteria = &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String("single-string")}}}
		},
	} {
		in := &lambda.CreateEventSourceMappingInput{FunctionName: x.name, EventSourceArn: x.source, StartingPosition: types.EventSourcePositionTrimHorizon}
		change(in)
		_, err := x.CreateEventSourceMapping(x.ctx, in)
		target.Refused(t, err, "InvalidParameterValueException", message)
	}
	y := openStream(t, "")
	_, err := y.CreateEventSourceMapping(y.ctx, &lambda.CreateEventSourceMappingInput{FunctionName: y.name, EventSourceArn: y.source, StartingPosition: types.EventSourcePositionLatest})
	target.Refused(t, err, "InvalidParameterValueException",
		"Cannot access stream "+*y.source+". Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.")
}
