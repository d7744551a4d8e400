package runner

import "time"

const (
	// sweepEvery is how often the idle instances of a pool are looked through.
	// It is off the path of invocations, which only note when they ended.
	sweepEvery = 250 * time.Millisecond
	// freezeAfter is how long an instance stays running when it is idle. Lambda
	// freezes at once; waking costs 70–90 µs, which steady traffic should not
	// pay.
	freezeAfter = 500 * time.Millisecond
)

// sweepIdle freezes instances that have been idle for a while, and ends those
// that have been idle for long. The places freed first are those at the front.
func (p *pool) sweepIdle() {
	now := p.r.machine.Now()
	var freeze, end []*instance
	p.mu.Lock()
	kept := p.free[:0]
	awake := false
	for _, pl := range p.free {
		idle := now.Sub(pl.since)
		switch {
		case pl.state.Load() != placeFree:
			continue
		case idle >= p.r.opts.IdleAfter && !p.spec.Provisioned && !p.spec.Debug && pl.take():
			end = append(end, pl.inst)
			continue
		case idle >= freezeAfter:
			freeze = append(freeze, pl.inst)
		default:
			awake = true
		}
		kept = append(kept, pl)
	}
	clear(p.free[len(kept):])
	p.free = kept
	p.resting = !awake
	switch {
	case len(kept) == 0 || p.gone:
	case awake:
		p.sweep.Reset(sweepEvery)
	case p.spec.Provisioned || p.spec.Debug: // all stay
	default: // all are frozen: come back when the first has idled for too long
		p.sweep.Reset(max(sweepEvery, p.r.opts.IdleAfter-now.Sub(kept[0].since)))
	}
	p.mu.Unlock()
	for _, i := range freeze {
		i.freeze(now)
	}
	endAll(end)
}
