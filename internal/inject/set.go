package inject

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// Set is the rules of one cloud. The zero value is an empty one. Safe for
// concurrent use.
type Set struct {
	machine clock.Machine
	full    atomic.Bool           // a rule says that the disk is full
	rules   atomic.Pointer[[]*on] // nil without rules: what is asked for every call looks here alone
	mu      sync.Mutex            // guards changes
	named   int                   // rules so far
}

// on is a rule in force.
type on struct {
	mu   sync.Mutex
	rule Rule // all but Hits is never changed
	rng  *rand.Rand
}

// Add puts a rule into force and returns it as it is then.
func (s *Set) Add(r Rule) (Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.ID, r.Hits = "f"+strconv.Itoa(s.named+1), 0
	if err := r.complete(); err != nil {
		return Rule{}, err
	}
	s.named++
	s.setLocked(append(slices.Clone(s.load()), &on{rule: r, rng: rand.New(rand.NewPCG(r.Seed, 0))}))
	return r, nil
}

// ErrNone is returned for a rule that is not in force.
var ErrNone = errors.New("there is no such fault")

// Remove takes a rule out of force.
func (s *Set) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.load()
	left := slices.DeleteFunc(slices.Clone(had), func(o *on) bool { return o.rule.ID == id })
	if len(left) == len(had) {
		return fmt.Errorf("%w: %s", ErrNone, id)
	}
	s.setLocked(left)
	return nil
}

// Clear takes all rules out of force.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLocked(nil)
}

// Rules returns the rules in force, in the order in which they came.
func (s *Set) Rules() []Rule {
	out := []Rule{}
	for _, o := range s.load() {
		o.mu.Lock()
		out = append(out, o.rule)
		o.mu.Unlock()
	}
	return out
}

func (s *Set) load() []*on {
	if all := s.rules.Load(); all != nil {
		return *all
	}
	return nil
}

func (s *Set) setLocked(rules []*on) {
	full := slices.ContainsFunc(rules, func(o *on) bool { return o.rule.Kind == DiskFull })
	s.full.Store(full)
	if len(rules) == 0 {
		s.rules.Store(nil)
		return
	}
	s.rules.Store(&rules)
}

// strikes decides whether a rule that matches strikes this time, and how long it
// waits then.
func (o *on) strikes() (bool, time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &o.rule
	if r.Count > 0 && r.Hits >= r.Count {
		return false, 0
	}
	if r.Probability < 1 && o.rng.Float64() >= r.Probability {
		return false, 0
	}
	r.Hits++
	wait := r.Wait
	switch {
	case r.Kind == Reorder:
		wait = 1 + time.Duration(o.rng.Int64N(int64(r.Wait)))
	case r.Jitter > 0:
		wait += time.Duration(o.rng.Int64N(int64(r.Jitter) + 1))
	}
	return true, wait
}

// blow is a rule that strikes.
type blow struct {
	*Rule
	wait time.Duration
}

// struck calls do for each rule of the kinds that matches and strikes, and notes
// it in the span of ctx.
func (s *Set) struck(ctx context.Context, matches func(*Rule) bool, do func(blow)) {
	for _, o := range s.load() {
		if !matches(&o.rule) {
			continue
		}
		if strikes, wait := o.strikes(); strikes {
			record.Note(ctx, record.Fault, o.rule.String())
			do(blow{&o.rule, wait})
		}
	}
}
