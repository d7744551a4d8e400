package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// watcher knows when which alarm is to be evaluated: a [timer.Index] that is in
// memory alone, made of the alarms' rows when it is first asked.
type watcher struct {
	s    *Service
	wake func(kv.Stamp)

	mu     sync.Mutex
	loaded bool
	alarms map[alarmKey]clock.Instant // when each is due; zero for one that waits for others
}

type alarmKey struct {
	cell keyspace.Cell
	name string
}

func newWatcher(s *Service) *watcher {
	w := &watcher{s: s, alarms: make(map[alarmKey]clock.Instant)}
	w.wake = s.Timers.Register("alarms", w)
	return w
}

// changed takes note of an alarm that was put, or, with nil, deleted: which is found
// out when it is due, so that the order of two changes does not matter.
func (w *watcher) changed(c keyspace.Cell, name string, row *alarmRow) {
	w.mu.Lock()
	if !w.loaded {
		w.mu.Unlock()
		return
	}
	due := w.s.Clock.Now()
	if row != nil {
		due = row.due(due)
	}
	k := alarmKey{c, name}
	if old, ok := w.alarms[k]; !ok || row == nil || old.IsZero() || row.Composite != nil || due < old {
		w.alarms[k] = due
	}
	w.mu.Unlock()
	w.wake(kv.Stamp{})
}

// due is when an alarm is evaluated next; zero for never.
func (r *alarmRow) due(now clock.Instant) clock.Instant {
	if r.Metric != nil {
		tick := r.Metric.tick()
		return floor(now, tick).Add(tick)
	}
	return r.Composite.due()
}

// NextDue implements [timer.Index].
func (w *watcher) NextDue(_ context.Context, s *kv.Snap) (timer.Due, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.loaded {
		if err := w.load(s); err != nil {
			return timer.Due{}, err
		}
	}
	var next clock.Instant
	for _, due := range w.alarms {
		if !due.IsZero() && (next.IsZero() || due < next) {
			next = due
		}
	}
	return timer.Due{Recurring: next}, nil
}

func (w *watcher) load(s *kv.Snap) error {
	cells, err := timer.Cells(s, "cloudwatch")
	if err != nil {
		return err
	}
	now := w.s.Clock.Now()
	for _, c := range cells {
		sp := spaceOf(c)
		for p, err := range s.Scan(sp.alarms(), kv.ScanOptions{}) {
			if err != nil {
				return fmt.Errorf("alarms: %w", err)
			}
			name, row, err := sp.read(p)
			if err != nil {
				return err
			}
			k := alarmKey{c, name}
			w.alarms[k] = row.due(now)
			if row.Composite != nil {
				w.alarms[k] = now // the cloud may have gone down before it followed others
			}
		}
	}
	w.loaded = true
	return nil
}

// Fire implements [timer.Index]. An alarm that cannot be evaluated holds up no
// other.
func (w *watcher) Fire(ctx context.Context, shard *timer.Shard, now clock.Instant) error {
	w.mu.Lock()
	var due []alarmKey
	for k, t := range w.alarms {
		if !t.IsZero() && t <= now {
			due = append(due, k)
		}
	}
	w.mu.Unlock()
	var errs []error
	moved := make(map[keyspace.Cell]bool)
	for _, k := range due {
		did, err := w.s.look(ctx, shard, k, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("alarm %s: %w", k.name, err))
		} else if did {
			moved[k.cell] = true
		}
	}
	for c := range moved {
		errs = append(errs, w.s.ripple(ctx, c, now))
	}
	return errors.Join(errs...)
}

// next notes when an alarm is due again, or that it is gone.
func (w *watcher) next(k alarmKey, row *alarmRow, now clock.Instant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if row == nil {
		delete(w.alarms, k)
		return
	}
	w.alarms[k] = row.due(now)
}

// again has the composite alarms of a cell evaluated that wait for others: they
// could not follow these at once.
func (w *watcher) again(c keyspace.Cell, now clock.Instant) {
	w.mu.Lock()
	for k, due := range w.alarms {
		if k.cell == c && due.IsZero() {
			w.alarms[k] = now
		}
	}
	w.mu.Unlock()
	w.wake(kv.Stamp{})
}

// look evaluates one alarm, and reports whether its state has changed.
func (s *Service) look(ctx context.Context, shard *timer.Shard, k alarmKey, now clock.Instant) (bool, error) {
	sp := spaceOf(k.cell)
	var row alarmRow
	var found bool
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		row = alarmRow{}
		found, err = jsonrow.Get(snap, sp.alarm(k.name), &row)
		return err
	})
	if err != nil {
		return false, err
	}
	if !found {
		s.watcher.next(k, nil, now)
		return false, nil
	}
	if row.Composite != nil {
		s.watcher.next(k, &row, now)
		return true, nil // ripple looks at it
	}
	v, err := s.evaluate(ctx, k.cell, &row, now)
	if f, coded := fault.As(err); coded {
		// The expression cannot be evaluated, and will not be by trying again.
		v, err = verdict{state: stateInsufficient, reason: f.Message}, nil
		if row.State == v.state && row.Reason == v.reason {
			v = verdict{}
		}
	}
	if err != nil {
		return false, err
	}
	if v.state != "" {
		_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
			if err := shard.Guard(tx); err != nil {
				return err
			}
			var is alarmRow
			found, err := jsonrow.Get(tx, sp.alarm(k.name), &is)
			if err != nil || !found || is.Metric == nil || is.Configured != row.Configured {
				return err // it is evaluated anew
			}
			if err := s.move(tx, k.cell, k.name, &is, v, now); err != nil {
				return err
			}
			return jsonrow.Set(tx, sp.alarm(k.name), &is)
		})
		if err != nil {
			return false, err
		}
	}
	s.watcher.next(k, &row, now)
	return v.state != "", nil
}

// seconds is a number of them as a duration.
func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
