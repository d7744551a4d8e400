// Package dynamodbstreams holds the documentation of DynamoDB Streams to a server, through AWS's own SDK. Each case cites
// its page.
package dynamodbstreams

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	table "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a table of its own with a stream.
type suite struct {
	*testing.T
	ctx   context.Context
	db    *dynamodb.Client
	api   *dynamodbstreams.Client
	table *string
	arn   *string
	label *string
}

// open creates a table with the key id and a stream of this view.
func open(t *testing.T, view table.StreamViewType) *suite {
	t.Helper()
	x := &suite{T: t, ctx: t.Context(), db: dynamodb.NewFromConfig(target.Config()), api: dynamodbstreams.NewFromConfig(target.Config()), table: aws.String(target.Name())}
	made, err := x.db.CreateTable(x.ctx, &dynamodb.CreateTableInput{
		TableName: x.table, BillingMode: table.BillingModePayPerRequest,
		AttributeDefinitions: []table.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: table.ScalarAttributeTypeS}},
		KeySchema:            []table.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: table.KeyTypeHash}},
		StreamSpecification:  &table.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: view},
	})
	target.Must(t, err)
	x.arn, x.label = made.TableDescription.LatestStreamArn, made.TableDescription.LatestStreamLabel
	t.Cleanup(func() {
		if _, err := x.db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: x.table}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	x.active()
	return x
}

func (x *suite) active() {
	x.Helper()
	w := dynamodb.NewTableExistsWaiter(x.db, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	target.Must(x, w.Wait(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table}, 2*time.Minute))
}

type item = map[string]table.AttributeValue

func id(v string) item { return item{"id": &table.AttributeValueMemberS{Value: v}} }

func (x *suite) put(name, value string) {
	x.Helper()
	it := id(name)
	it["v"] = &table.AttributeValueMemberS{Value: value}
	_, err := x.db.PutItem(x.ctx, &dynamodb.PutItemInput{TableName: x.table, Item: it})
	target.Must(x, err)
}

func (x *suite) remove(name string) {
	x.Helper()
	_, err := x.db.DeleteItem(x.ctx, &dynamodb.DeleteItemInput{TableName: x.table, Key: id(name)})
	target.Must(x, err)
}

// describe waits until the stream has this status.
func (x *suite) describe(want types.StreamStatus) *types.StreamDescription {
	x.Helper()
	for range 600 {
		out, err := x.api.DescribeStream(x.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: x.arn})
		target.Must(x, err)
		if out.StreamDescription.StreamStatus == want {
			return out.StreamDescription
		}
		time.Sleep(100 * time.Millisecond)
	}
	x.Fatalf("the stream does not become %s", want)
	return nil
}

func (x *suite) iterator(shard types.Shard, kind types.ShardIteratorType, number *string) *string {
	x.Helper()
	out, err := x.api.GetShardIterator(x.ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: x.arn, ShardId: shard.ShardId, ShardIteratorType: kind, SequenceNumber: number,
	})
	target.Must(x, err)
	return out.ShardIterator
}

// read reads all shards from their beginning until there are n records. Those of an item are in one shard, in order.
func (x *suite) read(n int) (records []types.Record) {
	x.Helper()
	var iterators []*string
	for _, s := range x.describe(types.StreamStatusEnabled).Shards {
		iterators = append(iterators, x.iterator(s, types.ShardIteratorTypeTrimHorizon, nil))
	}
	for range 600 {
		for i, it := range iterators {
			if it == nil {
				continue
			}
			out, err := x.api.GetRecords(x.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
			target.Must(x, err)
			records = append(records, out.Records...)
			iterators[i] = out.NextShardIterator
		}
		if len(records) >= n {
			return records
		}
		time.Sleep(100 * time.Millisecond)
	}
	x.Fatalf("%d records, want %d", len(records), n)
	return nil
}

func str(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
func TestRecords(t *testing.T) {
	for _, view := range table.StreamViewTypeNewImage.Values() {
		t.Run(string(view), func(t *testing.T) {
			x := open(t, view)
			before := time.Now().Add(-time.Minute)
			x.put("a", "1")
			x.put("a", "2")
			x.put("a", "2") // changes nothing
			x.remove("a")
			x.remove("a") // there is nothing
			records := x.read(3)
			if len(records) != 3 {
				t.Fatalf("%d records", len(records))
			}
			hasNew := view == table.StreamViewTypeNewImage || view == table.StreamViewTypeNewAndOldImages
			hasOld := view == table.StreamViewTypeOldImage || view == table.StreamViewTypeNewAndOldImages
			last := ""
			for i, want := range []struct {
				name     types.OperationType
				new, old string
			}{{types.OperationTypeInsert, "1", ""}, {types.OperationTypeModify, "2", "1"}, {types.OperationTypeRemove, "", "2"}} {
				r := records[i]
				if r.EventName != want.name || *r.EventSource != "aws:dynamodb" || *r.EventVersion != "1.1" || *r.AwsRegion != target.Config().Region ||
					*r.EventID == "" || r.UserIdentity != nil {
					t.Errorf("record %d: %+v", i, r)
				}
				d := r.Dynamodb
				if d.StreamViewType != types.StreamViewType(view) || str(d.Keys["id"]) != "a" || len(d.Keys) != 1 || *d.SizeBytes < 3 {
					t.Errorf("record %d: %+v", i, d)
				}
				if at := d.ApproximateCreationDateTime; at.Before(before) || at.After(time.Now().Add(time.Minute)) || at.Nanosecond() != 0 {
					t.Errorf("record %d was made at %s", i, at)
				}
				if !hasNew {
					want.new = ""
				}
				if !hasOld {
					want.old = ""
				}
				if got := str(d.NewImage["v"]); got != want.new || (want.new == "") != (d.NewImage == nil) {
					t.Errorf("record %d: new image %v", i, d.NewImage)
				}
				if got := str(d.OldImage["v"]); got != want.old || (want.old == "") != (d.OldImage == nil) {
					t.Errorf("record %d: old image %v", i, d.OldImage)
				}
				if n := *d.SequenceNumber; len(n) < 21 || len(n) > 40 || !larger(n, last) {
					t.Errorf("record %d has the number %s, the one before %s", i, n, last)
				}
				last = *d.SequenceNumber
			}
		})
	}
}

// larger compares sequence numbers.
func larger(a, b string) bool { return len(a) > len(b) || len(a) == len(b) && a > b }

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
func TestOrderOfAnItem(t *testing.T) {
	x := open(t, table.StreamViewTypeNewImage)
	for n := range 10 {
		for i := range 5 {
			x.put(fmt.Sprint("item-", i), fmt.Sprint(n))
		}
	}
	next := map[string]int{}
	seen := map[string]bool{}
	for _, r := range x.read(50) {
		name := str(r.Dynamodb.Keys["id"])
		if got := str(r.Dynamodb.NewImage["v"]); got != fmt.Sprint(next[name]) {
			t.Errorf("%s: %s came when it was the turn of %d", name, got, next[name])
		}
		next[name]++
		if seen[*r.EventID] {
			t.Errorf("the record %s came twice", *r.EventID)
		}
		seen[*r.EventID] = true
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
func TestIterators(t *testing.T) {
	x := open(t, table.StreamViewTypeKeysOnly)
	for range 4 { // one item, one shard
		x.put("a", time.Now().String())
	}
	records := x.read(4)
	number := records[1].Dynamodb.SequenceNumber
	names := func(it *string) (numbers []string) {
		for range 100 {
			out, err := x.api.GetRecords(x.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)})
			target.Must(t, err)
			if len(out.Records) > 1 {
				t.Errorf("%d records, limit 1", len(out.Records))
			}
			for _, r := range out.Records {
				numbers = append(numbers, *r.Dynamodb.SequenceNumber)
			}
			if it = out.NextShardIterator; it == nil || len(numbers) > 0 && numbers[len(numbers)-1] == *records[3].Dynamodb.SequenceNumber {
				break
			}
		}
		return numbers
	}
	var want []string
	for _, r := range records {
		want = append(want, *r.Dynamodb.SequenceNumber)
	}
	var shard types.Shard
	for _, s := range x.describe(types.StreamStatusEnabled).Shards {
		if got := names(x.iterator(s, types.ShardIteratorTypeTrimHorizon, nil)); slices.Equal(got, want) {
			shard = s
		}
	}
	if shard.ShardId == nil {
		t.Fatal("no shard has the item's records")
	}
	if got := names(x.iterator(shard, types.ShardIteratorTypeAtSequenceNumber, number)); !slices.Equal(got, want[1:]) {
		t.Errorf("at %s: %q", *number, got)
	}
	if got := names(x.iterator(shard, types.ShardIteratorTypeAfterSequenceNumber, number)); !slices.Equal(got, want[2:]) {
		t.Errorf("after %s: %q", *number, got)
	}
	if got := names(x.iterator(shard, types.ShardIteratorTypeLatest, nil)); len(got) != 0 {
		t.Errorf("the latest: %q", got)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html
func TestDescribeStream(t *testing.T) {
	x := open(t, table.StreamViewTypeNewImage)
	d := x.describe(types.StreamStatusEnabled)
	if *d.StreamArn != *x.arn || *d.StreamLabel != *x.label || *d.TableName != *x.table || d.StreamViewType != types.StreamViewTypeNewImage ||
		len(d.KeySchema) != 1 || *d.KeySchema[0].AttributeName != "id" || d.KeySchema[0].KeyType != types.KeyTypeHash || d.LastEvaluatedShardId != nil {
		t.Errorf("%+v", d)
	}
	for _, s := range d.Shards {
		if n := len(*s.ShardId); n < 28 || n > 65 || !strings.HasPrefix(*s.ShardId, "shardId-") {
			t.Errorf("shard %s", *s.ShardId)
		}
		if r := s.SequenceNumberRange; r.StartingSequenceNumber == nil || r.EndingSequenceNumber != nil {
			t.Errorf("range of an open shard: %+v", r)
		}
	}
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ShardFilter.html
	children, err := x.api.DescribeStream(x.ctx, &dynamodbstreams.DescribeStreamInput{
		StreamArn: x.arn, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeChildShards, ShardId: d.Shards[0].ShardId},
	})
	target.Must(t, err)
	if n := len(children.StreamDescription.Shards); n != 0 {
		t.Errorf("an open shard has %d children", n)
	}
	out, err := x.db.DescribeTable(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table})
	target.Must(t, err)
	if td := out.Table; *td.LatestStreamArn != *x.arn || *td.LatestStreamLabel != *x.label || !*td.StreamSpecification.StreamEnabled {
		t.Errorf("%+v", td)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_ListStreams.html
func TestListStreams(t *testing.T) {
	x := open(t, table.StreamViewTypeKeysOnly)
	out, err := x.api.ListStreams(x.ctx, &dynamodbstreams.ListStreamsInput{TableName: x.table})
	target.Must(t, err)
	if len(out.Streams) != 1 || *out.Streams[0].StreamArn != *x.arn || *out.Streams[0].StreamLabel != *x.label || *out.Streams[0].TableName != *x.table {
		t.Errorf("%+v", out.Streams)
	}
	found := false
	var start *string
	for {
		out, err := x.api.ListStreams(x.ctx, &dynamodbstreams.ListStreamsInput{Limit: aws.Int32(2), ExclusiveStartStreamArn: start})
		target.Must(t, err)
		if len(out.Streams) > 2 {
			t.Errorf("%d streams, limit 2", len(out.Streams))
		}
		for _, s := range out.Streams {
			found = found || *s.StreamArn == *x.arn
		}
		if start = out.LastEvaluatedStreamArn; start == nil {
			break
		}
	}
	if !found {
		t.Error("the stream is not listed")
	}
}

// A stream that is disabled can be read on, to its end; another one has another name.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Enabling
func TestDisabledStream(t *testing.T) {
	x := open(t, table.StreamViewTypeKeysOnly)
	x.put("a", "1")
	x.read(1)
	update := func(spec *table.StreamSpecification) *table.TableDescription {
		out, err := x.db.UpdateTable(x.ctx, &dynamodb.UpdateTableInput{TableName: x.table, StreamSpecification: spec})
		target.Must(t, err)
		x.active()
		return out.TableDescription
	}
	_, err := x.db.UpdateTable(x.ctx, &dynamodb.UpdateTableInput{TableName: x.table,
		StreamSpecification: &table.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: table.StreamViewTypeKeysOnly}})
	target.Refused(t, err, "ValidationException", "Table already has an enabled stream")
	update(&table.StreamSpecification{StreamEnabled: aws.Bool(false)})
	x.put("b", "1") // is in no stream
	n := 0
	for _, s := range x.describe(types.StreamStatusDisabled).Shards {
		if s.SequenceNumberRange.EndingSequenceNumber == nil {
			t.Errorf("the shard %s has no end", *s.ShardId)
		}
		for it := x.iterator(s, types.ShardIteratorTypeTrimHorizon, nil); it != nil; {
			out, err := x.api.GetRecords(x.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
			target.Must(t, err)
			n += len(out.Records)
			it = out.NextShardIterator
		}
	}
	if n != 1 {
		t.Errorf("%d records", n)
	}
	next := update(&table.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: table.StreamViewTypeNewImage})
	if *next.LatestStreamArn == *x.arn {
		t.Error("the new stream has the old one's name")
	}
	x.arn = next.LatestStreamArn
	x.put("c", "1")
	if r := x.read(1); len(r) != 1 || str(r[0].Dynamodb.Keys["id"]) != "c" {
		t.Errorf("the new stream has %+v", r)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html#API_streams_GetShardIterator_Errors
func TestErrors(t *testing.T) {
	x := open(t, table.StreamViewTypeKeysOnly)
	missing := aws.String(strings.Replace(*x.arn, *x.table, *x.table+"-missing", 1))
	_, err := x.api.DescribeStream(x.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: missing})
	target.Refused(t, err, "ResourceNotFoundException", "Requested resource not found: Stream: "+*missing+" not found")
	shard := x.describe(types.StreamStatusEnabled).Shards[0]
	get := func(in dynamodbstreams.GetShardIteratorInput) error {
		in.ShardIteratorType = types.ShardIteratorTypeAtSequenceNumber
		_, err := x.api.GetShardIterator(x.ctx, &in)
		return err
	}
	target.Refused(t, get(dynamodbstreams.GetShardIteratorInput{StreamArn: missing, ShardId: shard.ShardId, SequenceNumber: shard.SequenceNumberRange.StartingSequenceNumber}),
		"ResourceNotFoundException", "Requested resource not found")
	target.Refused(t, get(dynamodbstreams.GetShardIteratorInput{StreamArn: x.arn, ShardId: aws.String("shardId-00000000000000000000-00000000"),
		SequenceNumber: shard.SequenceNumberRange.StartingSequenceNumber}), "ResourceNotFoundException", "Requested resource not found")
	target.Refused(t, get(dynamodbstreams.GetShardIteratorInput{StreamArn: x.arn, ShardId: shard.ShardId}), "ValidationException", "")
	_, err = x.api.GetRecords(x.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("nonsense")})
	target.Refused(t, err, "ValidationException", "Invalid ShardIterator")
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func TestPermissions(t *testing.T) {
	x := open(t, table.StreamViewTypeKeysOnly)
	shard := x.describe(types.StreamStatusEnabled).Shards[0]
	it := x.iterator(shard, types.ShardIteratorTypeLatest, nil)
	u := target.NewUser(t, `{"Effect":"Allow","Action":["dynamodb:DescribeStream","dynamodb:GetRecords"],"Resource":"`+*x.arn+`"}`)
	api := dynamodbstreams.NewFromConfig(u.Config)
	var err error
	for range 100 { // IAM takes its time
		if _, err = api.DescribeStream(x.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: x.arn}); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	target.Must(t, err)
	_, err = api.GetRecords(x.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: it})
	target.Must(t, err)
	_, err = api.GetShardIterator(x.ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: x.arn, ShardId: shard.ShardId, ShardIteratorType: types.ShardIteratorTypeLatest})
	target.Refused(t, err, "AccessDeniedException", "dynamodb:GetShardIterator")
	_, err = api.ListStreams(x.ctx, &dynamodbstreams.ListStreamsInput{})
	target.Refused(t, err, "AccessDeniedException", "dynamodb:ListStreams")
}
