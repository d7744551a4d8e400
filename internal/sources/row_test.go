package sources

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

var update = flag.Bool("update", false, "write the golden files")

func fullRow() row {
	return row{
		Factor: 2, Cursor: "\x00\xffc", End: true, Skip: []done{{[]Cursor{"a", "b"}}, {[]Cursor{"c"}}}, Ends: []Cursor{"d", "e"},
		Attempts: 3, Tries: 300, Due: 1_700_000_000_000_000_000, Result: resultFailed, Request: "id", Version: "$LATEST",
	}
}

// The keys and rows lie on disks: a change here is a change of the store's
// format, and needs a line in its history.
func TestLayoutGolden(t *testing.T) {
	l := layoutOf(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"})
	var b strings.Builder
	fmt.Fprintf(&b, "mapping %s\n%x\n", l.mapping("id"), []byte(l.mapping("id")))
	fmt.Fprintf(&b, "lane %s\n%x\n", l.lane("id", "shard", 3), []byte(l.lane("id", "shard", 3)))
	full := fullRow()
	windowed := full
	windowed.Opened, windowed.State, windowed.Early, windowed.Closing = 1_700_000_000_000_000_000, []byte(`{"n":1}`), true, true
	for _, r := range []row{{}, full, windowed} {
		fmt.Fprintf(&b, "row %x\n", r.encode())
	}
	m := &Mapping{
		ID: "id", Source: "arn:s", Function: "arn:f", Start: Position{AtTimestamp, 5}, Enabled: true, BatchSize: 100, Window: time.Second, Factor: 2, Tumbling: time.Minute,
		Filters: []string{"{}"}, Partial: true, Bisect: true, MaxRetries: -1, MaxAge: time.Minute, OnFailure: "arn:q", Modified: clock.Unix(7, 0),
		Tags: map[string]string{"a": "b"},
	}
	raw, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "mapping %s\n", raw)
	const golden = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	if got, err := decodeRow(full.encode()); err != nil || !cmp.Equal(full, got, cmpopts.EquateEmpty()) {
		t.Errorf("row %v: %s", err, cmp.Diff(full, got))
	}
	if got, err := decodeRow(windowed.encode()); err != nil || !cmp.Equal(windowed, got, cmpopts.EquateEmpty()) {
		t.Errorf("row %v: %s", err, cmp.Diff(windowed, got))
	}
	if shard, n, err := l.decodeLane(l.lane("id", "shard", 3)); shard != "shard" || n != 3 || err != nil {
		t.Errorf("lane %q %d %v", shard, n, err)
	}
}

// Whatever bytes a row is read from, it is refused, or written as it was.
func FuzzRow(f *testing.F) {
	full := fullRow()
	f.Add(full.encode())
	f.Add((&row{}).encode())
	full.Opened, full.State, full.Closing = 5, []byte("{}"), true
	f.Add(full.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRow(b)
		if err != nil {
			return
		}
		again, err := decodeRow(r.encode())
		if err != nil || !cmp.Equal(r, again) {
			t.Errorf("%x: %v: %s", b, err, cmp.Diff(r, again))
		}
	})
}

// A report names records, or it is none; it never makes a record done that it
// names.
func FuzzReport(f *testing.F) {
	for _, s := range []string{`null`, `{}`, `{"batchItemFailures":[{"itemIdentifier":"s1"}]}`, `{"batchItemFailures":[{"itemIdentifier":null}]}`, `"x"`} {
		f.Add([]byte(s))
	}
	records := []Record{{Sequence: "s0"}, {Sequence: "s1"}, {Sequence: "s2"}}
	f.Fuzz(func(t *testing.T, answer []byte) {
		first := firstFailed(answer, records)
		if first < -1 || first >= len(records) {
			t.Fatalf("%q: record %d", answer, first)
		}
		ids, ok := reported(answer)
		if !ok && first != 0 {
			t.Fatalf("%q is no report, and record %d is the first that failed", answer, first)
		}
		for _, id := range ids {
			for i := range records {
				if records[i].Sequence == id && (first < 0 || first > i) {
					t.Fatalf("%q: %s has failed, and counts as done", answer, id)
				}
			}
		}
	})
}

// A pause doubles up to a minute.
func TestPause(t *testing.T) {
	var b bytes.Buffer
	for n := range 10 {
		fmt.Fprint(&b, pause(n+1), " ")
	}
	if got := b.String(); got != "1s 2s 4s 8s 16s 32s 1m0s 1m0s 1m0s 1m0s " {
		t.Error(got)
	}
}
