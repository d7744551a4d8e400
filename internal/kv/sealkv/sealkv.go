// Package sealkv is an engine in front of another one that seals values on their
// way down and opens them on their way up: encryption at rest, of which what
// stands above knows nothing.
//
// It does not have keys (a [Sealer] has), and it does not hide keys of the map,
// nor how long values are. Values that a [Rule] does not name, and such as are
// shorter than 16 bytes, counters among them, lie as they are.
//
// # Sealed value
//
//	1 byte    mark, 0xf5
//	2 bytes   where in its key the stamp begins that an append has got, big
//	          endian; 0xffff in one that was set
//	…         envelope of package seal
//
// It is bound to its key, but for the stamp, which is not known when it is sealed:
// what is moved to another key does not open.
//
// Invariants: what begins with the mark and is long enough is a sealed value, and
// everything else is not, so that a store that was not sealed is read, and gets
// sealed as it is written; a value that the rule names is sealed, or not written.
//
// History: version 1, this one.
package sealkv

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/kv/driver"
)

const (
	mark     = 0xf5
	headSize = 3
	wasSet   = 0xffff // in the place of where a stamp begins
	// shortest is the length below which values lie as they are.
	shortest = 16
	// smallest is shorter than any sealed value is, and longer than any that is
	// not sealed because it is short.
	smallest = 32
	stamp    = len(driver.Stamp{})
)

// Sealer seals and opens. What it seals opens only together with the same
// associated data.
type Sealer interface {
	// Ready sees to it that there is a key. It may commit: it is called before
	// anything holds a commit back.
	Ready(ctx context.Context) error
	AppendSealed(ctx context.Context, dst, text, associated []byte) ([]byte, error)
	Open(ctx context.Context, envelope, associated []byte) ([]byte, error)
}

// Rule says of which keys the values are sealed.
type Rule func(k driver.Key) bool

// Engine is an engine that seals.
type Engine struct {
	driver.Engine
	sealer Sealer
	sealed Rule
	opened opened
}

// New returns an engine that seals the values of another one. A nil rule seals
// nothing, and opens what was sealed.
func New(e driver.Engine, s Sealer, sealed Rule) *Engine {
	if sealed == nil {
		sealed = func(driver.Key) bool { return false }
	}
	return &Engine{Engine: e, sealer: s, sealed: sealed}
}

// rawKey is the key of a context in which values are read as they lie.
type rawKey struct{}

// Raw returns a context in which values are read as they lie: to take them
// elsewhere.
func Raw(ctx context.Context) context.Context { return context.WithValue(ctx, rawKey{}, true) }

// Snapshot implements [driver.Engine].
func (e *Engine) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	if f == driver.Exclusive {
		// The commit that follows holds all others back, that of a new key too.
		if err := e.sealer.Ready(ctx); err != nil {
			return nil, err
		}
	}
	s, err := e.Engine.Snapshot(ctx, f)
	if err != nil {
		return nil, err
	}
	if raw, _ := ctx.Value(rawKey{}).(bool); raw {
		return s, nil
	}
	return &snapshot{s, e}, nil
}

// Commit implements [driver.Engine].
func (e *Engine) Commit(ctx context.Context, bs []*driver.Batch) []driver.Result {
	var failed []driver.Result
	down := make([]*driver.Batch, 0, len(bs))
	for i, b := range bs {
		c, err := e.seal(ctx, b)
		if err != nil {
			if failed == nil {
				failed = make([]driver.Result, len(bs))
			}
			failed[i].Err = fmt.Errorf("sealing: %w", err)
			continue
		}
		down = append(down, c)
	}
	done := e.Engine.Commit(ctx, down)
	if failed == nil {
		return done
	}
	for i := range failed {
		if failed[i].Err == nil {
			failed[i], done = done[0], done[1:]
		}
	}
	return failed
}

// seal returns the batch with its values sealed.
func (e *Engine) seal(ctx context.Context, b *driver.Batch) (*driver.Batch, error) {
	out := b
	for i := range b.Ops {
		op := &b.Ops[i]
		if op.Kind != driver.OpSet && op.Kind != driver.OpAppend || len(op.Value) < shortest || !e.sealed(op.Key) {
			continue
		}
		if out == b {
			if !b.Exclusive {
				if err := e.sealer.Ready(ctx); err != nil {
					return nil, err
				}
			}
			c := *b
			c.Ops = append([]driver.Op(nil), b.Ops...)
			out = &c
		}
		at := wasSet
		if op.Kind == driver.OpAppend {
			at = len(op.Key)
		}
		v := binary.BigEndian.AppendUint16([]byte{mark}, uint16(at))
		v, err := e.sealer.AppendSealed(ctx, v, op.Value, associated(at, op.Key, op.Suffix))
		if err != nil {
			return nil, err
		}
		out.Ops[i].Value = v
	}
	return out, nil
}

// associated is what a value is bound to.
func associated(at int, key, suffix driver.Key) []byte {
	out := make([]byte, 0, 2+len(key)+len(suffix))
	out = binary.BigEndian.AppendUint16(out, uint16(at))
	return append(append(out, key...), suffix...)
}

// open returns a value as it was before it was sealed.
func open(ctx context.Context, s Sealer, k driver.Key, v []byte) ([]byte, error) {
	if len(v) < smallest || v[0] != mark {
		return v, nil
	}
	at := int(binary.BigEndian.Uint16(v[1:]))
	key, suffix := k, driver.Key(nil)
	if at != wasSet {
		if at+stamp > len(k) {
			return nil, fmt.Errorf("the sealed value of %s: its key is too short", k)
		}
		key, suffix = k[:at], k[at+stamp:]
	}
	text, err := s.Open(ctx, v[headSize:], associated(at, key, suffix))
	if err != nil {
		return nil, fmt.Errorf("the sealed value of %s: %w", k, err)
	}
	return text, nil
}

// snapshot opens what it reads.
type snapshot struct {
	driver.Snapshot
	of *Engine
}

// Get implements [driver.Snapshot].
func (s *snapshot) Get(ctx context.Context, k driver.Key) ([]byte, error) {
	v, err := s.Snapshot.Get(ctx, k)
	if err != nil {
		return nil, err
	}
	return s.of.opened.open(ctx, s.of.sealer, k, v)
}

// GetAll implements [driver.Snapshot].
func (s *snapshot) GetAll(ctx context.Context, ks []driver.Key, vs [][]byte) error {
	if err := s.Snapshot.GetAll(ctx, ks, vs); err != nil {
		return err
	}
	for i, k := range ks {
		var err error
		if vs[i], err = open(ctx, s.of.sealer, k, vs[i]); err != nil {
			return err
		}
	}
	return nil
}

// Scan implements [driver.Snapshot].
func (s *snapshot) Scan(ctx context.Context, r driver.Range, o driver.ScanOptions, yield func(driver.Pair) bool) error {
	var failed error
	err := s.Snapshot.Scan(ctx, r, o, func(p driver.Pair) bool {
		if p.Value, failed = open(ctx, s.of.sealer, p.Key, p.Value); failed != nil {
			return false
		}
		return yield(p)
	})
	if err != nil {
		return err
	}
	return failed
}
