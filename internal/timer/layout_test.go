package timer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

func TestLayout(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	recurring := oneShot(odd, "r", time.Hour)
	recurring.OneShot = false
	b.set(oneShot(here, "a", time.Second), recurring, oneShot(here, "due", 0))
	b.start()
	b.settled() // the one that is due has fired, so the shard is owned
	var out strings.Builder
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Prefix(kv.Key{keyspace.Format}), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s = %q\n", p.Key, p.Value)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "layout.golden")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}

func TestCells(t *testing.T) {
	b := newBed(t, openMem(t), stopped(start))
	b.set(oneShot(here, "a", 1), oneShot(there, "a", 1), oneShot(odd, "a", 1), oneShot(here, "b", 1))
	if _, err := b.db.Update(context.Background(), func(tx *kv.Tx) error {
		tx.Set(keyspace.Service(keyspace.Cell{Account: "000000000000", Region: "mars"}, "sqs", 0).Key().Done(), nil)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		got, err := timer.Cells(s, "timer")
		if err != nil {
			return err
		}
		if diff := cmp.Diff([]keyspace.Cell{odd, here, there}, got); diff != "" {
			t.Errorf("cells (-want +got):\n%s", diff)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
