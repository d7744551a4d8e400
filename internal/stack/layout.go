package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// service names the engine's part of a cell. It belongs to the format.
const service = "cloudformation"

// reader is what *kv.Tx and *kv.Snap have in common.
type reader interface {
	Get(k kv.Key) ([]byte, error)
	Scan(r kv.Range, o kv.ScanOptions) iter.Seq2[kv.Pair, error]
}

// layout makes the keys of a cell. The history of the format:
//
//	1  as listed in the package's documentation; values are JSON, templates
//	   and imports excepted, which are themselves
type layout struct {
	cell  keyspace.Cell
	space keyspace.Subspace
}

func layoutOf(c keyspace.Cell) layout {
	return layout{cell: c, space: keyspace.Service(c, service, 0)}
}

func (l layout) key(elems ...string) kv.Key {
	b := l.space.Key()
	for _, e := range elems {
		b.Str(e)
	}
	return b.Done()
}

func (l layout) prefix(elems ...string) kv.Range {
	b := l.space.Key()
	for _, e := range elems {
		b.Str(e)
	}
	return b.Range()
}

func (l layout) name(name string) kv.Key            { return l.key("name", name) }
func (l layout) stack(id string) kv.Key             { return l.key("stack", id) }
func (l layout) body(id, which string) kv.Key       { return l.key("body", id, which) }
func (l layout) op(id string) kv.Key                { return l.key("op", id) }
func (l layout) resource(id, logical string) kv.Key { return l.key("res", id, logical) }
func (l layout) changeSet(id, name string) kv.Key   { return l.key("set", id, name) }
func (l layout) active(id string) kv.Key            { return l.key("active", id) }
func (l layout) export(name string) kv.Key          { return l.key("export", name) }
func (l layout) importer(name, id string) kv.Key    { return l.key("import", name, id) }

// events is the prefix of a stack's events, to which appends add their stamp.
func (l layout) events(id string) kv.Key { return l.space.Key().Str("event").Str(id).Stamped() }

// The bodies of a stack.
const (
	bodyNow  = "now"
	bodyNext = "next"
)

// lastOf returns the last string of a key.
func lastOf(l layout, k kv.Key) (string, error) {
	d := l.space.Decode(k)
	var s string
	for d.More() {
		s = d.Str()
	}
	return s, d.Err()
}

// get reads a JSON value; ok is false when there is none.
func get[T any](r reader, k kv.Key) (v *T, ok bool, err error) {
	raw, err := r.Get(k)
	if err != nil || raw == nil {
		return nil, false, err
	}
	v = new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, false, fmt.Errorf("read %s: %w", k, err)
	}
	return v, true, nil
}

// put encodes a value. What this package stores can always be encoded.
func put(k kv.Key, v any) kv.Pair {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("stack: encode %s: %v", k, err))
	}
	return kv.Pair{Key: k, Value: raw}
}

// all reads the JSON values of a range in key order.
func all[T any](r reader, rng kv.Range, o kv.ScanOptions) ([]*T, error) {
	var out []*T
	for p, err := range r.Scan(rng, o) {
		if err != nil {
			return nil, err
		}
		v := new(T)
		if err := json.Unmarshal(p.Value, v); err != nil {
			return nil, fmt.Errorf("read %s: %w", p.Key, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// errNoStack says that no stack has the name or id.
var errNoStack = errors.New("no such stack")

// find returns the stack that a caller means by a name or an id. A name means
// the living stack; an id means a deleted one as well.
func (l layout) find(r reader, nameOrID string) (*Stack, error) {
	id := nameOrID
	if !strings.HasPrefix(nameOrID, "arn:") {
		raw, err := r.Get(l.name(nameOrID))
		if err != nil {
			return nil, err
		}
		if raw == nil {
			return nil, errNoStack
		}
		id = string(raw)
	}
	s, ok, err := get[Stack](r, l.stack(id))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errNoStack
	}
	return s, nil
}

// resources reads the resources of a stack by logical id.
func (l layout) resources(r reader, id string) (map[string]*Resource, error) {
	list, err := all[Resource](r, l.prefix("res", id), kv.ScanOptions{})
	if err != nil {
		return nil, err
	}
	out := make(map[string]*Resource, len(list))
	for _, res := range list {
		out[res.LogicalID] = res
	}
	return out, nil
}

// cells returns the cells that hold keys, by skipping from one to the next.
func cells(r reader) ([]keyspace.Cell, error) {
	var out []keyspace.Cell
	next := kv.Range{Start: kv.Key{keyspace.Format}, End: kv.Key{keyspace.Format + 1}}
	for {
		var found kv.Key
		for p, err := range r.Scan(next, kv.ScanOptions{Limit: 1, KeysOnly: true}) {
			if err != nil {
				return nil, err
			}
			found = p.Key
		}
		if found == nil {
			return out, nil
		}
		c, ok := cellOf(found)
		if !ok { // not a key of a cell
			next.Start = kv.Next(found)
			continue
		}
		out = append(out, c)
		next.Start = keyspace.Of(c).Range().End
	}
}

// cellOf returns the cell of a key: an account, which is a number when it looks
// like one, and a region.
func cellOf(k kv.Key) (keyspace.Cell, bool) {
	d := keyspace.Decode(k)
	if n := d.Uint(); d.Err() == nil {
		c := keyspace.Cell{Account: fmt.Sprintf("%012d", n), Region: d.Str()}
		return c, d.Err() == nil
	}
	d = keyspace.Decode(k)
	c := keyspace.Cell{Account: d.Str(), Region: d.Str()}
	return c, d.Err() == nil
}

// forgetName gives the name of a deleted stack back.
func (l layout) forgetName(tx *kv.Tx, s *Stack) error {
	raw, err := tx.Get(l.name(s.Name))
	if err == nil && string(raw) == s.ID {
		tx.Delete(l.name(s.Name))
	}
	return err
}
