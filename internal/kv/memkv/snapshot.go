package memkv

import (
	"bytes"
	"context"
	"sync"

	"github.com/tidwall/btree"

	"github.com/nube-run/nube/internal/kv/driver"
)

// snapshot is a tree that nobody writes. The garbage collector closes it.
type snapshot struct {
	tree    *btree.BTreeG[*item]
	version uint64
}

func (s *snapshot) Version() uint64 { return s.version }

func (s *snapshot) Close() {}

func (s *snapshot) Get(_ context.Context, k driver.Key) ([]byte, error) {
	if it, ok := s.tree.Get(&item{key: k}); ok {
		return it.value, nil
	}
	return nil, nil
}

func (s *snapshot) GetAll(ctx context.Context, ks []driver.Key, vs [][]byte) error {
	for i, k := range ks {
		vs[i], _ = s.Get(ctx, k)
	}
	return nil
}

func (s *snapshot) Scan(ctx context.Context, r driver.Range, o driver.ScanOptions, yield func(driver.Pair) bool) error {
	n := 0
	visit := func(it *item) bool {
		p := driver.Pair{Key: it.key}
		if !o.KeysOnly {
			p.Value = it.value
		}
		n++
		return yield(p) && n != o.Limit
	}
	if o.Reverse {
		s.tree.Descend(&item{key: r.End}, func(it *item) bool {
			if bytes.Equal(it.key, r.End) {
				return true
			}
			return bytes.Compare(it.key, r.Start) >= 0 && visit(it)
		})
		return ctx.Err()
	}
	s.tree.Ascend(&item{key: r.Start}, func(it *item) bool {
		return bytes.Compare(it.key, r.End) < 0 && visit(it)
	})
	return ctx.Err()
}

// exclusive is a snapshot that holds the commit lock.
type exclusive struct {
	*snapshot
	mu *sync.Mutex
}

func (s *exclusive) Close() { s.mu.Unlock() }
