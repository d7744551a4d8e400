package runner

// Provisioned is what has become of a Spec's provisioned concurrency.
type Provisioned struct {
	Wanted int
	Ready  int // instances that are up, busy ones included
	// Fault is why no more are started: an instance did not initialise. It is
	// nil until then.
	Fault *Fault
}

// Provision keeps n instances of s up, whether they are used or not, from now
// on; 0 ends them as they become idle. s has Provisioned set, and what it runs
// on demand has a Spec of its own. Instances are started in the background; when
// one fails to initialise no more are, until Provision is called again.
//
// Invocations come to these instances by [Invocation.Provisioned] alone.
//
// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
func (r *Runner) Provision(s *Spec, n int) error {
	for {
		p, err := r.pool(s)
		if err != nil {
			return err
		}
		p.mu.Lock()
		if p.gone {
			p.mu.Unlock()
			continue
		}
		p.keep, p.keepFault = n, nil
		var surplus []*instance
		for over := p.up - n*s.places(); over > 0 && len(p.free) > 0; over -= s.places() {
			pl := p.free[0] // the one that idles longest
			p.free = p.free[1:]
			if pl.take() {
				surplus = append(surplus, pl.inst)
			}
		}
		p.mu.Unlock()
		endAll(surplus)
		if n == 0 {
			p.retire()
		}
		r.starts.want(p)
		return nil
	}
}

// Provisioned reports on a Spec that was given to [Runner.Provision].
func (r *Runner) Provisioned(s *Spec) Provisioned {
	r.mu.RLock()
	p := r.pools[s.Hash()]
	r.mu.RUnlock()
	if p == nil {
		return Provisioned{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return Provisioned{Wanted: p.keep, Ready: p.up / s.places(), Fault: p.keepFault}
}

// offer gives v to a free place of instances that were provisioned. It reports
// false when there is none: the invocation then spills over to those that are
// started on demand.
func (r *Runner) offer(s *Spec, v *invocation) bool {
	r.mu.RLock()
	p := r.pools[s.Hash()]
	r.mu.RUnlock()
	if p == nil {
		return false
	}
	on := v.pool
	for {
		p.mu.Lock()
		pl, stale := p.popLocked()
		p.mu.Unlock()
		endAll(stale)
		if pl == nil {
			v.pool = on
			return false
		}
		v.pool, v.result.Provisioned = p, true
		if pl.inst.give(pl, v) {
			return true
		}
		v.result.Provisioned = false
	}
}
