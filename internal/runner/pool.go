package runner

import (
	"slices"
	"sync"
	"time"
)

// returnGrace is how long an invocation waits for a place whose function has
// answered but not asked for more, before another instance is started for it.
// Asking takes a function 100 µs on an idle machine; starting takes thirty
// times as long, and an interpreter three hundred.
const returnGrace = 25 * time.Millisecond

// pool holds the instances of one Spec and the invocations that wait for them.
type pool struct {
	r    *Runner
	fn   *function
	spec *Spec

	mu        sync.Mutex
	free      []*place      // the last freed at the end; those dropped meanwhile are skipped
	line      []*invocation // first come, first served
	warming   []chan error  // who wants an instance to be ready, not an answer
	starting  int           // places that starts under way will open
	returning int           // places about to be free: answered, and not asked again
	hurried   bool          // somebody has waited for one in vain
	patience  *time.Timer   // for who waits for one; nil when nobody does
	instances map[*instance]struct{}
	retired   bool // instances end when they have nothing to do

	// Of provisioned concurrency.
	keep      int    // instances to be kept up
	up        int    // places of those that have asked for their first invocation
	keepFault *Fault // why no more are started

	gone bool // removed from the Runner: look again

	sweep   *time.Timer // freezes and ends idle instances
	resting bool        // the sweep is not due soon
}

// dispatch gives v to a free place, or lines it up and asks for an instance.
// It reports false when the pool is no longer in use.
func (p *pool) dispatch(v *invocation) bool {
	for {
		p.mu.Lock()
		if p.gone {
			p.mu.Unlock()
			return false
		}
		pl, stale := p.popLocked()
		if pl == nil {
			v.lined = p.r.machine.Now()
			p.line = append(p.line, v)
			more := p.lackLocked() > 0
			wait := !more && p.starting < len(p.line)
			p.mu.Unlock()
			endAll(stale)
			switch {
			case more:
				p.r.starts.want(p)
			case wait:
				p.hurry()
			}
			return true
		}
		p.mu.Unlock()
		endAll(stale)
		if pl.inst.give(pl, v) {
			return true
		}
	}
}

// popLocked takes the place that was freed last. Instances whose credentials
// are about to expire are not used any more, and returned to be ended.
func (p *pool) popLocked() (pl *place, stale []*instance) {
	for n := len(p.free); n > 0; n = len(p.free) {
		pl = p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
		switch {
		case !pl.take():
		case pl.inst.stale():
			stale = append(stale, pl.inst)
		default:
			return pl, stale
		}
	}
	return nil, stale
}

// lackLocked is how many places are wanted beyond those that are coming. What
// waits is not bound to a start: an old instance that becomes free takes it,
// and the start is then not wanted any more if it has not begun.
func (p *pool) lackLocked() int {
	if p.spec.Provisioned {
		if p.keepFault != nil {
			return 0
		}
		return p.keep*p.spec.places() - p.up - p.starting
	}
	if p.spec.Debug && len(p.instances)+p.starting > 0 {
		return 0
	}
	line := len(p.line)
	if !p.hurried {
		line = max(0, line-p.returning)
	}
	lack := line + len(p.warming) - p.starting
	if p.spec.Debug {
		return min(lack, 1)
	}
	return lack
}

// hurry starts instances for those who have waited in vain for a place to
// return, and looks again later as long as somebody waits.
func (p *pool) hurry() {
	p.mu.Lock()
	if len(p.line) == 0 || p.hurried {
		p.mu.Unlock()
		return
	}
	// One timer for the whole line: a timer for each invocation would cost
	// more than the invocation's other bookkeeping.
	if waited := p.r.machine.Since(p.line[0].lined); waited < returnGrace {
		if p.patience == nil {
			p.patience = p.r.machine.AfterFunc(returnGrace-waited, func() {
				p.mu.Lock()
				p.patience = nil
				p.mu.Unlock()
				p.hurry()
			})
		}
		p.mu.Unlock()
		return
	}
	p.hurried = true
	more := p.lackLocked() > 0
	p.mu.Unlock()
	if more {
		p.r.starts.want(p)
	}
}

// claim implements starter.
func (p *pool) claim() (start func(done func()), more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || p.lackLocked() <= 0 {
		return nil, false
	}
	p.starting += p.spec.places()
	p.r.wg.Add(1)
	return p.start, p.lackLocked() > 0
}

// park takes in a place that has become free: it goes to the head of the line,
// or waits for traffic. In the same breath it is no longer one that is coming,
// because its instance is up for the first time or because it has returned:
// otherwise a start could be made for it in between. It reports false when the
// instance is to end, because nothing may be given to it.
func (p *pool) park(pl *place, first, returned, condemned bool) bool {
	p.mu.Lock()
	if first {
		p.starting -= p.spec.places()
		p.up += p.spec.places()
		pl.inst.counted = true
		if len(p.warming) > 0 {
			p.warming[0] <- nil // has room
			p.warming = p.warming[1:]
		}
	}
	if returned {
		p.returning--
	}
	if condemned {
		p.mu.Unlock()
		return false
	}
	if len(p.line) > 0 && pl.take() {
		v := p.shiftLocked()
		p.mu.Unlock()
		if !pl.inst.give(pl, v) {
			p.mu.Lock()
			p.line = slices.Insert(p.line, 0, v)
			p.mu.Unlock()
			p.r.starts.want(p)
		}
		return true
	}
	surplus := p.spec.Provisioned && p.up > p.keep*p.spec.places() // fewer are to be kept than when it was given work
	if surplus {
		p.up -= p.spec.places()
		pl.inst.counted = false
	}
	if p.retired || surplus {
		p.mu.Unlock()
		pl.inst.retire()
		return true
	}
	pl.since = p.r.machine.Now()
	p.free = append(p.free, pl)
	if p.sweep == nil {
		p.sweep = p.r.machine.AfterFunc(sweepEvery, p.sweepIdle)
	} else if p.resting {
		p.sweep.Reset(sweepEvery)
		p.resting = false
	}
	p.mu.Unlock()
	return true
}

// expect counts places that have answered and will be asked for again, or,
// with a negative n, that will not.
func (p *pool) expect(n int) {
	p.mu.Lock()
	p.returning += n
	p.mu.Unlock()
}

func (p *pool) shiftLocked() *invocation {
	v := p.line[0]
	p.line[0] = nil
	p.line = p.line[1:]
	p.hurried = p.hurried && len(p.line) > 0
	return v
}

// cancel takes v out of the line. It reports false when an instance has it.
func (p *pool) cancel(v *invocation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.line, v)
	if i < 0 {
		return false
	}
	p.line = slices.Delete(p.line, i, i+1)
	return true
}

// failed is told that a start has failed that began at a time. One waiter gets the
// error, the one who has waited longest: another waiter means another start. Lambda
// repeats a failed initialisation once inside the invocation; we do not, because the
// same code on the same machine has nothing new to say. Unless [pool.blamesLocked]
// knows better.
func (p *pool) failed(f *Fault, began time.Time) (v *invocation, warm chan error) {
	p.mu.Lock()
	p.starting -= p.spec.places()
	if p.spec.Provisioned {
		p.keepFault = f
	}
	if p.blamesLocked(began) {
		v = p.shiftLocked()
	} else if len(p.line) == 0 && len(p.warming) > 0 {
		warm, p.warming = p.warming[0], p.warming[1:]
	}
	more := p.lackLocked() > 0
	p.mu.Unlock()
	if more {
		p.r.starts.want(p)
	}
	return v, warm
}

// blamesLocked reports whether who has waited longest gets the error of a start that
// began at a time. One who came later does not: it was made for somebody whom another
// instance has served meanwhile, and a slow start on a busy machine outlives many.
// Neither, the first time, does one beside whom instances are up: then it is not the
// code that does not start, and what waits is served by them or by another start.
func (p *pool) blamesLocked(began time.Time) bool {
	if len(p.line) == 0 {
		return false
	}
	v := p.line[0]
	if v.lined.After(began) {
		return false
	}
	if p.up > 0 && !v.spared {
		v.spared = true
		return false
	}
	return true
}

// add takes in an instance that starts. It reports false when the pool has
// been shut meanwhile.
func (p *pool) add(i *instance) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instances[i] = struct{}{}
	return !p.gone
}

// remove forgets an instance that has ended.
func (p *pool) remove(i *instance) {
	p.mu.Lock()
	delete(p.instances, i)
	if i.counted {
		p.up -= p.spec.places()
	}
	p.free = slices.DeleteFunc(p.free, func(pl *place) bool { return pl.inst == i })
	more := p.lackLocked() > 0
	p.mu.Unlock()
	if more {
		p.r.starts.want(p)
	}
	p.r.forget(p)
}

// retire ends the instances as they become idle. Whoever waits is still
// served.
func (p *pool) retire() {
	p.mu.Lock()
	p.retired = true
	free := p.free
	p.free = nil
	p.mu.Unlock()
	for _, pl := range free {
		if pl.take() {
			pl.inst.retire()
		}
	}
	p.r.forget(p)
}

// shut ends everything at once.
func (p *pool) shut() {
	p.mu.Lock()
	p.gone = true
	line, warming := p.line, p.warming
	p.line, p.warming, p.free = nil, nil, nil
	if p.sweep != nil {
		p.sweep.Stop()
	}
	instances := make([]*instance, 0, len(p.instances))
	for i := range p.instances {
		instances = append(instances, i)
	}
	p.mu.Unlock()
	for _, v := range line {
		v.fail(ErrClosed)
	}
	for _, w := range warming {
		w <- ErrClosed
	}
	for _, i := range instances {
		i.end()
	}
}

// unusedLocked reports whether the pool can be forgotten.
func (p *pool) unusedLocked() bool {
	return len(p.instances) == 0 && len(p.line) == 0 && len(p.warming) == 0 && p.starting == 0 && p.keep == 0
}

func endAll(is []*instance) {
	for _, i := range is {
		i.retire()
	}
}
