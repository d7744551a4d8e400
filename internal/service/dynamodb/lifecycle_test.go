package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// field is a member of an answer, by its path.
func field(t testing.TB, answer string, path ...string) any {
	t.Helper()
	v := decoded(t, answer)
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func TestTableIsNewAfterDelete(t *testing.T) {
	c := newCloud(t)
	first := c.do("CreateTable", plainTable)
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"old"}}}`)
	c.do("DeleteTable", `{"TableName":"plain"}`)
	if got := c.try("GetItem", `{"TableName":"plain","Key":{"id":{"S":"old"}}}`); got != "ResourceNotFoundException: Requested resource not found" {
		t.Errorf("read of a deleted table: %s", got)
	}
	second := c.do("CreateTable", plainTable)
	if field(t, first, "TableDescription", "TableId") == field(t, second, "TableDescription", "TableId") {
		t.Error("the table's id was used again")
	}
	if items := c.verify("plain"); len(items) != 0 {
		t.Errorf("%d items of the old table", len(items))
	}
	c.settled()
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for p, err := range sn.Scan(layoutOf(testCell, 1).all(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			t.Errorf("left over: %s", p.Key)
		}
		for p, err := range sn.Scan(catalogOf(testCell).allGone(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			t.Errorf("still to be cleared: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A process that ends between deleting a table and clearing it, or while it fills an index, goes on after its start.
func TestStartGoesOn(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	for i := range 600 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"item-%d"},"g":{"S":"g"}}}`, i))
	}
	c.do("CreateTable", strings.Replace(plainTable, `"plain"`, `"other"`, 1))
	c.do("PutItem", `{"TableName":"other","Item":{"id":{"S":"x"}}}`)
	c.s.Stop() // from here on nothing runs in the background
	c.do("DeleteTable", `{"TableName":"other"}`)
	c.do("UpdateTable", `{"TableName":"plain","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`)
	if got := c.try("Query", `{"TableName":"plain","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"g"}}}`); got != "ValidationException: Cannot read from backfilling global secondary index: byg" {
		t.Errorf("query while filling: %s", got)
	}
	_, err := c.db.Update(c.ctx, func(tx *kv.Tx) error { // the first step was made before the end
		_, err := c.s.fill(tx, testCell, "plain", 1, 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ledger := work.NewLedger()
	next := New(Options{DB: c.db, Clock: c.clock, Work: ledger})
	if err := next.Start(c.ctx); err != nil {
		t.Fatal(err)
	}
	next.background.Wait()
	next.Stop()
	if es := ledger.Entries(); len(es) != 0 {
		t.Errorf("still at work: %v", es)
	}
	c.verify("plain")
	got := c.do("Query", `{"TableName":"plain","IndexName":"byg","KeyConditionExpression":"g = :g","Select":"COUNT","ExpressionAttributeValues":{":g":{"S":"g"}}}`)
	if n := field(t, got, "Count"); n != 600.0 {
		t.Errorf("the index has %v entries", n)
	}
	err = c.db.View(c.ctx, func(sn *kv.Snap) error {
		for p := range sn.Scan(layoutOf(testCell, 2).all(), kv.ScanOptions{}) {
			t.Errorf("left of the deleted table: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// So it does in every region, not only in the one that the cloud is asked in most.
func TestStartGoesOnInEveryRegion(t *testing.T) {
	c := newCloud(t)
	home := c.ctx
	away := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In("us-east-1", testAccount), Actor: awsapi.RootOf(testAccount)})
	c.do("CreateTable", plainTable)
	c.ctx = away
	c.do("CreateTable", plainTable)
	for i := range 300 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"item-%d"},"g":{"S":"g"}}}`, i))
	}
	c.do("CreateTable", strings.Replace(plainTable, `"plain"`, `"other"`, 1))
	c.do("PutItem", `{"TableName":"other","Item":{"id":{"S":"x"}}}`)
	c.s.Stop() // from here on nothing runs in the background
	c.do("DeleteTable", `{"TableName":"other"}`)
	c.do("UpdateTable", `{"TableName":"plain","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`)
	next := c.again()
	if err := next.s.Start(home); err != nil {
		t.Fatal(err)
	}
	next.s.background.Wait()
	next.ctx = away
	got := next.do("Query", `{"TableName":"plain","IndexName":"byg","KeyConditionExpression":"g = :g","Select":"COUNT","ExpressionAttributeValues":{":g":{"S":"g"}}}`)
	if n := field(t, got, "Count"); n != 300.0 {
		t.Errorf("the index has %v entries", n)
	}
	err := c.db.View(home, func(sn *kv.Snap) error {
		for p := range sn.Scan(layoutOf(keyspace.Cell{Account: testAccount, Region: "us-east-1"}, 2).all(), kv.ScanOptions{}) {
			t.Errorf("left of the deleted table: %s", p.Key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeletedIndex(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	c.do("PutItem", `{"TableName":"orders","Item":{"h":{"S":"a"},"r":{"N":"1"},"g":{"S":"x"},"l":{"S":"y"}}}`)
	out := c.do("UpdateTable", `{"TableName":"orders","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"byg"}}]}`)
	if strings.Contains(out, `"byg"`) {
		t.Errorf("still described: %s", out)
	}
	c.verify("orders")
	// The next index gets an id of its own, although the name is the same.
	c.do("UpdateTable", `{"TableName":"orders","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}}}]}`)
	c.settled()
	c.verify("orders")
}

func TestStreamSpecification(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	put := func(v string) {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"a"},"v":{"S":%q}}}`, v))
	}
	put("before the stream")
	for view, want := range map[string][2]bool{viewKeys: {}, viewNew: {true, false}, viewOld: {false, true}, viewBoth: {true, true}} {
		if err := c.clock.Set(c.clock.Now().Add(time.Second)); err != nil { // a stream's label is the time at which it began
			t.Fatal(err)
		}
		out := c.do("UpdateTable", `{"TableName":"plain","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"`+view+`"}}`)
		if got := field(t, out, "TableDescription", "StreamSpecification", "StreamViewType"); got != view {
			t.Errorf("view %v, want %s", got, view)
		}
		put("one of " + view)
		put("one of " + view) // changes nothing, and leaves no record
		put("two of " + view)
		records := c.records("plain")
		if len(records) != 2 {
			t.Fatalf("%s: %d records", view, len(records))
		}
		for _, r := range records {
			if r.after.IsZero() == want[0] || r.before.IsZero() == want[1] || r.key.Len() != 1 || r.created != c.clock.Now() || r.expired {
				t.Errorf("%s: %+v", view, r)
			}
		}
		if got := c.try("UpdateTable", `{"TableName":"plain","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}`); !strings.Contains(got, "already has an enabled stream") {
			t.Errorf("enabled twice: %s", got)
		}
		out = c.do("UpdateTable", `{"TableName":"plain","StreamSpecification":{"StreamEnabled":false}}`)
		if field(t, out, "TableDescription", "StreamSpecification") != nil || field(t, out, "TableDescription", "LatestStreamArn") == nil {
			t.Errorf("disabled: %s", out)
		}
		put("after " + view)
	}
}

// Client tokens make a transaction the same one for ten minutes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#DDB-TransactWriteItems-request-ClientRequestToken
func TestClientToken(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	add := func(n int) string {
		return c.try("TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":"token","ReturnConsumedCapacity":"TOTAL","TransactItems":[{"Update":{"TableName":"plain",
			"Key":{"id":{"S":"a"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}]}`, n))
	}
	value := func() any {
		return field(t, c.do("GetItem", `{"TableName":"plain","Key":{"id":{"S":"a"}}}`), "Item", "n", "N")
	}
	if got := field(t, add(1), "ConsumedCapacity"); got.([]any)[0].(map[string]any)["WriteCapacityUnits"] != 2.0 {
		t.Errorf("first: %v", got)
	}
	for range 3 {
		if err := c.clock.Set(c.clock.Now().Add(3 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := field(t, add(1), "ConsumedCapacity"); got.([]any)[0].(map[string]any)["ReadCapacityUnits"] != 2.0 {
			t.Errorf("again: %v", got)
		}
		if value() != "1" {
			t.Fatalf("n = %v", value())
		}
		if got := add(2); !strings.HasPrefix(got, "IdempotentParameterMismatchException") {
			t.Errorf("other parameters: %s", got)
		}
	}
	if err := c.clock.Set(c.clock.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	add(1)
	if value() != "2" {
		t.Errorf("after eleven minutes n = %v", value())
	}
	if err := c.clock.Set(c.clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	add(1)
	tokens := 0
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		for range sn.Scan(catalogOf(testCell).Key().Str("token").Range(), kv.ScanOptions{}) {
			tokens++
		}
		return nil
	})
	if err != nil || tokens != 1 {
		t.Errorf("%d tokens are kept, %v", tokens, err)
	}
}

func TestSettings(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", strings.Replace(plainTable, `"BillingMode"`, `"Tags":[{"Key":"b","Value":"2"}],"BillingMode"`, 1))
	const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/plain"
	c.do("TagResource", `{"ResourceArn":"`+table+`","Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"3"}]}`)
	if got := c.do("ListTagsOfResource", `{"ResourceArn":"`+table+`"}`); got != `{"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"3"}]}` {
		t.Errorf("tags: %s", got)
	}
	c.do("UntagResource", `{"ResourceArn":"`+table+`","TagKeys":["a","q"]}`)
	if got := c.do("ListTagsOfResource", `{"ResourceArn":"`+table+`"}`); got != `{"Tags":[{"Key":"b","Value":"3"}]}` {
		t.Errorf("tags: %s", got)
	}
	for _, tt := range []struct{ op, in, want string }{
		{"DescribeContinuousBackups", `{"TableName":"plain"}`, `{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"DISABLED","PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}`},
		{"DescribeContinuousBackups", `{"TableName":"missing"}`, "TableNotFoundException: Table not found: missing"},
		{"DescribeContributorInsights", `{"TableName":"plain"}`, `{"TableName":"plain","ContributorInsightsStatus":"DISABLED"}`},
		{"DescribeKinesisStreamingDestination", `{"TableName":"plain"}`, `{"TableName":"plain","KinesisDataStreamDestinations":[]}`},
		{"ListTagsOfResource", `{"ResourceArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/missing"}`, "ResourceNotFoundException: Requested resource not found: ResourcArn: arn:aws:dynamodb:eu-west-1:123456789012:table/missing not found"},
		{"GetItem", `{"TableName":"` + table + `","Key":{"id":{"S":"x"}}}`, `{}`},
		{"UpdateTable", `{"TableName":"plain","ReplicaUpdates":[{"Create":{"RegionName":"us-east-1"}}]}`, "ValidationException: ReplicaUpdates is not supported: nube has no global tables."},
	} {
		if got := c.try(tt.op, tt.in); got != tt.want {
			t.Errorf("%s %s\n got %s\nwant %s", tt.op, tt.in, got, tt.want)
		}
	}
	c.do("UpdateTable", `{"TableName":"plain","DeletionProtectionEnabled":true}`)
	if got := c.try("DeleteTable", `{"TableName":"plain"}`); !strings.Contains(got, "protected against deletion") {
		t.Errorf("delete of a protected table: %s", got)
	}
	out := c.do("UpdateTable", `{"TableName":"plain","BillingMode":"PROVISIONED","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`)
	if field(t, out, "TableDescription", "BillingModeSummary", "BillingMode") != "PROVISIONED" || field(t, out, "TableDescription", "ProvisionedThroughput", "WriteCapacityUnits") != 6.0 {
		t.Errorf("provisioned: %s", out)
	}
	if got := c.try("UpdateTable", `{"TableName":"plain","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}`); !strings.HasPrefix(got, "ValidationException: The provisioned throughput for the table will not change.") {
		t.Errorf("unchanged: %s", got)
	}
}

func TestItemSize(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	item := func(n int) string { // of n bytes
		return `{"TableName":"plain","Item":{"id":{"S":"a"},"v":{"S":"` + strings.Repeat("x", n-4) + `"}}}`
	}
	if got := c.try("PutItem", item(maxItemSize)); got != "{}" {
		t.Errorf("400 KB: %s", got)
	}
	if got := c.try("PutItem", item(maxItemSize+1)); got != "ValidationException: Item size has exceeded the maximum allowed size" {
		t.Errorf("one byte more: %s", got)
	}
	update := `{"TableName":"plain","Key":{"id":{"S":"a"}},"UpdateExpression":"SET w = :w","ExpressionAttributeValues":{":w":{"S":"y"}}}`
	if got := c.try("UpdateItem", update); got != "ValidationException: Item size to update has exceeded the maximum allowed size" {
		t.Errorf("update: %s", got)
	}
}

// Large items with an entry in each of many indexes do not fit into one commit of the store; a batch of them is written all
// the same.
func TestBatchOfManyEntries(t *testing.T) {
	c := newCloud(t)
	var indexes []string
	for i := range maxGlobalIndexes {
		indexes = append(indexes, fmt.Sprintf(`{"IndexName":"index-%d","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}`, i))
	}
	c.do("CreateTable", `{"TableName":"wide","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"GlobalSecondaryIndexes":[`+strings.Join(indexes, ",")+`]}`)
	text := strings.Repeat("x", maxItemSize-1000)
	var puts []string
	for i := range 3 {
		puts = append(puts, fmt.Sprintf(`{"PutRequest":{"Item":{"id":{"S":"%d"},"text":{"S":%q}}}}`, i, text))
	}
	out := c.do("BatchWriteItem", `{"RequestItems":{"wide":[`+strings.Join(puts, ",")+`]}}`)
	if n := field(t, out, "UnprocessedItems"); len(n.(map[string]any)) != 0 {
		t.Errorf("left: %v", n)
	}
	if items := c.verify("wide"); len(items) != 3 {
		t.Errorf("%d items", len(items))
	}
}

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
//
// The four megabytes of a transaction are those of its items, also where the request says little of them.
func TestTransactionOfLargeItems(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	text := strings.Repeat("x", 390<<10)
	var updates, deletes []string
	for i := range 12 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"text":{"S":%q}}}`, i, text))
		updates = append(updates, fmt.Sprintf(`{"Update":{"TableName":"plain","Key":{"id":{"S":"%d"}},"UpdateExpression":"SET n = :n","ExpressionAttributeValues":{":n":{"N":"1"}}}}`, i))
		deletes = append(deletes, fmt.Sprintf(`{"Delete":{"TableName":"plain","Key":{"id":{"S":"%d"}}}}`, i))
	}
	const refused = "ValidationException: Transaction size exceeds the maximum allowed size of 4 MB"
	for _, parts := range [][]string{updates, deletes} {
		if got := c.try("TransactWriteItems", `{"TransactItems":[`+strings.Join(parts, ",")+`]}`); got != refused {
			t.Errorf("twelve items: %s", got)
		}
		c.do("TransactWriteItems", `{"TransactItems":[`+strings.Join(parts[:10], ",")+`]}`)
	}
	if items := c.verify("plain"); len(items) != 2 {
		t.Errorf("%d items are left", len(items))
	}
}
