package dynamodb

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const plainTable = `{"TableName":"plain","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
	"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}`

// together runs fn n times at once.
func together(n int, fn func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { fn(i) })
	}
	wg.Wait()
}

// Of many puts of an item that must not be there, one wins.
func TestConditionalPutRace(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	for round := range 20 {
		var won, lost atomic.Int32
		together(8, func(i int) {
			got := c.try("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"lock-%d"},"owner":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(id)"}`, round, i))
			switch {
			case got == "{}":
				won.Add(1)
			case strings.HasPrefix(got, "ConditionalCheckFailedException"):
				lost.Add(1)
			default:
				t.Errorf("%s", got)
			}
		})
		if won.Load() != 1 || lost.Load() != 7 {
			t.Fatalf("round %d: %d won, %d lost", round, won.Load(), lost.Load())
		}
	}
}

// Additions by many at once are all there.
func TestCounter(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	const workers, each = 8, 50
	together(workers, func(int) {
		for range each {
			c.do("UpdateItem", `{"TableName":"plain","Key":{"id":{"S":"counter"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}`)
		}
	})
	want := fmt.Sprintf(`{"Item":{"id":{"S":"counter"},"n":{"N":"%d"}}}`, workers*each)
	if got := c.do("GetItem", `{"TableName":"plain","Key":{"id":{"S":"counter"}}}`); got != want {
		t.Errorf("got %s", got)
	}
	c.verify("plain")
}

// While money moves between accounts, every read that must be consistent sees all of it.
func TestTransactionsAndReaders(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	const accounts, total = 4, 400
	for i := range accounts {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"account-%d"},"balance":{"N":"%d"}}}`, i, total/accounts))
	}
	get := `{"TransactItems":[`
	for i := range accounts {
		if i > 0 {
			get += ","
		}
		get += fmt.Sprintf(`{"Get":{"TableName":"plain","Key":{"id":{"S":"account-%d"}},"ProjectionExpression":"balance"}}`, i)
	}
	get += `]}`
	sum := func(answer any, list string, item func(any) any) (n int) {
		for _, x := range answer.(map[string]any)[list].([]any) {
			var b int
			fmt.Sscan(item(x).(map[string]any)["balance"].(map[string]any)["N"].(string), &b)
			n += b
		}
		return n
	}
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for !done.Load() {
				if n := sum(decoded(t, c.do("TransactGetItems", get)), "Responses", func(x any) any { return x.(map[string]any)["Item"] }); n != total {
					t.Errorf("a transaction reads %d", n)
				}
				if n := sum(decoded(t, c.do("Scan", `{"TableName":"plain","ConsistentRead":true}`)), "Items", func(x any) any { return x }); n != total {
					t.Errorf("a scan reads %d", n)
				}
			}
		})
	}
	together(4, func(w int) {
		for i := range 40 {
			from, to := (w+i)%accounts, (w+2*i+1)%accounts
			if from == to {
				to = (to + 1) % accounts
			}
			got := c.try("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[
				{"Update":{"TableName":"plain","Key":{"id":{"S":"account-%d"}},"UpdateExpression":"SET balance = balance - :n","ConditionExpression":"balance >= :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}},
				{"Update":{"TableName":"plain","Key":{"id":{"S":"account-%d"}},"UpdateExpression":"SET balance = balance + :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}]}`,
				from, 1+i%30, to, 1+i%30))
			if got != "{}" && !strings.HasPrefix(got, "TransactionCanceledException") {
				t.Errorf("%s", got)
			}
		}
	})
	done.Store(true)
	readers.Wait()
	c.verify("plain")
}

// An e-mail address is unique because a transaction puts an item of its own for it.
func TestUniqueByTransaction(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	var won atomic.Int32
	together(8, func(i int) {
		got := c.try("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[
			{"Put":{"TableName":"plain","Item":{"id":{"S":"user-%d"},"email":{"S":"a@b.c"}},"ConditionExpression":"attribute_not_exists(id)"}},
			{"Put":{"TableName":"plain","Item":{"id":{"S":"email#a@b.c"},"user":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(id)"}}]}`, i, i))
		const lost = "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
		switch {
		case got == "{}":
			won.Add(1)
		case !strings.HasPrefix(got, lost):
			t.Errorf("%s", got)
		}
	})
	if items := c.verify("plain"); won.Load() != 1 || len(items) != 2 {
		t.Errorf("%d won, %d items", won.Load(), len(items))
	}
}

// Changes that go on while an index is filled are all in it.
func TestBackfillDuringChanges(t *testing.T) {
	c := newCloud(t)
	c.do("CreateTable", plainTable)
	put := func(i, g int) {
		c.do("PutItem", fmt.Sprintf(`{"TableName":"plain","Item":{"id":{"S":"item-%d"},"g":{"S":"g%d"},"v":{"N":"%d"}}}`, i, g%3, g))
	}
	for i := range 1500 {
		put(i, i)
	}
	c.do("PutItem", `{"TableName":"plain","Item":{"id":{"S":"odd"},"g":{"N":"5"}}}`) // its type keeps it out of the index
	var writers sync.WaitGroup
	for w := range 3 {
		writers.Go(func() {
			for i := range 200 {
				switch n := (w*487 + i*31) % 1600; i % 3 {
				case 0:
					put(n, i)
				case 1:
					c.do("DeleteItem", fmt.Sprintf(`{"TableName":"plain","Key":{"id":{"S":"item-%d"}}}`, n))
				default:
					c.do("UpdateItem", fmt.Sprintf(`{"TableName":"plain","Key":{"id":{"S":"item-%d"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"N":"0"}}}`, n))
				}
			}
		})
	}
	out := c.do("UpdateTable", `{"TableName":"plain","AttributeDefinitions":[{"AttributeName":"g","AttributeType":"S"}],
		"GlobalSecondaryIndexUpdates":[{"Create":{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}}]}`)
	if !strings.Contains(out, `"Backfilling":true`) {
		t.Errorf("the new index is not filling: %s", out)
	}
	writers.Wait()
	c.settled()
	c.verify("plain")
	if out := c.do("DescribeTable", `{"TableName":"plain"}`); !strings.Contains(out, `"IndexStatus":"ACTIVE"`) {
		t.Errorf("not active: %s", out)
	}
	if got := c.do("UpdateItem", `{"TableName":"plain","Key":{"id":{"S":"odd"}},"UpdateExpression":"SET v = :v","ExpressionAttributeValues":{":v":{"N":"0"}}}`); got != "{}" {
		t.Errorf("an item that the index does not hold: %s", got)
	}
}
