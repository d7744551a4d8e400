package dynamodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
)

const ordersTable = `{"TableName":"orders","BillingMode":"PAY_PER_REQUEST",
	"AttributeDefinitions":[{"AttributeName":"h","AttributeType":"S"},{"AttributeName":"r","AttributeType":"N"},
		{"AttributeName":"g","AttributeType":"S"},{"AttributeName":"l","AttributeType":"S"}],
	"KeySchema":[{"AttributeName":"h","KeyType":"HASH"},{"AttributeName":"r","KeyType":"RANGE"}],
	"GlobalSecondaryIndexes":[
		{"IndexName":"byg","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}},
		{"IndexName":"bygl","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],
			"Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["v"]}}],
	"LocalSecondaryIndexes":[{"IndexName":"byl","KeySchema":[{"AttributeName":"h","KeyType":"HASH"},{"AttributeName":"l","KeyType":"RANGE"}],
		"Projection":{"ProjectionType":"KEYS_ONLY"}}],
	"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`

// verify holds the store to the package's invariants: every index has exactly the entries that the items give it, and
// the counters count.
func (c *cloud) verify(name string) (items []attr.Item) {
	c.t.Helper()
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		t, err := c.s.table(sn, testCell, name)
		if err != nil {
			return err
		}
		for p, err := range sn.Scan(t.layout.index(0), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			item, err := decodeItem(p.Value)
			if err != nil {
				return err
			}
			if string(t.itemKey(item)) != string(p.Key) {
				c.t.Errorf("item %s is stored at %s", item.AppendJSON(nil), p.Key)
			}
			items = append(items, item)
		}
		if err := c.verifySize(sn, t, 0, items); err != nil {
			return err
		}
		for i := range t.Indexes {
			if err := c.verifyIndex(sn, t, &t.Indexes[i], items); err != nil {
				return err
			}
		}
		return c.verifyExpiry(sn, t, items)
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return items
}

// verifyExpiry holds the order of expiry to the items. What was too old when it was written may be missing.
func (c *cloud) verifyExpiry(sn *kv.Snap, t *table, items []attr.Item) error {
	c.t.Helper()
	want := map[string]bool{}
	now := c.clock.Now()
	for _, item := range items {
		if second, ok := t.expires(item, 0); ok && t.TTL.Enabled && !t.TTL.Filling {
			_, recent := t.expires(item, now)
			want[string(t.layout.expiry(second, t.itemKey(item)))] = recent
		}
	}
	for p, err := range sn.Scan(t.layout.expiries(), kv.ScanOptions{KeysOnly: true}) {
		if err != nil {
			return err
		}
		if _, ok := want[string(p.Key)]; !ok && !t.TTL.Filling {
			c.t.Errorf("nothing expires at %s", p.Key)
		}
		delete(want, string(p.Key))
	}
	for key, recent := range want {
		if recent {
			c.t.Errorf("the order of expiry lacks %s", kv.Key(key))
		}
	}
	return nil
}

func (c *cloud) verifySize(sn *kv.Snap, t *table, id uint64, items []attr.Item) error {
	c.t.Helper()
	var want size
	for _, item := range items {
		want.items++
		want.bytes += int64(item.Size())
	}
	got, err := t.layout.size(sn, id)
	if err == nil && got != want {
		c.t.Errorf("index %d counts %+v, has %+v", id, got, want)
	}
	return err
}

func (c *cloud) verifyIndex(sn *kv.Snap, t *table, x *index, items []attr.Item) error {
	c.t.Helper()
	want := map[string]attr.Item{}
	for _, item := range items {
		if x.holds(item) {
			want[string(t.entryKey(x, item))] = x.entry(item)
		}
	}
	var entries []attr.Item
	for p, err := range sn.Scan(t.layout.index(x.ID), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		entry, err := decodeItem(p.Value)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
		if want[string(p.Key)] != entry {
			c.t.Errorf("index %s has %s at %s, want %s", x.Name, entry.AppendJSON(nil), p.Key, want[string(p.Key)].AppendJSON(nil))
		}
		delete(want, string(p.Key))
	}
	for _, entry := range want {
		c.t.Errorf("index %s lacks %s", x.Name, entry.AppendJSON(nil))
	}
	return c.verifySize(sn, t, x.ID, entries)
}

// records are the records of the table's present stream, in their order.
func (c *cloud) records(name string) (out []record) {
	c.t.Helper()
	err := c.db.View(c.ctx, func(sn *kv.Snap) error {
		t, err := c.s.table(sn, testCell, name)
		if err != nil {
			return err
		}
		for p, err := range sn.Scan(kv.Prefix(t.log), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			r, err := decodeRecord(p.Value)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// replay is the items that the records of a stream leave.
func replay(t testing.TB, tb *table, records []record) []attr.Item {
	t.Helper()
	items := map[string]attr.Item{}
	for _, r := range records {
		at := string(tb.itemKey(r.key))
		if items[at] != r.before {
			t.Errorf("%s of %s: old image %s, was %s", r.event, r.key.AppendJSON(nil), r.before.AppendJSON(nil), items[at].AppendJSON(nil))
		}
		if (r.event == eventInsert) != r.before.IsZero() || (r.event == eventRemove) != r.after.IsZero() {
			t.Errorf("%s from %s to %s", r.event, r.before.AppendJSON(nil), r.after.AppendJSON(nil))
		}
		items[at] = r.after
		if r.after.IsZero() {
			delete(items, at)
		}
	}
	out := make([]attr.Item, 0, len(items))
	for _, item := range items {
		out = append(out, item)
	}
	return out
}

// change makes one random change.
func (c *cloud) change(r *rand.Rand) {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	key := fmt.Sprintf(`"h":{"S":%q},"r":{"N":"%d"}`, pick("a", "b"), r.IntN(4))
	attributes := func() string {
		out := key
		for _, name := range []string{"g", "l", "v"} {
			if r.IntN(3) > 0 {
				out += fmt.Sprintf(`,%q:{"S":%q}`, name, pick("x", "y", "z"))
			}
		}
		return out
	}
	const table = `"TableName":"orders"`
	switch r.IntN(6) {
	case 0, 1:
		c.do("PutItem", `{`+table+`,"Item":{`+attributes()+`}}`)
	case 2:
		c.do("UpdateItem", fmt.Sprintf(`{%s,"Key":{%s},"UpdateExpression":%q,"ExpressionAttributeValues":{":v":{"S":%q}}}`, table, key,
			"SET "+pick("g", "l", "v")+" = :v REMOVE "+pick("q", "w"), pick("x", "y", "z")))
	case 3:
		c.do("UpdateItem", fmt.Sprintf(`{%s,"Key":{%s},"UpdateExpression":%q}`, table, key, "REMOVE "+pick("g", "l", "v")))
	case 4:
		c.do("DeleteItem", `{`+table+`,"Key":{`+key+`}}`)
	default:
		c.try("TransactWriteItems", fmt.Sprintf(`{"TransactItems":[{"Put":{%s,"Item":{%s}}},{"Delete":{%s,"Key":{"h":{"S":"c"},"r":{"N":"%d"}},"ConditionExpression":"attribute_not_exists(%s)"}}]}`,
			table, attributes(), table, r.IntN(3), pick("g", "nothing")))
	}
}

func sortedItems(items []attr.Item) []string {
	var out []string
	for _, item := range items {
		out = append(out, string(item.AppendJSON(nil)))
	}
	slices.Sort(out)
	return out
}

// Random changes keep the invariants, and the stream's records lead from nothing to the items that are there.
func TestRandomChanges(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	c := newCloud(t)
	c.do("CreateTable", ordersTable)
	for i := range 600 {
		c.change(r)
		if i%50 == 0 || t.Failed() {
			c.verify("orders")
		}
		if t.Failed() {
			t.Fatalf("seed %d, step %d", seed, i)
		}
	}
	items := c.verify("orders")
	var tb *table
	if err := c.s.look(c.ctx, "orders", func(_ *kv.Snap, x *table) error { tb = x; return nil }); err != nil {
		t.Fatal(err)
	}
	replayed := replay(t, tb, c.records("orders"))
	if got, want := strings.Join(sortedItems(replayed), "\n"), strings.Join(sortedItems(items), "\n"); got != want {
		t.Errorf("seed %d: the stream leads to\n%s\nthe table has\n%s", seed, got, want)
	}
}
