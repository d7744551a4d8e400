package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// view runs fn on the newest durable state of a scope.
func (e *Engine) view(ctx context.Context, scope arn.Scope, fn func(s *kv.Snap, l layout) error) error {
	l := layoutOf(cell(scope))
	return e.db.View(ctx, func(s *kv.Snap) error { return fn(s, l) })
}

// IsNoStack reports whether an error says that a stack does not exist.
func IsNoStack(err error) bool {
	return errors.Is(err, errNoStack)
}

// Stack returns the stack with a name or id.
func (e *Engine) Stack(ctx context.Context, scope arn.Scope, nameOrID string) (*Stack, error) {
	var out *Stack
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		out, err = l.find(s, nameOrID)
		return notFound(err, nameOrID, noStack)
	})
	e.today(out)
	return out, err
}

// today says of a stack, which is nil where there is none, what its outputs are now.
func (e *Engine) today(s *Stack) {
	if s == nil {
		return
	}
	for i, o := range s.Outputs {
		s.Outputs[i].Value = e.current(o.Value)
	}
}

// Stacks returns all stacks, the newest first. Deleted ones are among them when
// deleted is set.
func (e *Engine) Stacks(ctx context.Context, scope arn.Scope, deleted bool) ([]*Stack, error) {
	var out []*Stack
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		out, err = all[Stack](s, l.prefix("stack"), kv.ScanOptions{})
		return err
	})
	if !deleted {
		out = slices.DeleteFunc(out, func(s *Stack) bool { return s.Status == DeleteComplete })
	}
	slices.SortStableFunc(out, func(a, b *Stack) int {
		switch {
		case a.Created > b.Created:
			return -1
		case a.Created < b.Created:
			return 1
		}
		return 0
	})
	for _, s := range out {
		e.today(s)
	}
	return out, err
}

// Resources returns the resources of a stack, sorted by logical id.
func (e *Engine) Resources(ctx context.Context, scope arn.Scope, nameOrID string) (*Stack, []*Resource, error) {
	var st *Stack
	var out []*Resource
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		if st, err = l.find(s, nameOrID); err != nil {
			return notFound(err, nameOrID, noStack)
		}
		out, err = all[Resource](s, l.prefix("res", st.ID), kv.ScanOptions{})
		return err
	})
	return st, out, err
}

// FindPhysical returns the stack that has a resource with a physical id.
func (e *Engine) FindPhysical(ctx context.Context, scope arn.Scope, physicalID string) (*Stack, error) {
	var out *Stack
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) error {
		for p, err := range s.Scan(l.prefix("res"), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			var r Resource
			if err := json.Unmarshal(p.Value, &r); err != nil {
				return fmt.Errorf("read %s: %w", p.Key, err)
			}
			if r.PhysicalID != physicalID || !r.exists() {
				continue
			}
			d := l.space.Decode(p.Key)
			d.Str()
			out, err = l.find(s, d.Str())
			return err
		}
		return invalid("Stack for %s does not exist", physicalID)
	})
	return out, err
}

// Events returns up to limit events of a stack, the newest first, beginning
// before the place that before names (empty: at the newest). next names the
// place to go on, or is empty.
func (e *Engine) Events(ctx context.Context, scope arn.Scope, nameOrID, before string, limit int) (st *Stack, out []Event, next string, err error) {
	err = e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		if st, err = l.find(s, nameOrID); err != nil {
			return notFound(err, nameOrID, noStackNamed)
		}
		r := keyspace.PrefixRange(l.key("event", st.ID))
		if before != "" {
			stamp, err := parsePlace(before)
			if err != nil {
				return err
			}
			r.End = l.space.Key().Str("event").Str(st.ID).Stamp(stamp).Done()
		}
		for p, err := range s.Scan(r, kv.ScanOptions{Reverse: true, Limit: limit + 1}) {
			if err != nil {
				return err
			}
			if len(out) == limit {
				next = out[limit-1].place
				break
			}
			var ev Event
			if err := json.Unmarshal(p.Value, &ev); err != nil {
				return fmt.Errorf("read %s: %w", p.Key, err)
			}
			d := l.space.Decode(p.Key)
			d.Str()
			d.Str()
			ev.identify(st.ID, d.Stamp())
			if err := d.Done(); err != nil {
				return err
			}
			out = append(out, ev)
		}
		return nil
	})
	return st, out, next, err
}

// identify gives an event its id: tools tell events apart by it.
func (ev *Event) identify(stackID string, at kv.Stamp) {
	ev.place = hex.EncodeToString(at[:])
	if ev.Type != stackType {
		ev.ID = ev.LogicalID + "-" + string(ev.Status) + "-" + ev.Time.String() + "-" + ev.place
		return
	}
	sum := sha256.Sum256([]byte(stackID + ev.place))
	ev.ID = uuid([16]byte(sum[:16]))
}

// parsePlace reads the place of an event back.
func parsePlace(s string) (at kv.Stamp, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(at) {
		return at, invalid("NextToken is invalid")
	}
	return kv.Stamp(raw), nil
}

// Template returns the text of a stack's template.
func (e *Engine) Template(ctx context.Context, scope arn.Scope, nameOrID string) (*Stack, string, error) {
	var st *Stack
	var body []byte
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		if st, err = l.find(s, nameOrID); err != nil {
			return notFound(err, nameOrID, noStack)
		}
		body, err = s.Get(l.body(st.ID, bodyNow))
		return err
	})
	return st, string(body), err
}

// Exports returns all exported values, sorted by name.
func (e *Engine) Exports(ctx context.Context, scope arn.Scope) ([]*Export, error) {
	var out []*Export
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) (err error) {
		out, err = all[Export](s, l.prefix("export"), kv.ScanOptions{})
		return err
	})
	for _, x := range out {
		x.Value = e.current(x.Value)
	}
	return out, err
}

// Importers returns the names of the stacks that import a value.
func (e *Engine) Importers(ctx context.Context, scope arn.Scope, export string) ([]string, error) {
	var out []string
	err := e.view(ctx, scope, func(s *kv.Snap, l layout) error {
		_, ok, err := get[Export](s, l.export(export))
		if err != nil {
			return err
		}
		if ok {
			out, err = l.importers(s, export)
		}
		if err == nil && len(out) == 0 {
			return invalid("Export '%s' is not imported by any stack.", export)
		}
		return err
	})
	return out, err
}
