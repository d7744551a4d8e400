package cloud

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// The URL of a queue is that of today wherever it was put, and nothing else is
// touched.
func TestCurrent(t *testing.T) {
	a := &addresses{account: "000000000000", now: "http://127.0.0.1:4566", before: map[string]bool{"http://127.0.0.1:39305": true, "http://127.0.0.1:1": true}}
	for text, want := range map[string]string{
		"": "",
		"http://127.0.0.1:39305/000000000000/orders":                                   "http://127.0.0.1:4566/000000000000/orders",
		"http://127.0.0.1:4566/000000000000/orders":                                    "http://127.0.0.1:4566/000000000000/orders",
		"a=http://127.0.0.1:1/000000000000/a,b=http://127.0.0.1:39305/000000000000/b;": "a=http://127.0.0.1:4566/000000000000/a,b=http://127.0.0.1:4566/000000000000/b;",
		"http://127.0.0.1:39305/000000000000/a http://127.0.0.1:8080/000000000000/b":   "http://127.0.0.1:4566/000000000000/a http://127.0.0.1:8080/000000000000/b",

		"http://127.0.0.1:39306/000000000000/orders":            "http://127.0.0.1:39306/000000000000/orders",            // another cloud's
		"http://127.0.0.1:39305/111111111111/orders":            "http://127.0.0.1:39305/111111111111/orders",            // another account's
		"http://127.0.0.1:39305/users":                          "http://127.0.0.1:39305/users",                          // what has the port today
		"https://sqs.us-east-1.amazonaws.com/000000000000/name": "https://sqs.us-east-1.amazonaws.com/000000000000/name", // AWS's
		"/000000000000/orders":                                  "/000000000000/orders",
	} {
		if got := a.current(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// Where the endpoint has been is kept, each address once and the newest last, and not
// without bound.
func TestAddressesAreKept(t *testing.T) {
	db := kv.Open(memkv.New())
	t.Cleanup(func() { db.Close() })
	key := (&Cloud{opts: Options{Account: "000000000000"}}).addressesKey()
	at := func(port int) *addresses {
		t.Helper()
		a := &addresses{account: "000000000000", now: fmt.Sprintf("http://127.0.0.1:%d", port)}
		if err := a.note(t.Context(), db, key); err != nil {
			t.Fatal(err)
		}
		return a
	}
	kept := func() (text string) {
		t.Helper()
		if err := db.View(t.Context(), func(s *kv.Snap) error {
			v, err := s.Get(key)
			text = string(v)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got, want := fmt.Sprintf("%q", key), `"1/0/\"\"/\"nube\"/0/\"endpoints\""`; got != want {
		t.Errorf("the key is %s, want %s", got, want)
	}
	at(1)
	at(2)
	at(2)
	if diff := cmp.Diff(`["http://127.0.0.1:1","http://127.0.0.1:2"]`, kept()); diff != "" {
		t.Error(diff)
	}
	a := at(1)
	if got, want := a.current("http://127.0.0.1:2/000000000000/q"), "http://127.0.0.1:1/000000000000/q"; got != want {
		t.Errorf("back on the first port a URL of the second is %s, want %s", got, want)
	}
	if diff := cmp.Diff(`["http://127.0.0.1:2","http://127.0.0.1:1"]`, kept()); diff != "" {
		t.Error(diff)
	}
	for port := range mostAddresses {
		at(port + 3)
	}
	if a := at(5000); a.before["http://127.0.0.1:1"] || !a.before["http://127.0.0.1:1002"] {
		t.Error("not the last ones are kept")
	}
}
