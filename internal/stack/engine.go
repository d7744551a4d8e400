package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/work"
)

// Options are what an engine works with. All but Parallel and NewID are
// required.
type Options struct {
	DB     *kv.DB
	Types  Types
	Model  *clock.Model
	Ledger *work.Ledger
	Log    *slog.Logger

	// Dynamic reads what a dynamic reference stands for, with the rights of the
	// actor in ctx: {{resolve:service:what}}. Nil knows none.
	Dynamic func(ctx context.Context, service, what string) (string, error)

	// Current is what an output or an exported value means today where it names
	// the platform as it was reached when it was made; nil for no change.
	Current func(value string) string

	// Parallel is how many resources of a stack are worked on at the same
	// time; zero means 8.
	Parallel int
	// NewID makes ids of stacks, change sets and runners; nil means random
	// ones.
	NewID func() [16]byte
}

// Engine creates, updates and deletes stacks. Its methods are safe for
// concurrent use.
type Engine struct {
	db       *kv.DB
	types    Types
	model    *clock.Model
	machine  clock.Machine
	ledger   *work.Ledger
	log      *slog.Logger
	parallel int
	newID    func() [16]byte
	dynamic  func(ctx context.Context, service, what string) (string, error)
	current  func(value string) string

	base context.Context // of the runners
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	runs map[string]*run // under way here, by stack id; guarded by mu
}

// New returns an engine. It does nothing until it is asked to; call
// [Engine.Start] to go on with what a crash interrupted.
func New(o Options) *Engine {
	e := &Engine{
		db: o.DB, types: o.Types, model: o.Model, ledger: o.Ledger, log: o.Log,
		parallel: o.Parallel, newID: o.NewID, dynamic: o.Dynamic, current: o.Current, runs: map[string]*run{},
	}
	if e.current == nil {
		e.current = func(value string) string { return value }
	}
	if e.parallel == 0 {
		e.parallel = 8
	}
	if e.newID == nil {
		e.newID = func() (id [16]byte) {
			rand.Read(id[:]) // never fails: crypto/rand
			id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
			return id
		}
	}
	e.base, e.stop = context.WithCancel(context.Background())
	return e
}

// Types returns the resource types that stacks can have.
func (e *Engine) Types() Types { return e.types }

// Start goes on with the operations that were under way when the process
// ended. It returns when they are running.
func (e *Engine) Start(ctx context.Context) error {
	type found struct {
		l  layout
		id string
	}
	var open []found
	err := e.db.View(ctx, func(s *kv.Snap) error {
		cs, err := cells(s)
		if err != nil {
			return err
		}
		for _, c := range cs {
			l := layoutOf(c)
			for p, err := range s.Scan(l.prefix("active"), kv.ScanOptions{KeysOnly: true}) {
				if err != nil {
					return err
				}
				id, err := lastOf(l, p.Key)
				if err != nil {
					return err
				}
				open = append(open, found{l, id})
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for stack operations under way: %w", err)
	}
	for _, f := range open {
		if err := e.resume(ctx, f.l, f.id); err != nil {
			return fmt.Errorf("resume the operation on stack %s: %w", f.id, err)
		}
	}
	return nil
}

// resume takes over an operation: the new fence stops whoever ran it.
func (e *Engine) resume(ctx context.Context, l layout, id string) error {
	token := e.ledger.Begin(work.Stack, id)
	fence := uuid(e.newID())
	live := false
	_, err := e.db.Update(ctx, func(tx *kv.Tx) error {
		op, ok, err := get[operation](tx, l.op(id))
		if live = ok; err != nil || !ok {
			return err
		}
		op.Fence = fence
		write(tx, put(l.op(id), op))
		return nil
	})
	if err != nil || !live {
		token.End()
		return err
	}
	e.launch(l, id, fence, nil, token)
	return nil
}

// launch runs an operation that is recorded. m is its compiled template, or nil
// to compile it from what is stored.
func (e *Engine) launch(l layout, id, fence string, m *model, token work.Token) {
	r := &run{e: e, l: l, id: id, fence: fence, m: m, cancelled: make(chan struct{})}
	e.mu.Lock()
	e.runs[id] = r
	e.mu.Unlock()
	e.done.Go(func() {
		defer token.End()
		defer e.forget(r)
		err := r.main(e.base)
		switch {
		case err == nil, errors.Is(err, errFenced), e.base.Err() != nil:
		default:
			e.log.Error("stack operation stopped; it goes on at the next start", "stack", id, "err", err)
		}
	})
}

func (e *Engine) forget(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[r.id] == r {
		delete(e.runs, r.id)
	}
}

// Close stops what is under way, as it is, and waits for it. It goes on at the
// next start.
func (e *Engine) Close() {
	e.stop()
	e.done.Wait()
}

// Wait returns the stack once no operation on it is under way.
func (e *Engine) Wait(ctx context.Context, scope arn.Scope, nameOrID string) (*Stack, error) {
	s, err := e.Stack(ctx, scope, nameOrID)
	if err != nil {
		return nil, err
	}
	w := e.db.Watch(layoutOf(cell(scope)).stack(s.ID))
	defer w.Close()
	for {
		if s, err = e.Stack(ctx, scope, s.ID); err != nil || !s.Status.InProgress() {
			return s, err
		}
		select {
		case <-w.C():
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// cell is where a scope's stacks are kept.
func cell(s arn.Scope) keyspace.Cell { return keyspace.Cell{Account: s.Account, Region: s.Region} }

// scopeOf is the scope of a cell.
func scopeOf(c keyspace.Cell) arn.Scope { return arn.In(c.Region, c.Account) }

// identity is what a template can know of its stack.
func identity(s *Stack, scope arn.Scope, notify []string) eval.Stack {
	return eval.Stack{Name: s.Name, ID: s.ID, Scope: scope, NotificationARNs: notify}
}

// write sets pairs.
func write(tx *kv.Tx, pairs ...kv.Pair) {
	for _, p := range pairs {
		tx.Set(p.Key, p.Value)
	}
}
