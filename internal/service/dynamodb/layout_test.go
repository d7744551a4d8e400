package dynamodb

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
	causes "github.com/nube-run/nube/internal/record"
)

func parseItem(t testing.TB, js string) attr.Item {
	t.Helper()
	var it attr.Item
	if _, err := it.ScanJSON([]byte(js)); err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return it
}

func testTable() *table {
	t := &table{
		Name: "orders", ID: 7, Attributes: []attribute{{"h", "S"}, {"r", "N"}, {"g", "B"}}, Hash: "h", Range: "r",
		Indexes: []index{
			{Name: "byg", ID: 1, Global: true, Hash: "g", Projection: "KEYS_ONLY"},
			{Name: "byhg", ID: 2, Hash: "h", Range: "g", Projection: "INCLUDE", Include: []string{"v"}},
		},
		NextIndex: 2, Stream: stream{Enabled: true, View: viewBoth, Label: "2026-11-21T10:00:00.000", ID: 8},
		TTL: ttl{Enabled: true, Attribute: "ttl", Changed: 1795301973_000000001},
	}
	t.compile(testCell)
	return t
}

// The keys and the records lie on disks: a change here is a change of the store's format, and needs a line in its history.
func TestLayoutGolden(t *testing.T) {
	tb, c := testTable(), catalogOf(testCell)
	item := parseItem(t, `{"h":{"S":"customer\u00004711"},"r":{"N":"-12.5"},"g":{"B":"AAH/"},"v":{"S":"x"}}`)
	var b strings.Builder
	key := func(name string, k kv.Key) { fmt.Fprintf(&b, "%-14s %s\n%-14s %x\n", name, k, "", []byte(k)) }
	key("table", c.table("orders"))
	key("next", c.next())
	key("gone", c.gone(7))
	key("token", c.token(3, "abc"))
	key("item", tb.itemKey(item))
	key("byg", tb.entryKey(&tb.Indexes[0], item))
	key("byhg", tb.entryKey(&tb.Indexes[1], item))
	key("count", tb.layout.count(0))
	key("bytes", tb.layout.bytes(2))
	key("filled", tb.layout.filled(2))
	key("expiry", tb.layout.expiry(1795301973, tb.itemKey(item)))
	key("stream", c.stream("orders", tb.Stream.Label))
	key("ttl", c.expiring(7))
	key("log", tb.log)
	key("horizon", layoutOf(testCell, 8).horizon())
	r := record{event: eventModify, expired: true, created: 1795301973_000000001, key: item.Pick("h", "r"), after: item, before: item.Pick("h", "r", "g"),
		cause: causes.Cause{Trace: causes.TraceID{1}, Span: causes.SpanID{2}, Request: "req", By: "arn:aws:iam::123456789012:root", Sampled: true}}
	fmt.Fprintf(&b, "%-14s %x\n", "record", r.encode())
	f := &feed{Table: "orders", Label: tb.Stream.Label, ID: 8, View: viewBoth, Hash: "h", Range: "r", Created: 1795301973_000000001,
		Closed: 1795301973_000000002, Start: 9, trim: 1795301973_000000003, layout: layoutOf(testCell, 8)}
	frow, err := f.encode()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%-14s %x %s\n", "feed", frow[:feedHeader], frow[feedHeader:])
	row, err := tb.encode()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%-14s %x %s\n", "row", row[:rowHeader], row[rowHeader:])
	golden(t, "testdata/layout.golden", b.String())

	got, err := decodeRecord(r.encode())
	if err != nil || got != r {
		t.Errorf("record read again: %+v, %v", got, err)
	}
	if again, err := decodeFeed(testCell, frow); err != nil || !reflect.DeepEqual(again, f) {
		t.Errorf("feed read again: %+v, %v", again, err)
	}
	again, err := decodeTable(testCell, row)
	if err != nil {
		t.Fatal(err)
	}
	if row2, _ := again.encode(); string(row2) != string(row) {
		t.Errorf("row read again: %s", row2)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestSegmentsPartition(t *testing.T) {
	l := testTable().layout
	for _, n := range []int{1, 2, 3, 7, 1000, 65536, 1_000_000} {
		var end kv.Key
		for _, i := range []int{0, 1, n / 2, n - 1} {
			if i >= n {
				continue
			}
			r := l.segment(0, i, n)
			if string(r.Start) > string(r.End) {
				t.Fatalf("segment %d of %d is %v to %v", i, n, r.Start, r.End)
			}
			if i > 0 && string(l.segment(0, i-1, n).End) != string(r.Start) {
				t.Fatalf("segments %d and %d of %d do not meet", i-1, i, n)
			}
			end = r.End
		}
		if string(end) != string(l.index(0).End) {
			t.Fatalf("the last of %d segments ends at %v", n, end)
		}
	}
}

func FuzzRecord(f *testing.F) {
	item := parseItem(f, `{"h":{"S":"a"},"r":{"N":"1"}}`)
	f.Add((&record{event: eventInsert, created: 1, key: item, after: item}).encode())
	f.Add((&record{event: eventRemove, expired: true, key: item, before: item, cause: causes.Cause{Request: "r", By: "b"}}).encode())
	f.Fuzz(func(t *testing.T, v []byte) {
		r, err := decodeRecord(v)
		if err != nil {
			return
		}
		again, err := decodeRecord(r.encode())
		if err != nil || again != r {
			t.Errorf("%x: read again: %v", v, err)
		}
	})
}
