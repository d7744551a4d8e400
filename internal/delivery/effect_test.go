package delivery

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func fullRow() row {
	return row{
		attempts: 2, tries: 3,
		Effect: Effect{
			ID: "id", Kind: "invoke", Order: "order", Payload: []byte("payload"), LastError: "refused",
			Actor:     ActorRef{Account: "000000000000", ARN: "arn:aws:iam::000000000000:role/r", Service: "sns.amazonaws.com", UserID: "AROA:s"},
			SourceARN: "arn:aws:sns:us-east-1:000000000000:t",
			Cause:     record.Cause{Trace: record.TraceID{1, 2}, Span: record.SpanID{3}, Request: "req", By: "ana", Sampled: true},
			At:        1_700_000_000_000_000_000,
			Policy:    Policy{MaxAttempts: 3, MaxAge: 6 * time.Hour, Backoff: time.Second, MaxBackoff: time.Minute, DeadLetter: "arn:aws:sqs:us-east-1:000000000000:dlq"},
		},
	}
}

func TestRowEncoding(t *testing.T) {
	at := keyspace.NewStamp(7, 9)
	ofCommit, absolute := fullRow(), fullRow()
	ofCommit.kind, ofCommit.op, ofCommit.Payload = payloadOfCommit, 5, nil
	absolute.kind, absolute.payload, absolute.Payload = payloadAt, keyspace.NewStamp(7, 5), nil
	var out strings.Builder
	for _, test := range []struct{ in, want row }{
		{row{}, row{}},
		{fullRow(), fullRow()},
		{ofCommit, absolute}, // the same payload, by its full name
		{absolute, absolute},
	} {
		b := test.in.encode()
		fmt.Fprintf(&out, "%x\n", b)
		got, err := decodeRow(b, at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(row{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
		for n := range b {
			if _, err := decodeRow(b[:n], at); err == nil {
				t.Errorf("%d of %d bytes were taken for a row", n, len(b))
			}
		}
	}
	golden(t, "row.golden", out.String())
}

func FuzzDecodeRow(f *testing.F) {
	r := fullRow()
	f.Add(r.encode())
	r.kind, r.op = payloadOfCommit, 1
	f.Add(r.encode())
	f.Add([]byte{rowVersion})
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := decodeRow(in, kv.Stamp{1})
		if err != nil {
			return
		}
		again, err := decodeRow(r.encode(), kv.Stamp{1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, again, cmp.AllowUnexported(row{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row (-first +second):\n%s", diff)
		}
	})
}

func TestLayout(t *testing.T) {
	l := layoutOf(keyspace.Cell{Account: "000000000000", Region: "us-east-1"})
	s := keyspace.NewStamp(7, 9)
	const target = "arn:aws:lambda:us-east-1:000000000000:function:f"
	var out strings.Builder
	for _, k := range []kv.Key{
		l.effect(target, s), l.cursor(target), l.retry(target, 1_700_000_000, s), l.parked(target, "order", s),
		l.gone(target, s), l.payload(s), l.count(s),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	golden(t, "layout.golden", out.String())

	for _, p := range []place{
		{kind: rowEffect, target: target, stamp: s}, {kind: rowRetry, target: target, due: 5, stamp: s},
		{kind: rowParked, target: target, order: "o", stamp: s}, {kind: rowGone, target: target, stamp: s},
	} {
		got, err := l.place(l.key(p))
		if err != nil || got != p {
			t.Errorf("place(key(%+v)) = %+v, %v", p, got, err)
		}
	}
}

func TestPauseIsSeededByTheEffect(t *testing.T) {
	a, b := fullRow(), fullRow()
	b.ID = "other"
	a.tries, b.tries = 4, 4
	if first, second := a.pause(Outcome{}), a.pause(Outcome{}); first != second {
		t.Error("the same effect pauses differently")
	}
	if a.pause(Outcome{}) == b.pause(Outcome{}) {
		t.Error("two effects pause alike")
	}
	a.tries = 1000
	if d := a.pause(Outcome{}); d < time.Minute/2 || d > time.Minute {
		t.Errorf("after 1000 tries it pauses %v, want at most the maximum", d)
	}
	if d := a.pause(Outcome{After: 7}); d != 7 {
		t.Errorf("pause %v, want what the receiver said", d)
	}
}
