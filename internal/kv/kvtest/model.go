package kvtest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// model is the contents that the store should have.
type model map[string]string

// tx is what a step works on: a transaction, or its model.
type tx interface {
	get(k string) string
	getAll(ks []string) string
	scan(r kv.Range, o kv.ScanOptions, max int) string
	set(k, v string)
	del(k string)
	delRange(r kv.Range)
	add(k string, n int64)
	append(prefix, suffix, v string)
}

// step is one call in a transaction, with what it returned.
type step struct {
	name  string
	do    func(tx) string
	got   string
	reads bool // and does not write
}

const absent = "-"

func show(v []byte, err error) string {
	switch {
	case err != nil:
		return "error: " + err.Error()
	case v == nil:
		return absent
	}
	return fmt.Sprintf("%q", v)
}

// realTx runs steps on the store.
type realTx struct{ *kv.Tx }

func (t realTx) get(k string) string { return show(t.Get(kv.Key(k))) }

func (t realTx) getAll(names []string) string {
	ks := make([]kv.Key, len(names))
	for i, n := range names {
		ks[i] = kv.Key(n)
	}
	vs, err := t.GetAll(ks...)
	if err != nil {
		return show(nil, err)
	}
	var out []string
	for _, v := range vs {
		out = append(out, show(v, nil))
	}
	return strings.Join(out, " ")
}

func (t realTx) scan(r kv.Range, o kv.ScanOptions, max int) string {
	var out []string
	for p, err := range t.Scan(r, o) {
		if err != nil {
			return show(nil, err)
		}
		out = append(out, showPair(p, o))
		if len(out) == max {
			break
		}
	}
	return strings.Join(out, " ")
}

func showPair(p kv.Pair, o kv.ScanOptions) string {
	if o.KeysOnly {
		return fmt.Sprintf("%q %v", string(p.Key), p.Value == nil)
	}
	return fmt.Sprintf("%q=%s", string(p.Key), show(p.Value, nil))
}

func (t realTx) set(k, v string)                 { t.Set(kv.Key(k), []byte(v)) }
func (t realTx) del(k string)                    { t.Delete(kv.Key(k)) }
func (t realTx) delRange(r kv.Range)             { t.DeleteRange(r) }
func (t realTx) add(k string, n int64)           { t.Add(kv.Key(k), n) }
func (t realTx) append(prefix, suffix, v string) { t.Append(kv.Key(prefix), kv.Key(suffix), []byte(v)) }

// modelTx runs steps on a model.
type modelTx struct {
	m       model
	appends [][3]string
}

func (t *modelTx) get(k string) string {
	if v, ok := t.m[k]; ok {
		return show([]byte(v), nil)
	}
	return absent
}

func (t *modelTx) getAll(ks []string) string {
	var out []string
	for _, k := range ks {
		out = append(out, t.get(k))
	}
	return strings.Join(out, " ")
}

func (t *modelTx) scan(r kv.Range, o kv.ScanOptions, max int) string {
	keys := slices.Sorted(maps.Keys(t.m))
	if o.Reverse {
		slices.Reverse(keys)
	}
	var out []string
	for _, k := range keys {
		if !r.Contains(kv.Key(k)) {
			continue
		}
		p := kv.Pair{Key: kv.Key(k), Value: []byte(t.m[k])}
		if o.KeysOnly {
			p.Value = nil
		}
		out = append(out, showPair(p, o))
		if len(out) == max || len(out) == o.Limit {
			break
		}
	}
	return strings.Join(out, " ")
}

func (t *modelTx) set(k, v string) { t.m[k] = v }
func (t *modelTx) del(k string)    { delete(t.m, k) }

func (t *modelTx) delRange(r kv.Range) {
	maps.DeleteFunc(t.m, func(k, _ string) bool { return r.Contains(kv.Key(k)) })
}

func (t *modelTx) add(k string, n int64) {
	var old uint64
	if v, ok := t.m[k]; ok {
		old = binary.BigEndian.Uint64([]byte(v))
	}
	t.m[k] = string(binary.BigEndian.AppendUint64(nil, old+uint64(n)))
}

func (t *modelTx) append(prefix, suffix, v string) {
	t.appends = append(t.appends, [3]string{prefix, suffix, v})
}

// run applies a transaction to the model, as the commit of this version, and
// returns an error if a step returns something else than it did in the store.
func (m model) run(steps []step, version uint64) error {
	t := &modelTx{m: m}
	for i, s := range steps {
		if got := s.do(t); got != s.got {
			return fmt.Errorf("step %d, %s: read %s\n\twant %s", i, s.name, s.got, got)
		}
	}
	for i, a := range t.appends {
		st := keyspace.NewStamp(version, uint16(i))
		m[a[0]+string(st[:])+a[1]] = a[2]
	}
	return nil
}

// generate returns the steps of a random transaction. Their values contain id.
func generate(rng *rand.Rand, id string) []step {
	var steps []step
	for n := range 1 + rng.IntN(6) {
		s := generateStep(rng, fmt.Sprintf("%s.%d", id, n))
		steps = append(steps, s)
	}
	return steps
}

const keys = 24

func anyKey(rng *rand.Rand) string     { return fmt.Sprintf("k%02d", rng.IntN(keys)) }
func anyCounter(rng *rand.Rand) string { return fmt.Sprintf("n%d", rng.IntN(3)) }
func anyLog(rng *rand.Rand) string     { return fmt.Sprintf("log%d/", rng.IntN(2)) }

// anyRange returns a range that is now and then empty or everything.
func anyRange(rng *rand.Rand) kv.Range {
	switch rng.IntN(12) {
	case 0:
		return kv.Prefix(nil)
	case 1:
		return kv.Prefix(kv.Key(anyLog(rng)))
	case 2:
		return kv.Prefix(kv.Key("n"))
	}
	return kv.Range{Start: kv.Key(anyKey(rng)), End: kv.Key(anyKey(rng))}
}

func generateStep(rng *rand.Rand, id string) step {
	k, c, l, r := anyKey(rng), anyCounter(rng), anyLog(rng), anyRange(rng)
	switch p := rng.IntN(100); {
	case p < 20:
		return step{reads: true, name: "get " + k, do: func(t tx) string { return t.get(k) }}
	case p < 25:
		ks := []string{k, anyKey(rng), c, anyKey(rng)}
		return step{reads: true, name: fmt.Sprint("getAll ", ks), do: func(t tx) string { return t.getAll(ks) }}
	case p < 45:
		o := kv.ScanOptions{Reverse: rng.IntN(3) == 0, KeysOnly: rng.IntN(5) == 0}
		if rng.IntN(3) == 0 {
			o.Limit = 1 + rng.IntN(4)
		}
		max := 0
		if rng.IntN(3) == 0 {
			max = 1 + rng.IntN(4)
		}
		return step{
			reads: true,
			name:  fmt.Sprintf("scan %q to %q %+v, %d", string(r.Start), string(r.End), o, max),
			do:    func(t tx) string { return t.scan(r, o, max) },
		}
	case p < 67:
		return step{name: "set " + k, do: func(t tx) string { t.set(k, id); return "" }}
	case p < 75:
		return step{name: "delete " + k, do: func(t tx) string { t.del(k); return "" }}
	case p < 80:
		if r.Contains(kv.Key("t/")) {
			r = kv.Prefix(kv.Key("k")) // the record of transactions stays
		}
		return step{
			name: fmt.Sprintf("deleteRange %q to %q", string(r.Start), string(r.End)),
			do:   func(t tx) string { t.delRange(r); return "" },
		}
	case p < 90:
		n := int64(rng.IntN(10)) - 3
		return step{name: fmt.Sprint("add ", c, n), do: func(t tx) string { t.add(c, n); return "" }}
	case p < 94:
		return step{reads: true, name: "get " + c, do: func(t tx) string { return t.get(c) }}
	default:
		return step{name: "append " + l, do: func(t tx) string { t.append(l, "/s", id); return "" }}
	}
}
