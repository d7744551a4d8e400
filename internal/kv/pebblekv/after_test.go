package pebblekv

import (
	"context"
	"testing"

	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/kv"
)

// An engine that is told of stamps from elsewhere never gives one that is not
// above them, also after a restart.
func TestAfter(t *testing.T) {
	fs := disk.Mem()
	last := uint64(0)
	for _, after := range []uint64{5 << 20, 0, 0, 9 << 20} {
		e, err := Open("store", Options{FS: fs, After: after})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(e)
		stamp, err := db.Update(context.Background(), func(tx *kv.Tx) error { tx.Set(kv.Key("k"), nil); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if v := stamp.Version(); v <= last || v <= after {
			t.Errorf("version %d after %d, asked for more than %d", v, last, after)
		}
		last = stamp.Version()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
