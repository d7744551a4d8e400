package kvtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// txPrefix is the log to which every committed transaction of a history appends
// its id: what is found there is what was committed, in order.
const txPrefix = "t/"

// outcome is how a transaction ended.
type outcome int

const (
	pending   outcome = iota // not ended; or ErrBroken: it may have been committed
	committed                // acknowledged
	relaxed                  // acknowledged ahead of the disk
	failed                   // its body returned an error; nothing was committed
	readOnly                 // acknowledged, and wrote nothing
)

// record is a transaction of a history.
type record struct {
	id      string
	steps   []step // of the last run
	outcome outcome
	stamp   kv.Stamp
	floor   uint64 // version acknowledged before it began
	runs    []run  // all runs, the overtaken ones too
}

// run is one run of a body: its reads belong to one state.
type run struct {
	version uint64
	steps   []step
}

// history is transactions of many goroutines on one store, and what they saw.
type history struct {
	db      *kv.DB
	seed    uint64
	base    model  // contents at the start
	prefix  string // of ids
	relaxed bool   // some commits are relaxed

	acked   atomic.Uint64 // newest version acknowledged
	durable atomic.Uint64 // newest version acknowledged as durable, or shown by a view
	broken  atomic.Bool   // somebody got ErrBroken

	mu      sync.Mutex
	records []*record
	views   []run // of views
	errs    []error
}

// newHistory returns a history that goes on from another one's contents.
func newHistory(db *kv.DB, seed uint64, base model) *history {
	return &history{db: db, seed: seed, base: base, prefix: fmt.Sprintf("%d:", len(base)), relaxed: seed%2 == 0}
}

var errOnPurpose = errors.New("on purpose")

// run has workers run n transactions each.
func (h *history) run(workers, n int) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(h.seed, uint64(w)))
			for i := range n {
				if rng.IntN(6) == 0 {
					h.view(rng)
				} else {
					h.update(rng, fmt.Sprintf("%s%d.%d", h.prefix, w, i))
				}
			}
		})
	}
	wg.Wait()
}

func raise(v *atomic.Uint64, to uint64) {
	for old := v.Load(); old < to && !v.CompareAndSwap(old, to); old = v.Load() {
	}
}

func (h *history) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, fmt.Errorf(format, args...))
}

func (h *history) update(rng *rand.Rand, id string) {
	r := &record{id: id, floor: h.acked.Load()}
	h.mu.Lock()
	h.records = append(h.records, r)
	h.mu.Unlock()

	steps := generate(rng, id)
	wasBroken := h.broken.Load()
	end := failed
	switch p := rng.IntN(10); {
	case p > 1 && p < 4 && h.relaxed:
		end = relaxed
	case p > 1:
		end = committed
	case p > 0:
		end = readOnly
		steps = slices.DeleteFunc(steps, func(s step) bool { return !s.reads })
	}
	var opts []kv.Option
	if end == relaxed {
		opts = append(opts, kv.Relaxed())
	}
	stamp, err := h.db.Update(context.Background(), func(t *kv.Tx) error {
		this := run{version: t.Peek().Stamp().Version(), steps: slices.Clone(steps)}
		for i := range this.steps {
			this.steps[i].got = this.steps[i].do(realTx{t})
		}
		h.mu.Lock()
		r.runs = append(r.runs, this)
		r.steps = this.steps
		h.mu.Unlock()
		switch end {
		case failed:
			return errOnPurpose
		case readOnly:
			return nil
		}
		t.Append(kv.Key(txPrefix), kv.Key(id), []byte(id))
		return nil
	}, opts...)

	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case errors.Is(err, kv.ErrBroken):
		h.broken.Store(true)
	case err != nil && !(end == failed && errors.Is(err, errOnPurpose)):
		h.errs = append(h.errs, fmt.Errorf("transaction %s: %w", id, err))
	case wasBroken:
		h.errs = append(h.errs, fmt.Errorf("transaction %s ended with %v after the store was broken", id, err))
	default:
		r.outcome, r.stamp = end, stamp
		last := r.runs[len(r.runs)-1].version // what it read is durable now
		if end == committed {
			last = stamp.Version()
		}
		if end != relaxed {
			raise(&h.durable, last)
			raise(&h.acked, last)
		} else {
			raise(&h.acked, stamp.Version())
		}
	}
}

// view notes what a view shows.
func (h *history) view(rng *rand.Rand) {
	r, floor := anyRange(rng), h.durable.Load()
	err := h.db.View(context.Background(), func(s *kv.Snap) error {
		v := run{version: s.Stamp().Version()}
		if v.version < floor {
			h.fail("a view of version %d after version %d was durable", v.version, floor)
		}
		got := ""
		for p, err := range s.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			got += showPair(p, kv.ScanOptions{}) + "\n"
		}
		v.steps = []step{{name: "view", got: got, do: func(t tx) string {
			want := ""
			m := t.(*modelTx).m
			for _, k := range slices.Sorted(maps.Keys(m)) {
				if r.Contains(kv.Key(k)) {
					want += showPair(kv.Pair{Key: kv.Key(k), Value: []byte(m[k])}, kv.ScanOptions{}) + "\n"
				}
			}
			return want
		}}}
		raise(&h.durable, v.version)
		h.mu.Lock()
		h.views = append(h.views, v)
		h.mu.Unlock()
		return nil
	})
	if err != nil && !errors.Is(err, kv.ErrBroken) {
		h.fail("view: %w", err)
	}
}

// found is a transaction that the store says was committed.
type found struct {
	version uint64
	id      string
}

// committedIn returns the transactions whose records are in contents, in order.
func committedIn(contents model) []found {
	var fs []found
	for _, k := range slices.Sorted(maps.Keys(contents)) {
		if len(k) >= len(txPrefix)+10 && k[:len(txPrefix)] == txPrefix {
			s := keyspace.Stamp([]byte(k[len(txPrefix) : len(txPrefix)+10]))
			fs = append(fs, found{s.Version(), k[len(txPrefix)+10:]})
		}
	}
	return fs
}

// check checks the history, which has ended, against the store.
func (h *history) check(t *testing.T) {
	t.Helper()
	// An update that only reads returns when what it read is durable.
	update(t, h.db, func(*kv.Tx) error { return nil })
	h.checkContents(t, dump(t, h.db), ^uint64(0))
}

// checkContents checks the history, which has ended, against contents that
// must have all of it up to the version durable, and may lack a tail of what
// came later.
func (h *history) checkContents(t *testing.T, contents model, durable uint64) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range h.errs {
		t.Error(err)
	}
	byID := map[string]*record{}
	var runs []run
	for _, r := range h.records {
		byID[r.id] = r
		runs = append(runs, r.runs...)
	}
	runs = append(runs, h.views...)
	slices.SortStableFunc(runs, func(a, b run) int { return cmp.Compare(a.version, b.version) })

	m := model(maps.Clone(h.base))
	if m == nil {
		m = model{}
	}
	checkRuns := func(before uint64) {
		for len(runs) > 0 && runs[0].version < before {
			// On a copy: a run has no effect but by its commit.
			if err := maps.Clone(m).run(runs[0].steps, 0); err != nil {
				t.Errorf("a run on version %d did not read one state: %v", runs[0].version, err)
			}
			runs = runs[1:]
		}
	}
	order := committedIn(contents)[len(committedIn(h.base)):]
	present, last := map[string]bool{}, uint64(0)
	for _, f := range order {
		checkRuns(f.version)
		r := byID[f.id]
		switch {
		case r == nil:
			t.Fatalf("commit %d of %q, which nobody made", f.version, f.id)
		case r.outcome == failed || r.outcome == readOnly:
			t.Errorf("commit %d of %s, which should not have been one", f.version, f.id)
		case r.outcome != pending && r.stamp.Version() != f.version:
			t.Errorf("%s was acknowledged as %v, and is %d", f.id, r.stamp, f.version)
		case f.version <= r.floor:
			t.Errorf("%s is commit %d, and began after %d was acknowledged", f.id, f.version, r.floor)
		}
		present[f.id], last = true, f.version
		record := step{do: func(t tx) string { t.append(txPrefix, f.id, f.id); return "" }}
		if err := m.run(append(slices.Clone(r.steps), record), f.version); err != nil {
			t.Errorf("commit %d of %s is not serializable: %v", f.version, f.id, err)
		}
	}
	if durable == ^uint64(0) {
		checkRuns(durable)
	}
	for _, r := range h.records {
		if v := r.stamp.Version(); (r.outcome == committed || r.outcome == relaxed) && !present[r.id] && v <= max(durable, last) {
			t.Errorf("%s was acknowledged as %v and is not there; %d is durable, and %d is there", r.id, r.stamp, durable, last)
		}
	}
	if d := gocmp.Diff(m, contents); d != "" {
		t.Errorf("contents (-want +got):\n%s", d)
	}
}
