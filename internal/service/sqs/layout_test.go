package sqs

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// golden is one of each message, with all that a message can have.
func golden() *message {
	return &message{
		id: "6b5a4d2e-0000-4000-8000-000000000000", sent: 1_700_000_000_000, lane: delayed, after: 1_700_000_001_000, sender: "123456789012", group: "g", dedup: "d",
		source: "arn:q", trace: "Root=1", cause: record.Cause{Request: "r", By: "b", Sampled: true},
		attributes: []attribute{{name: "a", kind: "String", text: "x"}, {name: "b", kind: "Binary", binary: []byte{0, 1}}}, body: "body",
	}
}

func goldenReceipt() receipt {
	return receipt{until: 1_700_000_030_000, count: 2, first: 1_700_000_000_000, received: 1_700_000_000_500, nonce: 7}
}

// TestLayout holds keys and rows to what is written down: stores of today are opened
// by the programs of tomorrow.
func TestLayout(t *testing.T) {
	cell := keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}
	cat, sp := catalogOf(cell), spaceOf(cell, 7)
	at := millis(1_700_000_000_000)
	stamp := keyspace.NewStamp(9, 2)
	var out strings.Builder
	for _, k := range []keyspace.Key{
		cat.queue("q"), cat.next(), cat.due(at, "q"), cat.move(at, "task"), sp.body(stamp), sp.state(stamp), sp.entry("g", stamp), sp.alive("g"), sp.group("g"),
		sp.indexed(plain, at, stamp), sp.grouped(held, at, "g"), sp.cursor(delayed), sp.dedupPrefix(at, "g", "id"), sp.attempt(at, "id"), sp.count(), sp.sweep(), sp.dataKey(), sp.topic(),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	created := clock.Unix(1_700_000_000, 0)
	for _, row := range []any{
		row{ID: 7, Created: created, Modified: created, Purged: created, Attributes: map[string]string{"DelaySeconds": "1"}, Tags: map[string]string{"k": "v"}},
		move{Task: "t", Source: "s", Destination: "d", Rate: 1, Status: running, Started: at, Moved: 1, ToMove: 2, Failure: "f"},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	st := state{lane: held, receipt: goldenReceipt()}
	g := group{lane: plain, at: at, last: stamp, entries: []entry{{stamp, goldenReceipt()}}}
	q := &queue{name: name{queue: "q.fifo"}, row: row{ID: 7}, settings: settings{fifo: true}}
	fmt.Fprintf(&out, "message %x\nstate %x\ngroup %x\nhandle %s\n", q.encode(golden()), st.encode(), g.encode(),
		q.handle(&taken{message: golden(), stamp: stamp, receipt: goldenReceipt()}))
	const path = "testdata/layout.golden"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add((&queue{}).encode(golden()))
	f.Add([]byte{messageVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMessage(b)
		if err != nil {
			return
		}
		again, err := decodeMessage((&queue{}).encode(m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again, cmp.AllowUnexported(message{}, attribute{})); diff != "" {
			t.Errorf("it is read as another (-first +second):\n%s", diff)
		}
	})
}

func FuzzGroup(f *testing.F) {
	f.Add((&group{lane: plain, at: 1, entries: []entry{{kv.Stamp{1}, goldenReceipt()}}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := decodeGroup(b, "g")
		if err != nil {
			return
		}
		again, err := decodeGroup(g.encode(), "g")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g, again, cmp.AllowUnexported(group{}, entry{}, receipt{})); diff != "" {
			t.Errorf("it is read as another (-first +second):\n%s", diff)
		}
	})
}

func FuzzHandle(f *testing.F) {
	q := &queue{name: name{queue: "q"}, row: row{ID: 7}}
	f.Add(q.handle(&taken{message: golden(), stamp: keyspace.NewStamp(9, 2), receipt: goldenReceipt()}))
	f.Add("AQ==")
	f.Fuzz(func(t *testing.T, text string) { parseHandle(text) })
}

func FuzzRedrive(f *testing.F) {
	f.Add(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:q","maxReceiveCount":"5"}`)
	f.Add(`{"deadLetterTargetArn":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := parseRedrive(text); err == nil && p != nil && (p.Max < 1 || p.Max > 1000) {
			t.Errorf("%+v", p)
		}
	})
}

// Digests as Amazon SQS's documentation has clients compute them, by hand: length
// and bytes of name, type, one byte for the transport, length and bytes of the value.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func TestDigestOfAttributes(t *testing.T) {
	for _, test := range []struct {
		attributes []attribute
		want       string
	}{
		// These digests are what botocore's and the Java SDK's test suites have for
		// the same attributes.
		{[]attribute{{name: "timestamp", kind: "Number", text: "1493147359900"}}, "235c5c510d26fb653d073faed50ae77c"},
		{nil, ""},
	} {
		got := md5OfAttributes(test.attributes)
		if got == nil {
			if test.want != "" {
				t.Errorf("%v: none, want %s", test.attributes, test.want)
			}
			continue
		}
		if *got != test.want {
			t.Errorf("%v: %s, want %s", test.attributes, *got, test.want)
		}
	}
}

func TestTally(t *testing.T) {
	var c tally
	c.add(10, 2)
	c.add(5, 1)
	c.add(20, 1)
	c.add(10, -1)
	c.add(7, -1) // not counted
	for at, want := range map[millis]int{4: 3} {
		if got := c.now(at); got != want {
			t.Errorf("at %d: %d, want %d", at, got, want)
		}
	}
	for _, step := range []struct {
		at   millis
		want int
	}{{5, 2}, {10, 1}, {19, 1}, {20, 0}} {
		if got := c.now(step.at); got != step.want {
			t.Errorf("at %d: %d, want %d", step.at, got, step.want)
		}
	}
}
