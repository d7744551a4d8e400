package events

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/pattern"
)

// index is the rules of a bus that wait for events, as matching needs them. It
// is made when the first event comes, and then follows the changes of single
// rules.
type index struct {
	mu    sync.RWMutex
	seen  []byte // the bus's count of changes that it has followed
	set   *pattern.Set[string]
	rules map[string]*indexed
}

// indexed is a rule that is on and has a pattern.
type indexed struct {
	rule
	targets []*outlet
}

// indexOf returns the index of a bus.
func (s *Service) indexOf(b bus) *index {
	k := string(b.space().head(b.name))
	if ix, ok := s.indexes.Load(k); ok {
		return ix.(*index)
	}
	ix, _ := s.indexes.LoadOrStore(k, &index{set: &pattern.Set[string]{}, rules: map[string]*indexed{}})
	return ix.(*index)
}

// match returns the rules that events match, for each, and the count of changes
// up to which the rules are known.
func (s *Service) match(ctx context.Context, b bus, es []*event) (found [][]*indexed, seen []byte, err error) {
	var ix *index
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		row, err := snap.Get(b.space().head(b.name))
		if err != nil || row == nil { // it never had a rule; it may not even be there
			return err
		}
		ix = s.indexOf(b)
		return ix.follow(snap, b)
	})
	if err != nil || ix == nil {
		return make([][]*indexed, len(es)), nil, err
	}
	return ix.find(es)
}

// matchIn is match in a transaction.
func (s *Service) matchIn(tx *kv.Tx, b bus, e *event) ([]*indexed, error) {
	ix := s.indexOf(b)
	if err := ix.follow(tx, b); err != nil {
		return nil, err
	}
	found, _, err := ix.find([]*event{e})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func (ix *index) find(es []*event) ([][]*indexed, []byte, error) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	found := make([][]*indexed, len(es))
	if len(ix.rules) == 0 {
		return found, ix.seen, nil
	}
	for i, e := range es {
		fields, err := e.fields()
		if err != nil {
			return nil, nil, err
		}
		names := ix.set.Match(fields)
		slices.Sort(names) // whatever the order in which they were made
		for _, name := range names {
			found[i] = append(found[i], ix.rules[name])
		}
	}
	return found, ix.seen, nil
}

// follow brings the index up to what r reads.
func (ix *index) follow(r reader, b bus) error {
	sp := b.space()
	row, err := r.Get(sp.head(b.name))
	if err != nil {
		return err
	}
	ix.mu.RLock()
	current := bytes.Equal(row, ix.seen)
	ix.mu.RUnlock()
	if current {
		return nil
	}
	var now head
	if row != nil {
		if err := jsonrow.Decode(sp.head(b.name), row, &now); err != nil {
			return err
		}
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	var had head
	if ix.seen != nil {
		if err := jsonrow.Decode(sp.head(b.name), ix.seen, &had); err != nil {
			return err
		}
	}
	switch {
	case had.ID == now.ID && had.Count >= now.Count:
		return nil // another has brought it further
	case had.ID != now.ID || now.Count-had.Count > keptChanges:
		err = ix.load(r, b)
	default:
		err = ix.catchUp(r, b, had.Count, now.Count)
	}
	if err == nil {
		ix.seen = slices.Clone(row)
	} else {
		ix.seen = nil // what it has is of no count
		ix.set, ix.rules = &pattern.Set[string]{}, map[string]*indexed{}
	}
	return err
}

// load makes the index anew.
func (ix *index) load(r reader, b bus) error {
	sp := b.space()
	ix.set, ix.rules = &pattern.Set[string]{}, map[string]*indexed{}
	for p, err := range r.Scan(sp.rulesOf(b.name), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		d := sp.Decode(p.Key)
		d.Str()
		d.Str()
		name := d.Str()
		if err := d.Done(); err != nil {
			return err
		}
		if err := ix.put(rule{b, name}, p.Key, p.Value); err != nil {
			return err
		}
	}
	return nil
}

// catchUp takes over the rules that have changed between two counts.
func (ix *index) catchUp(r reader, b bus, from, to uint64) error {
	sp := b.space()
	done := map[string]bool{}
	for n := from + 1; n <= to; n++ {
		name, err := r.Get(sp.changed(b.name, n))
		if err != nil {
			return err
		}
		if name == nil {
			return ix.load(r, b)
		}
		if done[string(name)] {
			continue
		}
		done[string(name)] = true
		changed := rule{b, string(name)}
		row, err := r.Get(changed.key())
		if err != nil {
			return err
		}
		if err := ix.put(changed, changed.key(), row); err != nil {
			return err
		}
	}
	return nil
}

// put takes a rule over as it is now; nil is none.
func (ix *index) put(r rule, k kv.Key, row []byte) error {
	ix.set.Remove(r.name)
	delete(ix.rules, r.name)
	if row == nil {
		return nil
	}
	var is ruleRow
	if err := jsonrow.Decode(k, row, &is); err != nil {
		return err
	}
	if is.Pattern == "" || !is.on() || len(is.Targets) == 0 {
		return nil
	}
	p, err := parsePattern(is.Pattern)
	if err != nil {
		return err
	}
	one := &indexed{rule: r}
	if one.targets, err = is.outlets(); err != nil {
		return err
	}
	ix.set.Add(r.name, p)
	ix.rules[r.name] = one
	return nil
}

// outlets are the targets, ready for use.
func (r *ruleRow) outlets() ([]*outlet, error) {
	var out []*outlet
	for _, t := range r.Targets {
		o, err := t.compile()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
