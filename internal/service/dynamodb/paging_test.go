package dynamodb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pages follows LastEvaluatedKey to the end and returns the items of each page.
func (c *cloud) pages(operation, request string) (pages [][]string) {
	c.t.Helper()
	start := ""
	for {
		out := c.do(operation, strings.Replace(request, "{", "{"+start, 1))
		var page struct {
			Items            []json.RawMessage
			LastEvaluatedKey json.RawMessage
		}
		if err := json.Unmarshal([]byte(out), &page); err != nil {
			c.t.Fatal(err)
		}
		var items []string
		for _, item := range page.Items {
			items = append(items, string(item))
		}
		pages = append(pages, items)
		if page.LastEvaluatedKey == nil {
			return pages
		}
		if start = `"ExclusiveStartKey":` + string(page.LastEvaluatedKey) + `,`; len(pages) > 1000 {
			c.t.Fatal("pages without end")
		}
	}
}

// Paging over an index neither repeats nor loses items, also when all of them have the same index key: the last key has
// the table's key too.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
//
// floci#587, ministack#593, fakecloud PR#121, moto PR#7580: without the table's key the next page began at the wrong item,
// which lost some or went round for ever.
//
// Mutation: a last key of the index's attributes alone.
func TestIndexPaging(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	const n = 25
	for i := range n {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"h":{"S":"h%d"},"r":{"N":"%d"},"g":{"S":"same"},"l":{"S":"same"}}}`, i%5, i))
	}
	for _, limit := range []int{1, 2, 7, 24, 25, 26} {
		for _, q := range []string{
			`{"TableName":"orders","IndexName":"byg","KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"same"}}`,
			`{"TableName":"orders","IndexName":"bygl","KeyConditionExpression":"g = :g AND l = :g","ExpressionAttributeValues":{":g":{"S":"same"}}`,
			`{"TableName":"orders","IndexName":"byg","ScanIndexForward":false,"KeyConditionExpression":"g = :g","ExpressionAttributeValues":{":g":{"S":"same"}}`,
		} {
			c.checkPages("Query", fmt.Sprintf(`%s,"Limit":%d}`, q, limit), n)
		}
		for _, index := range []string{"", `"IndexName":"byg",`, `"IndexName":"byl",`} {
			c.checkPages("Scan", fmt.Sprintf(`{%s"TableName":"orders","Limit":%d}`, index, limit), n)
		}
	}
}

func (c *cloud) checkPages(operation, request string, want int) {
	c.t.Helper()
	all := slices.Concat(c.pages(operation, request)...)
	slices.Sort(all)
	if got := len(slices.Compact(all)); got != want {
		c.t.Errorf("%s %s: %d different items, want %d", operation, request, got, want)
	}
}

// floci#626: a filter with OR let nothing through.
//
// Mutation: OR read as AND.
func TestFilterWithOr(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	for i, status := range []string{"active", "inactive", "pending"} {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"h":{"S":"h"},"r":{"N":"%d"},"status":{"S":%q}}}`, i, status))
	}
	const filter = `"FilterExpression":"#s = :a OR #s = :p","ExpressionAttributeNames":{"#s":"status"},"ProjectionExpression":"r"`
	for operation, request := range map[string]string{
		"Query": `"KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"h"},":a":{"S":"active"},":p":{"S":"pending"}}`,
		"Scan":  `"ExpressionAttributeValues":{":a":{"S":"active"},":p":{"S":"pending"}}`,
	} {
		got := c.do(operation, `{"TableName":"orders",`+filter+`,`+request+`}`)
		if want := `{"Items":[{"r":{"N":"0"}},{"r":{"N":"2"}}],"Count":2,"ScannedCount":3}`; got != want {
			t.Errorf("%s: %s, want %s", operation, got, want)
		}
	}
}

// A SELECT is read in pages too, also one of several partitions.
func TestStatementPaging(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	const n = 24
	for i := range n {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"h":{"S":"h%d"},"r":{"N":"%d"},"g":{"S":"same"}}}`, i%4, i))
	}
	tests := []struct {
		statement string
		first     string // r of the first item
		want      int
	}{
		{"SELECT r FROM orders WHERE h = 'h1'", "1", 6},
		{"SELECT r FROM orders WHERE h = 'h1' ORDER BY r DESC", "21", 6},
		{"SELECT r FROM orders WHERE h IN ['h2', 'h0', 'h2', 'none']", "2", 12},
		{"SELECT r FROM orders WHERE h = 'h3' OR h = 'h1'", "3", 12},
		{"SELECT r FROM orders WHERE h IN ['h2', 'h0', 'h1'] AND r > 10 ORDER BY h", "12", 9},
		{"SELECT r FROM orders WHERE h IN ['h0', 'h2', 'h1'] ORDER BY h DESC, r DESC", "22", 18},
		{"SELECT r FROM orders.byg WHERE g = 'same'", "", n},
		{"SELECT r FROM orders", "", n},
		{"SELECT r FROM orders WHERE r > 11", "", 12},
	}
	for _, tt := range tests {
		for _, limit := range []int{1, 2, 5, 6, 7, 100} {
			seen, token, first := map[string]bool{}, "", ""
			for page := 0; page == 0 || token != ""; page++ {
				var out struct {
					Items     []struct{ R struct{ N string } }
					NextToken string
				}
				request := fmt.Sprintf(`{"Statement":%q,"Limit":%d%s}`, tt.statement, limit, token)
				if err := json.Unmarshal([]byte(c.do("ExecuteStatement", request)), &out); err != nil {
					t.Fatal(err)
				}
				for _, item := range out.Items {
					if first == "" {
						first = item.R.N
					}
					if seen[item.R.N] {
						t.Errorf("%s, limit %d: item %s twice", tt.statement, limit, item.R.N)
					}
					seen[item.R.N] = true
				}
				if token = ""; out.NextToken != "" {
					token = fmt.Sprintf(`,"NextToken":%q`, out.NextToken)
				}
				if page > n+1 {
					t.Fatalf("%s, limit %d: pages without end", tt.statement, limit)
				}
			}
			if len(seen) != tt.want || tt.first != "" && first != tt.first {
				t.Errorf("%s, limit %d: %d items from %s on, want %d from %s on", tt.statement, limit, len(seen), first, tt.want, tt.first)
			}
		}
	}
	// A token of another statement leads nowhere.
	token := field(t, c.do("ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'h1'","Limit":1}`), "NextToken").(string)
	if got := c.try("ExecuteStatement", `{"Statement":"SELECT * FROM orders WHERE h = 'h2'","NextToken":"`+token+`"}`); got != "ValidationException: Given NextToken is invalid" {
		t.Error(got)
	}
}

func TestParallelScan(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	const n = 200
	for i := range n {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"item-%d"}}}`, i))
	}
	for _, segments := range []int{1, 2, 3, 10, 1_000_000} {
		var all []string
		busy := 0
		for segment := range min(segments, 10) {
			if segments > 10 {
				segment *= segments / 10 // a sample
			}
			pages := c.pages("Scan", fmt.Sprintf(`{"TableName":"plain","Segment":%d,"TotalSegments":%d,"Limit":9}`, segment, segments))
			items := slices.Concat(pages...)
			if len(items) > 0 {
				busy++
			}
			all = append(all, items...)
		}
		slices.Sort(all)
		if segments <= 10 && (len(all) != n || len(slices.Compact(all)) != n || busy != segments) {
			t.Errorf("%d segments: %d items in %d of them", segments, len(all), busy)
		}
	}
	got := c.try("Scan", `{"TableName":"plain","Segment":0,"TotalSegments":1000000,"ExclusiveStartKey":{"id":{"S":"item-1"}}}`)
	if got != "ValidationException: The provided Exclusive start key does not map to the provided Segment and TotalSegments values." {
		t.Errorf("start key of another segment: %s", got)
	}
}

// A page ends when it has read a megabyte, before the filter.
func TestPageOfOneMegabyte(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	pad := strings.Repeat("x", 60_000)
	for i := range 40 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{"h":{"S":"a"},"r":{"N":"%d"},"odd":{"BOOL":%t},"pad":{"S":%q}}}`, i, i%2 == 1, pad))
	}
	const query = `{"TableName":"orders","KeyConditionExpression":"h = :h","FilterExpression":"odd = :odd",
		"ExpressionAttributeValues":{":h":{"S":"a"},":odd":{"BOOL":true}}}`
	pages := c.pages("Query", query)
	if len(pages) != 3 || len(slices.Concat(pages...)) != 20 {
		t.Errorf("%d pages, %d items", len(pages), len(slices.Concat(pages...)))
	}
	out := c.do("Query", strings.Replace(query, "{", `{"Select":"COUNT","ReturnConsumedCapacity":"TOTAL",`, 1))
	if field(t, out, "ScannedCount") != 18.0 || field(t, out, "Count") != 9.0 || field(t, out, "ConsumedCapacity", "CapacityUnits") != 132.0 {
		t.Errorf("first page: %s", out)
	}
}

// What a batch has no room for comes back to be asked for again.
func TestBatchGetOfSixteenMegabytes(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	pad := strings.Repeat("x", 390_000)
	var keys []string
	for i := range 45 {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"%d"},"pad":{"S":%q}}}`, i, pad))
		keys = append(keys, fmt.Sprintf(`{"id":{"S":"%d"}}`, i))
	}
	var out struct {
		Responses       map[string][]json.RawMessage
		UnprocessedKeys map[string]struct {
			Keys           []json.RawMessage
			ConsistentRead bool
		}
	}
	answer := c.do("BatchGetItem", `{"RequestItems":{"plain":{"ConsistentRead":true,"Keys":[`+strings.Join(keys, ",")+`]}}}`)
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		t.Fatal(err)
	}
	left := out.UnprocessedKeys["plain"]
	if len(out.Responses["plain"]) != 43 || len(left.Keys) != 2 || !left.ConsistentRead {
		t.Errorf("%d items, %d keys left, consistent %t", len(out.Responses["plain"]), len(left.Keys), left.ConsistentRead)
	}
}
