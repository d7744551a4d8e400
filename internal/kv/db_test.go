package kv_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
)

func open(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestUpdateThenView(t *testing.T) {
	db, ctx := open(t), context.Background()
	stamp, err := db.Update(ctx, func(tx *kv.Tx) error {
		tx.Set(kv.Key("a"), []byte("1"))
		tx.Add(kv.Key("n"), 41)
		tx.Add(kv.Key("n"), 1)
		tx.Append(kv.Key("log/"), nil, []byte("first"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(ctx, func(s *kv.Snap) error {
		var got []string
		for p, err := range s.Scan(kv.Prefix(kv.Key("")), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%q=%q", string(p.Key), p.Value))
		}
		want := []string{
			`"a"="1"`,
			fmt.Sprintf(`"log/%s"="first"`, "\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00"),
			`"n"="\x00\x00\x00\x00\x00\x00\x00*"`,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("contents (-want +got):\n%s", d)
		}
		if s.Stamp() != stamp {
			t.Errorf("view at %v, want %v", s.Stamp(), stamp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBodyErrorCommitsNothing(t *testing.T) {
	db, ctx := open(t), context.Background()
	boom := errors.New("boom")
	_, err := db.Update(ctx, func(tx *kv.Tx) error {
		tx.Set(kv.Key("a"), []byte("1"))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("Update: %v, want the body's error", err)
	}
	db.View(ctx, func(s *kv.Snap) error {
		if v, err := s.Get(kv.Key("a")); v != nil || err != nil {
			t.Errorf("Get = %q, %v, want nothing", v, err)
		}
		return nil
	})
}
