package pebblekv

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/nube-run/nube/internal/kv/driver"
)

// counters knows the newest values of counters that were added to recently, so
// that an addition is a blind write of the sum.
//
// Pebble's merge operator would leave the sum to the readers, who would then
// walk over every addition since the last compaction: a counter that is added
// to ten thousand times a second could not be read any more.
type counters struct {
	values map[string]int64
	sums   []int64 // of the batch that was added up last
}

const maxCounters = 1024

// addUp sets c.sums to the results of the additions in ops, given what pb, not
// yet applied, says. Only additions can fail.
func (c *counters) addUp(e *Engine, pb *pebble.Batch, ops []driver.Op) error {
	c.sums = c.sums[:0]
	for i := range ops {
		if ops[i].Kind != driver.OpAdd {
			continue
		}
		n, err := c.value(e, pb, ops[i].Key)
		if err != nil {
			return fmt.Errorf("add to %v: %w", ops[i].Key, err)
		}
		c.sums = append(c.sums, n+ops[i].Delta)
	}
	if len(c.sums) == 0 {
		return nil
	}
	if c.values == nil || len(c.values) >= maxCounters {
		c.values = make(map[string]int64)
	}
	sums := c.sums
	for i := range ops {
		if ops[i].Kind == driver.OpAdd {
			c.values[string(ops[i].Key)] = sums[0]
			sums = sums[1:]
		}
	}
	return nil
}

// value returns the newest value of a counter.
func (c *counters) value(e *Engine, pb *pebble.Batch, k driver.Key) (int64, error) {
	if n, ok := c.values[string(k)]; ok {
		return n, nil
	}
	v, ok, err := pending(pb, k)
	if err == nil && !ok {
		v, err = e.read(e.db, k)
	}
	if err != nil {
		return 0, err
	}
	return driver.DecodeCounter(v)
}

// pending returns what pb makes of k, nil if it deletes it, and whether it
// touches k at all.
func pending(pb *pebble.Batch, k driver.Key) (v []byte, ok bool, err error) {
	for r := pb.Reader(); ; {
		kind, key, value, more, err := r.Next()
		if err != nil || !more {
			return v, ok, err
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			if bytes.Equal(key, k) {
				v, ok = append([]byte{}, value...), true
			}
		case pebble.InternalKeyKindDelete:
			if bytes.Equal(key, k) {
				v, ok = nil, true
			}
		case pebble.InternalKeyKindRangeDelete: // key to value
			if bytes.Compare(key, k) <= 0 && bytes.Compare(k, value) < 0 {
				v, ok = nil, true
			}
		}
	}
}

// forget drops what is known of k, which is written by other means.
func (c *counters) forget(k driver.Key) {
	if len(c.values) > 0 {
		delete(c.values, string(k))
	}
}

func (c *counters) forgetAll() { clear(c.values) }
