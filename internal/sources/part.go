package sources

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// part is what runs a mapping or one part of it, as far as lanes of streams and
// consumers of queues are alike.
type part struct {
	k      *keeper
	m      *Mapping
	raw    string // the mapping's row
	filter filter
	key    laneKey

	alarm
	stopping atomic.Bool

	checked uint64 // the keeper's changes, when the mapping was found to be as it was
}

// runner is a part as its keeper sees it.
type runner interface {
	// begin runs it. Its token begins before the keeper sleeps.
	begin()
	// stop ends it once what is under way is done.
	stop()
	of() *part
}

func (p *part) of() *part { return p }

func (p *part) stop() {
	p.stopping.Store(true)
	p.sleeper.Wake()
}

// rowKey is the key of the part's row.
func (p *part) rowKey() kv.Key { return layoutOf(p.m.Cell).lane(p.m.ID, p.key.shard, p.key.n) }

// unchanged reports whether the mapping is still what the part runs. Once a
// change of it has been acknowledged no batch is handled as it was before: what
// is written after a mapping was switched off is not read.
func (p *part) unchanged(ctx context.Context) (bool, error) {
	now := p.k.changes.Load()
	if p.checked == now {
		return true, nil
	}
	var raw []byte
	err := p.k.e.o.DB.View(ctx, func(s *kv.Snap) (err error) {
		raw, err = s.Get(layoutOf(p.m.Cell).mapping(p.m.ID))
		return err
	})
	if err != nil {
		return false, err
	}
	if string(raw) != p.raw {
		p.stopping.Store(true)
		return false, nil
	}
	p.checked = now
	return true, nil
}

// readRow reads the row: the newest one, durable or not, so that what was done is
// not done again.
func (p *part) readRow(ctx context.Context) (r row, err error) {
	_, err = p.k.e.o.DB.Update(ctx, func(tx *kv.Tx) error {
		b, err := tx.Get(p.rowKey())
		if err != nil {
			return err
		}
		if b == nil {
			return errGone
		}
		r, err = decodeRow(b)
		return err
	})
	return r, err
}

// writeRow writes the row, if the part still has a right to it.
func (p *part) writeRow(tx *kv.Tx, r *row) error {
	if err := p.k.shard.Guard(tx); err != nil {
		return err
	}
	still, err := tx.Get(layoutOf(p.m.Cell).mapping(p.m.ID))
	if err != nil {
		return err
	}
	if still == nil {
		return errGone
	}
	tx.Set(p.rowKey(), r.encode())
	return nil
}

// problem says what an error is, to whoever looks at the mapping. One that is not
// in AWS's terms is for the log.
func (p *part) problem(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Message
	}
	p.k.e.o.Log.Error("event source mapping", "mapping", p.m.ID, "function", p.m.Function, "err", err)
	return "internal Lambda error."
}

// errGone says that the mapping does not exist any more.
var errGone = errors.New("sources: the mapping is gone")

// ends reports whether after an error there is nothing to go on with.
func ends(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, timer.ErrLost) || errors.Is(err, kv.ErrBroken) || errors.Is(err, kv.ErrClosed)
}
