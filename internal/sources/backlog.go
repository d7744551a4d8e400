package sources

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// Backlog implements [work.Backlog]. It reads the store alone, and so says the
// truth also for mappings that another node runs.
func (e *Engine) Backlog(ctx context.Context, s *kv.Snap, now clock.Instant) (work.Status, error) {
	st := work.Status{Of: "event source mappings"}
	cells, err := timer.Cells(s, service)
	if err != nil {
		return st, err
	}
	for _, c := range cells {
		ms, err := e.List(s, c)
		if err != nil {
			return st, err
		}
		for _, m := range ms {
			if err := ctx.Err(); err != nil {
				return st, err
			}
			one := work.Status{}
			if err := e.addMapping(&one, s, m, now); err != nil {
				return st, fmt.Errorf("mapping %s: %w", m.ID, err)
			}
			if !one.Next.IsZero() {
				st.Waits = append(st.Waits, work.Wait{What: "what " + string(m.Source) + " has for " + string(m.Function), At: one.Next})
			}
			st.Ready, st.Next, st.Stuck = st.Ready+one.Ready, earliest(st.Next, one.Next), append(st.Stuck, one.Stuck...)
		}
	}
	return st, nil
}

// addMapping adds what one mapping has to do. What lies before a mapping that
// is switched off is no work.
func (e *Engine) addMapping(st *work.Status, s *kv.Snap, m *Mapping, now clock.Instant) error {
	if !m.Enabled {
		return nil
	}
	of, _ := e.Source(m.Source)
	if q, ok := of.(Queue); ok {
		return e.addQueue(st, s, q, m, now)
	}
	source, ok := of.(Stream)
	if !ok {
		return nil
	}
	shards, err := source.Shards(s, m.Source)
	if errors.Is(err, ErrNoSource) {
		return nil
	}
	if err != nil {
		return err
	}
	through := make(map[string]bool)
	for _, sh := range shards {
		if !ready(sh, shards, through) {
			continue
		}
		rows, err := e.rows(s, m, sh.ID)
		if err != nil {
			return err
		}
		through[sh.ID] = !slices.ContainsFunc(rows, func(r row) bool { return !r.End })
		for n := range rows {
			if err := addLane(st, s, source, m, sh.ID, &rows[n], n, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// addQueue adds what a queue has for one mapping. What becomes visible later will
// be handled then; what was refused is tried again when the row says so.
func (e *Engine) addQueue(st *work.Status, s *kv.Snap, q Queue, m *Mapping, now clock.Instant) error {
	p, err := q.Pending(s, m.Source, now)
	if errors.Is(err, ErrNoSource) {
		return nil
	}
	if err != nil {
		return err
	}
	var r row
	if b, err := s.Get(layoutOf(m.Cell).lane(m.ID, "", 0)); err != nil || b == nil {
		return err
	} else if r, err = decodeRow(b); err != nil {
		return err
	}
	switch {
	case p.Ready && r.Due > now:
		st.Next = earliest(st.Next, r.Due)
	case p.Ready:
		st.Ready++
	}
	st.Next = earliest(st.Next, p.Next)
	if d, err := q.Describe(s, m.Source); err != nil {
		return err
	} else if (p.Ready || p.Next != 0) && r.Attempts >= stuckAfter && !d.Redrive {
		st.Stuck = append(st.Stuck, work.Item{ID: m.ID + " " + m.Source.Resource(), Why: fmt.Sprintf("received %d times: %s", r.Attempts, r.Result)})
	}
	return nil
}

// rows returns the rows of a shard's lanes: of one that nobody has looked at
// yet that of one lane which has read nothing.
func (e *Engine) rows(s *kv.Snap, m *Mapping, shard string) ([]row, error) {
	var rows []row
	for p, err := range s.Scan(layoutOf(m.Cell).lanesOf(m.ID, shard), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		r, err := decodeRow(p.Value)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	if rows == nil {
		rows = []row{{Factor: 1}}
	}
	return rows, nil
}

// addLane adds what one lane has to do.
func addLane(st *work.Status, s *kv.Snap, source Stream, m *Mapping, shard string, r *row, n int, now clock.Instant) error {
	if r.End {
		return nil
	}
	if r.Tries >= stuckAfter {
		st.Stuck = append(st.Stuck, work.Item{ID: m.ID + " " + shard, Why: fmt.Sprintf("tried %d times: %s", r.Tries, r.Result)})
	}
	if r.Due > now {
		if st.Next.IsZero() || r.Due < st.Next {
			st.Next = r.Due
		}
		return nil
	}
	want := Want{Records: 1, Bytes: 1}
	if r.Factor > 1 {
		want.Keep = func(order []byte) bool { return laneOf(order, r.Factor) == n }
	}
	p, err := source.Fetch(s, m.Source, shard, r.Cursor, want)
	if err != nil {
		return err
	}
	end := r.windowEnd(m)
	switch {
	case len(p.Records) > 0 || p.End || r.retries() || !end.IsZero() && end <= now:
		st.Ready++
	case !end.IsZero() && (st.Next.IsZero() || end < st.Next):
		st.Next = end
	}
	return nil
}
