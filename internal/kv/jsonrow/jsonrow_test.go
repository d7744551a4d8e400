package jsonrow_test

import (
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/kv/memkv"
)

type user struct{ Name string }

func TestRows(t *testing.T) {
	db := kv.Open(memkv.New())
	defer db.Close()
	space := keyspace.Of(keyspace.Cell{Account: "123456789012", Region: "us-east-1"}).Sub("test")
	ana, bad, none := space.Key().Str("ana").Done(), space.Key().Str("bad").Done(), space.Key().Str("none").Done()
	_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
		tx.Set(bad, []byte(`{"Name":`))
		return jsonrow.Set(tx, ana, user{"Ana"})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(t.Context(), func(sn *kv.Snap) error {
		var u user
		if ok, err := jsonrow.Get(sn, ana, &u); !ok || err != nil || u.Name != "Ana" {
			t.Errorf("a row: %v %v %+v", ok, err, u)
		}
		if ok, err := jsonrow.Get(sn, none, &u); ok || err != nil {
			t.Errorf("no row: %v %v", ok, err)
		}
		if ok, err := jsonrow.Get(sn, bad, &u); !ok || err == nil || !strings.Contains(err.Error(), bad.String()) {
			t.Errorf("a broken row: %v %v", ok, err)
		}
		if u, err := jsonrow.Load[user](sn, ana); err != nil || *u != (user{"Ana"}) {
			t.Errorf("a row loaded: %v %v", u, err)
		}
		if u, err := jsonrow.Load[user](sn, none); u != nil || err != nil {
			t.Errorf("no row loaded: %v %v", u, err)
		}
		if u, err := jsonrow.Load[user](sn, bad); u != nil || err == nil {
			t.Errorf("a broken row loaded: %v %v", u, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Update(t.Context(), func(tx *kv.Tx) error { return jsonrow.Set(tx, ana, func() {}) })
	if err == nil || !strings.Contains(err.Error(), ana.String()) {
		t.Errorf("what is no JSON is written: %v", err)
	}
}
