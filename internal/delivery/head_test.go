package delivery

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nube-run/nube/internal/keyspace"
)

func TestRowWithHead(t *testing.T) {
	r := fullRow()
	r.Head = []byte("head")
	b := r.encode()
	got, err := decodeRow(b, keyspace.NewStamp(7, 9))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got, cmp.AllowUnexported(row{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if got := string(r.whole()); got != "headpayload" {
		t.Errorf("the receiver sees %q", got)
	}
	for n := range b {
		if _, err := decodeRow(b[:n], keyspace.NewStamp(7, 9)); err == nil {
			t.Errorf("%d of %d bytes were taken for a row", n, len(b))
		}
	}
}

func TestRowWithIssuer(t *testing.T) {
	for _, head := range []string{"", "head"} {
		r := fullRow()
		r.Actor.Issuer = "arn:aws:iam::000000000000:role/path/r"
		if head != "" {
			r.Head = []byte(head)
		}
		b := r.encode()
		got, err := decodeRow(b, keyspace.NewStamp(7, 9))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got, cmp.AllowUnexported(row{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row (-want +got):\n%s", diff)
		}
		for n := range b {
			if _, err := decodeRow(b[:n], keyspace.NewStamp(7, 9)); err == nil {
				t.Errorf("%d of %d bytes were taken for a row", n, len(b))
			}
		}
	}
}

func TestMessage(t *testing.T) {
	m := Message{Group: "g", Dedup: "d", Attributes: map[string]MessageAttribute{"a": {Type: "String", Text: "x"}, "b": {Type: "Binary", Binary: []byte{0, 1}}}}
	head, err := m.Head()
	if err != nil || bytes.Count(head, []byte("\n")) != 1 {
		t.Fatalf("%q, %v", head, err)
	}
	m.Body = []byte("two\nlines")
	e := Effect{Kind: KindMessage, Head: head, Payload: m.Body}
	e.Payload = e.whole()
	got, err := e.Message()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&m, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err = (&Effect{Payload: []byte("body")}).Message(); err != nil || string(got.Body) != "body" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err = (&Effect{Kind: KindMessage, Payload: []byte("body")}).Message(); err == nil {
		t.Error("what is no message is one")
	}
}
