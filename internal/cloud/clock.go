package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/work"
)

// modelClock moves the model clock and keeps its state in the store, so that the
// next start goes on where it was. It implements [control.Clock].
type modelClock struct {
	account string
	db      *kv.DB
	model   *clock.Model
	settler *work.Settler
	machine clock.Machine
	mu      sync.Mutex // one change at a time is made and kept
}

// clockKey is where the clock's state is kept, in the account's cell without a
// region.
func clockKey(account string) kv.Key {
	return keyspace.Service(keyspace.Cell{Account: account}, "nube", 0).Key().Str("clock").Done()
}

// recallClock is the model clock as the cloud left it, at first standing at an
// instant if one is given.
func recallClock(ctx context.Context, db *kv.DB, account string, first *clock.Instant) (*clock.Model, error) {
	var st clock.State
	kept := false
	err := db.View(ctx, func(s *kv.Snap) error {
		text, err := s.Get(clockKey(account))
		if kept = text != nil; err != nil || !kept {
			return err
		}
		return json.Unmarshal(text, &st)
	})
	if err == nil && !kept && first != nil {
		st = clock.State{Stopped: true, At: *first}
		err = (&modelClock{account: account, db: db}).keep(ctx, st)
	}
	if err != nil {
		return nil, fmt.Errorf("the clock's state: %w", err)
	}
	return clock.NewModel(st), nil
}

func (m *modelClock) keep(ctx context.Context, st clock.State) error {
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	_, err = m.db.Update(ctx, func(tx *kv.Tx) error {
		tx.Set(clockKey(m.account), text)
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping the clock's state: %w", err)
	}
	return nil
}

// Now implements [control.Clock].
func (m *modelClock) Now() (clock.Instant, bool) { return m.model.Now(), m.model.Stopped() }

// Stop implements [control.Clock].
func (m *modelClock) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.model.Stop()
	return m.keep(ctx, m.model.State())
}

// Run implements [control.Clock].
func (m *modelClock) Run(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.model.Stopped() {
		return nil
	}
	if err := m.intend(ctx, m.model.Now(), false); err != nil {
		return err
	}
	m.model.Run()
	return m.keep(ctx, m.model.State())
}

// Set implements [control.Clock].
func (m *modelClock) Set(ctx context.Context, to clock.Instant) error {
	if err := m.move(ctx, to); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keep(ctx, m.model.State())
}

// move sets the clock. That it is there is kept before anything can happen that
// is later than where it was: after a crash it must not be earlier than what is
// in the store.
func (m *modelClock) move(ctx context.Context, to clock.Instant) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to > m.model.Now() {
		if err := m.intend(ctx, to, m.model.Stopped()); err != nil {
			return err
		}
	}
	return m.model.Set(to)
}

// intend keeps the state that the clock is about to have.
func (m *modelClock) intend(ctx context.Context, to clock.Instant, stopped bool) error {
	st := m.model.State()
	st.At, st.Stopped, st.Offset = to, stopped, to.Sub(clock.At(m.machine.Now()))
	return m.keep(ctx, st)
}

// Advance implements [control.Clock].
func (m *modelClock) Advance(ctx context.Context, to clock.Instant) (work.Report, error) {
	report, err := m.settler.Advance(ctx, to)
	m.mu.Lock()
	defer m.mu.Unlock()
	if keepErr := m.keep(context.WithoutCancel(ctx), m.model.State()); err == nil {
		err = keepErr
	}
	return report, err
}
