// Package kvtest is the conformance suite of package kv's engines, and their
// benchmarks.
//
// It runs through package kv, so that what passes is the pair of them. The
// heart is random histories: transactions of many goroutines that note what
// they read. The stamps give the order in which they claim to have run, so the
// check is exact: run one after another on a model, every one must read what it
// noted. Power losses and dying disks are checked the same way, on the history
// that is found afterwards.
//
// Seeds are printed as names of subtests. NUBE_SEEDS sets how many are run, and
// NUBE_SEED the first.
package kvtest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
)

// Open makes an engine that is empty.
type Open func(testing.TB) driver.Engine

// Run tests the engines that open makes.
func Run(t *testing.T, open Open) {
	t.Run("Semantics", func(t *testing.T) { testSemantics(t, open) })
	t.Run("Conflicts", func(t *testing.T) { testConflicts(t, open) })
	t.Run("Limits", func(t *testing.T) { testLimits(t, open) })
	t.Run("Watches", func(t *testing.T) { testWatches(t, open) })
	t.Run("Anomalies", func(t *testing.T) { testAnomalies(t, open) })
	t.Run("Histories", func(t *testing.T) {
		eachSeed(t, 3, func(t *testing.T, seed uint64) {
			h := newHistory(openDB(t, open), seed, nil)
			h.run(8, 60)
			h.check(t)
		})
	})
}

// eachSeed runs fn with n seeds, or as many as the environment says.
func eachSeed(t *testing.T, n int, fn func(t *testing.T, seed uint64)) {
	first := uint64(1)
	for name, set := range map[string]func(uint64){
		"NUBE_SEEDS": func(v uint64) { n = int(v) },
		"NUBE_SEED":  func(v uint64) { first = v },
	} {
		if s := os.Getenv(name); s != "" {
			v, err := strconv.ParseUint(s, 10, 32)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(v)
		}
	}
	for seed := first; seed < first+uint64(n); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { fn(t, seed) })
	}
}

func openDB(t testing.TB, open Open) *kv.DB {
	db := kv.Open(open(t))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

// update runs a body that must commit.
func update(t testing.TB, db *kv.DB, fn func(*kv.Tx) error, o ...kv.Option) kv.Stamp {
	t.Helper()
	s, err := db.Update(context.Background(), fn, o...)
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	return s
}

// set commits one value.
func set(t testing.TB, db *kv.DB, k, v string) kv.Stamp {
	t.Helper()
	return update(t, db, func(tx *kv.Tx) error { tx.Set(kv.Key(k), []byte(v)); return nil })
}

// dump returns all durable pairs.
func dump(t testing.TB, db *kv.DB) model {
	t.Helper()
	m := model{}
	err := db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Prefix(nil), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			m[string(p.Key)] = string(p.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	return m
}
