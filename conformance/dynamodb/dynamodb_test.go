// Package dynamodb holds DynamoDB's documentation to a server, through AWS's own SDK. Each case cites its page.
package dynamodb

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

type item = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v any) types.AttributeValue    { return &types.AttributeValueMemberN{Value: fmt.Sprint(v)} }

func str(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return ""
}

// suite is a client and a table of its own.
type suite struct {
	*testing.T
	*dynamodb.Client
	ctx   context.Context
	table *string
}

// open creates a table with the partition key pk and the sort key sk, a global index on gpk and gsk and a local one on lsk.
func open(t *testing.T, options ...func(*dynamodb.CreateTableInput)) *suite {
	t.Helper()
	x := &suite{T: t, Client: dynamodb.NewFromConfig(target.Config()), ctx: t.Context(), table: aws.String("conformance-" + rand.Text())}
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	in := &dynamodb.CreateTableInput{
		TableName: x.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("pk", "S"), attribute("sk", "N"), attribute("gpk", "S"), attribute("gsk", "N"), attribute("lsk", "S"),
		},
		KeySchema: key("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String("global"), KeySchema: key("gpk", "gsk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
		},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{
			{IndexName: aws.String("local"), KeySchema: key("pk", "lsk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		},
	}
	for _, o := range options {
		o(in)
	}
	_, err := x.CreateTable(x.ctx, in)
	x.must(err)
	t.Cleanup(func() {
		if _, err := x.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: x.table}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	waiter := dynamodb.NewTableExistsWaiter(x.Client, func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay = 100 * time.Millisecond })
	x.must(waiter.Wait(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table}, 2*time.Minute))
	return x
}

func key(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash}, {AttributeName: &sort, KeyType: types.KeyTypeRange}}
}

func (x *suite) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

func (x *suite) put(items ...item) {
	x.Helper()
	for _, it := range items {
		_, err := x.PutItem(x.ctx, &dynamodb.PutItemInput{TableName: x.table, Item: it})
		x.must(err)
	}
}

func (x *suite) get(pk string, sk int) item {
	x.Helper()
	out, err := x.GetItem(x.ctx, &dynamodb.GetItemInput{TableName: x.table, Key: item{"pk": s(pk), "sk": n(sk)}, ConsistentRead: aws.Bool(true)})
	x.must(err)
	return out.Item
}

// refused checks the code and a part of the message of an error.
func (x *suite) refused(err error, code, message string) {
	x.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		x.Errorf("got %v, want %s: %s", err, code, message)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func TestEveryType(t *testing.T) {
	x := open(t)
	in := item{
		"pk": s("types"), "sk": n(1),
		"s": s("é😀 \"quoted\"\n"), "empty": s(""), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"bool": &types.AttributeValueMemberBOOL{Value: true}, "null": &types.AttributeValueMemberNULL{Value: true},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2.5"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l":  &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x"), n(2), &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
		"m":  &types.AttributeValueMemberM{Value: item{"k": s("v"), "none": &types.AttributeValueMemberM{Value: item{}}}},
		"n":  n("-0.00000000000000000000000000000000000012345678901234567890123456789012345678"),
	}
	x.put(in)
	got := x.get("types", 1)
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(in))) {
		t.Fatalf("attributes %v", slices.Sorted(maps.Keys(got)))
	}
	for name := range in {
		if a, b := fmt.Sprintf("%#v", plain(got[name])), fmt.Sprintf("%#v", plain(in[name])); a != b {
			t.Errorf("%s is %s, was %s", name, a, b)
		}
	}
}

// plain is a value without the SDK's types, for comparing.
func plain(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberSS:
		return slices.Sorted(slices.Values(v.Value))
	case *types.AttributeValueMemberNS:
		return slices.Sorted(slices.Values(v.Value))
	case *types.AttributeValueMemberBS:
		return slices.SortedFunc(slices.Values(v.Value), func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	case *types.AttributeValueMemberL:
		out := []any{}
		for _, e := range v.Value {
			out = append(out, plain(e))
		}
		return out
	case *types.AttributeValueMemberM:
		out := map[string]any{}
		for k, e := range v.Value {
			out[k] = plain(e)
		}
		return fmt.Sprint(out)
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberNULL:
		return v.Value
	}
	return nil
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
func TestNumbers(t *testing.T) {
	x := open(t)
	for in, want := range map[string]string{"1.0": "1", "00042": "42", "1.5E2": "150", "-0": "0", "3.1400": "3.14", "1E-5": "0.00001"} {
		x.put(item{"pk": s("numbers"), "sk": n(1), "v": n(in)})
		if got := str(x.get("numbers", 1)["v"]); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
	for _, in := range []string{"1E126", "1E-131", "123456789012345678901234567890123456789", "abc", ""} {
		_, err := x.PutItem(x.ctx, &dynamodb.PutItemInput{TableName: x.table, Item: item{"pk": s("numbers"), "sk": n(1), "v": n(in)}})
		x.refused(err, "ValidationException", "")
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
func TestConditionalPut(t *testing.T) {
	x := open(t)
	put := func(v string) error {
		_, err := x.PutItem(x.ctx, &dynamodb.PutItemInput{
			TableName: x.table, Item: item{"pk": s("a"), "sk": n(1), "v": s(v)}, ConditionExpression: aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		return err
	}
	x.must(put("first"))
	var failed *types.ConditionalCheckFailedException
	if err := put("second"); !errors.As(err, &failed) || str(failed.Item["v"]) != "first" {
		t.Errorf("second put: %v", err)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
func TestUpdate(t *testing.T) {
	x := open(t)
	update := func(expression string, values item, returns types.ReturnValue) (item, error) {
		out, err := x.UpdateItem(x.ctx, &dynamodb.UpdateItemInput{
			TableName: x.table, Key: item{"pk": s("u"), "sk": n(1)}, UpdateExpression: &expression, ExpressionAttributeValues: values, ReturnValues: returns,
		})
		if err != nil {
			return nil, err
		}
		return out.Attributes, nil
	}
	got, err := update("SET hits = if_not_exists(hits, :zero) + :one, tags = :tags", item{":zero": n(0), ":one": n(1), ":tags": &types.AttributeValueMemberSS{Value: []string{"a"}}}, types.ReturnValueAllNew)
	x.must(err)
	if str(got["hits"]) != "1" || str(got["pk"]) != "u" {
		t.Errorf("upsert: %v", got)
	}
	got, err = update("ADD hits :n, tags :b", item{":n": n(4), ":b": &types.AttributeValueMemberSS{Value: []string{"b"}}}, types.ReturnValueUpdatedNew)
	x.must(err)
	if str(got["hits"]) != "5" || len(got) != 2 {
		t.Errorf("UPDATED_NEW: %v", got)
	}
	got, err = update("DELETE tags :all REMOVE hits", item{":all": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}}, types.ReturnValueUpdatedOld)
	x.must(err)
	if str(got["hits"]) != "5" || len(got) != 2 {
		t.Errorf("UPDATED_OLD: %v", got)
	}
	if got := x.get("u", 1); len(got) != 2 {
		t.Errorf("an empty set is no set: %v", got)
	}
	_, err = update("SET pk = :x", item{":x": s("x")}, types.ReturnValueNone)
	x.refused(err, "ValidationException", "Cannot update attribute pk. This attribute is part of the key")
	_, err = update("SET a = :x, a = :x", item{":x": s("x")}, types.ReturnValueNone)
	x.refused(err, "ValidationException", "Two document paths overlap with each other")
}

func (x *suite) seed() {
	x.Helper()
	for i := range 30 {
		x.put(item{"pk": s("p"), "sk": n(i), "gpk": s("g"), "gsk": n(i % 2), "lsk": s(fmt.Sprintf("l%02d", 30-i)), "odd": &types.AttributeValueMemberBOOL{Value: i%2 == 1}})
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
func TestQuery(t *testing.T) {
	x := open(t)
	x.seed()
	count := func(in *dynamodb.QueryInput) (items []item, scanned int) {
		in.TableName = x.table
		p := dynamodb.NewQueryPaginator(x.Client, in)
		for p.HasMorePages() {
			out, err := p.NextPage(x.ctx)
			x.must(err)
			items = append(items, out.Items...)
			scanned += int(out.ScannedCount)
		}
		return items, scanned
	}
	items, _ := count(&dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: item{":p": s("p"), ":a": n(5), ":b": n(9)}, ScanIndexForward: aws.Bool(false), Limit: aws.Int32(2)})
	if len(items) != 5 || str(items[0]["sk"]) != "9" {
		t.Errorf("descending: %v", items)
	}
	items, scanned := count(&dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("odd = :t"),
		ExpressionAttributeValues: item{":p": s("p"), ":t": &types.AttributeValueMemberBOOL{Value: true}}, Limit: aws.Int32(7)})
	if len(items) != 15 || scanned != 30 {
		t.Errorf("filter: %d of %d", len(items), scanned)
	}
	items, _ = count(&dynamodb.QueryInput{IndexName: aws.String("local"), KeyConditionExpression: aws.String("pk = :p AND begins_with(lsk, :l)"),
		ExpressionAttributeValues: item{":p": s("p"), ":l": s("l0")}, ConsistentRead: aws.Bool(true)})
	if len(items) != 9 || len(items[0]) != 3 {
		t.Errorf("local index: %v", items)
	}
}

// The last key of a page of an index has the index's key and the table's.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
func TestPagesOfAnIndex(t *testing.T) {
	x := open(t)
	x.seed()
	seen := map[string]bool{}
	in := &dynamodb.QueryInput{TableName: x.table, IndexName: aws.String("global"), KeyConditionExpression: aws.String("gpk = :g AND gsk = :k"),
		ExpressionAttributeValues: item{":g": s("g"), ":k": n(1)}, Limit: aws.Int32(2)}
	for {
		out, err := x.Query(x.ctx, in)
		x.must(err)
		for _, it := range out.Items {
			if seen[str(it["sk"])] {
				t.Fatalf("%s comes twice", str(it["sk"]))
			}
			seen[str(it["sk"])] = true
		}
		if out.LastEvaluatedKey == nil {
			break
		}
		if got := slices.Sorted(maps.Keys(out.LastEvaluatedKey)); !slices.Equal(got, []string{"gpk", "gsk", "pk", "sk"}) {
			t.Fatalf("last key has %v", got)
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
	if len(seen) != 15 {
		t.Errorf("%d items", len(seen))
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
func TestParallelScan(t *testing.T) {
	x := open(t)
	for i := range 50 {
		x.put(item{"pk": s(fmt.Sprint("p", i)), "sk": n(0)})
	}
	seen := map[string]int{}
	for segment := range int32(4) {
		p := dynamodb.NewScanPaginator(x.Client, &dynamodb.ScanInput{TableName: x.table, Segment: &segment, TotalSegments: aws.Int32(4), Limit: aws.Int32(5)})
		for p.HasMorePages() {
			out, err := p.NextPage(x.ctx)
			x.must(err)
			for _, it := range out.Items {
				seen[str(it["pk"])]++
			}
		}
	}
	for pk, times := range seen {
		if times != 1 {
			t.Errorf("%s was read %d times", pk, times)
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d items", len(seen))
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func TestBatch(t *testing.T) {
	x := open(t)
	var puts []types.WriteRequest
	var keys []item
	for i := range 25 {
		k := item{"pk": s("b"), "sk": n(i)}
		puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: k}})
		keys = append(keys, k)
	}
	out, err := x.BatchWriteItem(x.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*x.table: puts}})
	x.must(err)
	if len(out.UnprocessedItems) != 0 {
		t.Errorf("unprocessed: %v", out.UnprocessedItems)
	}
	got, err := x.BatchGetItem(x.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*x.table: {Keys: keys}}})
	x.must(err)
	if len(got.Responses[*x.table]) != 25 || len(got.UnprocessedKeys) != 0 {
		t.Errorf("%d items", len(got.Responses[*x.table]))
	}
	_, err = x.BatchWriteItem(x.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*x.table: append(puts, puts[0])}})
	x.refused(err, "ValidationException", "Member must have length less than or equal to 25")
	_, err = x.BatchWriteItem(x.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*x.table: {puts[0], puts[0]}}})
	x.refused(err, "ValidationException", "Provided list of item keys contains duplicates")
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func TestTransaction(t *testing.T) {
	x := open(t)
	x.put(item{"pk": s("t"), "sk": n(1), "v": s("there")})
	put := func(sk int, condition *string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: x.table, Item: item{"pk": s("t"), "sk": n(sk)}, ConditionExpression: condition,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}}
	}
	absent := aws.String("attribute_not_exists(pk)")
	_, err := x.TransactWriteItems(x.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put(2, nil), put(1, absent)}})
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("got %v", err)
	}
	none, failed := cancelled.CancellationReasons[0], cancelled.CancellationReasons[1]
	if aws.ToString(none.Code) != "None" || none.Message != nil || aws.ToString(failed.Code) != "ConditionalCheckFailed" || str(failed.Item["v"]) != "there" {
		t.Errorf("reasons %+v, %+v", none, failed)
	}
	if !strings.Contains(cancelled.ErrorMessage(), "[None, ConditionalCheckFailed]") {
		t.Errorf("message %q", cancelled.ErrorMessage())
	}
	if got := x.get("t", 2); got != nil {
		t.Errorf("half a transaction: %v", got)
	}
	token := rand.Text()
	add := func(by int) error {
		_, err := x.TransactWriteItems(x.ctx, &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{
			{Update: &types.Update{TableName: x.table, Key: item{"pk": s("t"), "sk": n(1)}, UpdateExpression: aws.String("ADD hits :n"), ExpressionAttributeValues: item{":n": n(by)}}}}})
		return err
	}
	x.must(add(1))
	x.must(add(1))
	var mismatch *types.IdempotentParameterMismatchException
	if err := add(2); !errors.As(err, &mismatch) {
		t.Errorf("another request with the token: %v", err)
	}
	out, err := x.TransactGetItems(x.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: x.table, Key: item{"pk": s("t"), "sk": n(1)}}}, {Get: &types.Get{TableName: x.table, Key: item{"pk": s("t"), "sk": n(9)}}}}})
	x.must(err)
	if str(out.Responses[0].Item["hits"]) != "1" || out.Responses[1].Item != nil {
		t.Errorf("transact get: %v", out.Responses)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
func TestStatements(t *testing.T) {
	x := open(t)
	run := func(statement string, parameters ...types.AttributeValue) ([]item, error) {
		out, err := x.ExecuteStatement(x.ctx, &dynamodb.ExecuteStatementInput{Statement: aws.String(fmt.Sprintf(statement, *x.table)), Parameters: parameters})
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	}
	for sk := range 3 {
		_, err := run(`INSERT INTO "%s" VALUE {'pk': ?, 'sk': ?, 'gpk': 'g', 'gsk': 1, 'm': {'all': ['a']}}`, s("p"), n(sk))
		x.must(err)
	}
	_, err := run(`INSERT INTO "%s" VALUE {'pk': 'p', 'sk': 1}`)
	var duplicate *types.DuplicateItemException
	if !errors.As(err, &duplicate) {
		t.Errorf("a second insert: %v", err)
	}
	items, err := run(`UPDATE "%s" SET m."all" = list_append(m."all", ['b']) SET hits = 1 WHERE pk = 'p' AND sk = 1 RETURNING MODIFIED NEW *`)
	x.must(err)
	if len(items) != 1 || str(items[0]["hits"]) != "1" || items[0]["pk"] != nil {
		t.Errorf("update returned %v", items)
	}
	items, err = run(`SELECT sk, m."all"[1] FROM "%s" WHERE pk = ? AND sk >= 1 ORDER BY sk DESC`, s("p"))
	x.must(err)
	if len(items) != 2 || str(items[0]["sk"]) != "2" || str(items[1]["all[1]"]) != "b" {
		t.Errorf("select: %v", items)
	}
	if items, err = run(`SELECT pk FROM "%s"."global" WHERE gpk = 'g'`); err != nil || len(items) != 3 {
		t.Errorf("select from the index: %v, %v", items, err)
	}
	_, err = run(`DELETE FROM "%s" WHERE pk = 'p' AND sk = 2 AND hits = 7`)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Errorf("delete of another version: %v", err)
	}
	batch, err := x.BatchExecuteStatement(x.ctx, &dynamodb.BatchExecuteStatementInput{Statements: []types.BatchStatementRequest{
		{Statement: aws.String(`SELECT hits FROM "` + *x.table + `" WHERE pk = 'p' AND sk = 1`)},
		{Statement: aws.String(`SELECT hits FROM "` + *x.table + `" WHERE pk = 'p'`)}}})
	x.must(err)
	if str(batch.Responses[0].Item["hits"]) != "1" || batch.Responses[1].Error == nil || batch.Responses[1].Error.Code != types.BatchStatementErrorCodeEnumValidationError {
		t.Errorf("batch: %+v", batch.Responses)
	}
	_, err = x.ExecuteTransaction(x.ctx, &dynamodb.ExecuteTransactionInput{TransactStatements: []types.ParameterizedStatement{
		{Statement: aws.String(`EXISTS(SELECT * FROM "` + *x.table + `" WHERE pk = 'p' AND sk = 1 AND hits = 1)`)},
		{Statement: aws.String(`DELETE FROM "` + *x.table + `" WHERE pk = 'p' AND sk = 2`)}}})
	x.must(err)
	if got := x.get("p", 2); got != nil {
		t.Errorf("deleted by a transaction: %v", got)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
func TestOnlineIndex(t *testing.T) {
	x := open(t)
	x.seed()
	_, err := x.UpdateTable(x.ctx, &dynamodb.UpdateTableInput{TableName: x.table,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("lsk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "N"}},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: aws.String("later"), KeySchema: key("lsk", "sk"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}}}}})
	x.must(err)
	x.put(item{"pk": s("p"), "sk": n(100), "lsk": s("l01")})
	waiter := dynamodb.NewTableExistsWaiter(x.Client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay = 100 * time.Millisecond
		o.Retryable = func(_ context.Context, _ *dynamodb.DescribeTableInput, out *dynamodb.DescribeTableOutput, err error) (bool, error) {
			if err != nil {
				return false, err
			}
			return slices.ContainsFunc(out.Table.GlobalSecondaryIndexes, func(g types.GlobalSecondaryIndexDescription) bool {
				return g.IndexStatus != types.IndexStatusActive
			}), nil
		}
	})
	x.must(waiter.Wait(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table}, 10*time.Minute))
	out, err := x.Query(x.ctx, &dynamodb.QueryInput{TableName: x.table, IndexName: aws.String("later"), KeyConditionExpression: aws.String("lsk = :l"), ExpressionAttributeValues: item{":l": s("l01")}})
	x.must(err)
	if out.Count != 2 {
		t.Errorf("%d entries", out.Count)
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html
func TestDescribe(t *testing.T) {
	x := open(t, func(in *dynamodb.CreateTableInput) {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}
	})
	out, err := x.DescribeTable(x.ctx, &dynamodb.DescribeTableInput{TableName: x.table})
	x.must(err)
	d := out.Table
	if d.TableStatus != types.TableStatusActive || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest || aws.ToString(d.LatestStreamArn) == "" ||
		len(d.GlobalSecondaryIndexes) != 1 || len(d.LocalSecondaryIndexes) != 1 || d.CreationDateTime.IsZero() || aws.ToString(d.TableId) == "" {
		t.Errorf("%+v", d)
	}
	tags, err := x.ListTagsOfResource(x.ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: d.TableArn})
	x.must(err)
	if len(tags.Tags) != 1 || aws.ToString(tags.Tags[0].Value) != "shop" {
		t.Errorf("tags %v", tags.Tags)
	}
	ttl, err := x.DescribeTimeToLive(x.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: x.table})
	x.must(err)
	if ttl.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
		t.Errorf("ttl %v", ttl.TimeToLiveDescription)
	}
	backups, err := x.DescribeContinuousBackups(x.ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: x.table})
	x.must(err)
	if backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusDisabled {
		t.Errorf("backups %v", backups.ContinuousBackupsDescription)
	}
	_, err = x.CreateTable(x.ctx, &dynamodb.CreateTableInput{TableName: x.table, BillingMode: types.BillingModePayPerRequest, KeySchema: key("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "N"}}})
	x.refused(err, "ResourceInUseException", "Table already exists: "+*x.table)
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ConsumedCapacity.html
func TestConsumedCapacity(t *testing.T) {
	x := open(t)
	put, err := x.PutItem(x.ctx, &dynamodb.PutItemInput{TableName: x.table, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		Item: item{"pk": s("c"), "sk": n(1), "gpk": s("g"), "gsk": n(1), "v": s(strings.Repeat("x", 3000))}})
	x.must(err)
	if c := put.ConsumedCapacity; aws.ToFloat64(c.CapacityUnits) != 6 || aws.ToFloat64(c.Table.CapacityUnits) != 3 || aws.ToFloat64(c.GlobalSecondaryIndexes["global"].CapacityUnits) != 3 {
		t.Errorf("put: %+v", c)
	}
	for consistent, want := range map[bool]float64{true: 1, false: 0.5} {
		get, err := x.GetItem(x.ctx, &dynamodb.GetItemInput{TableName: x.table, Key: item{"pk": s("c"), "sk": n(1)}, ConsistentRead: &consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
		x.must(err)
		if got := aws.ToFloat64(get.ConsumedCapacity.CapacityUnits); got != want {
			t.Errorf("get, consistent %t: %v", consistent, got)
		}
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
func TestErrors(t *testing.T) {
	x := open(t)
	_, err := x.GetItem(x.ctx, &dynamodb.GetItemInput{TableName: aws.String("conformance-missing"), Key: item{"pk": s("x")}})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) || missing.ErrorMessage() != "Requested resource not found" {
		t.Errorf("missing table: %v", err)
	}
	_, err = x.DescribeTable(x.ctx, &dynamodb.DescribeTableInput{TableName: aws.String("conformance-missing")})
	x.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: conformance-missing not found")
	_, err = x.GetItem(x.ctx, &dynamodb.GetItemInput{TableName: x.table, Key: item{"pk": s("x")}})
	x.refused(err, "ValidationException", "The provided key element does not match the schema")
	_, err = x.Scan(x.ctx, &dynamodb.ScanInput{TableName: x.table, FilterExpression: aws.String("abort = :x"), ExpressionAttributeValues: item{":x": s("x")}})
	x.refused(err, "ValidationException", "Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: abort")
}
