package runner

import (
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// process is a running program. It is a *sandbox.Process, but for tests.
type process interface {
	Kill() error
	Freeze() error
	Thaw() error
	Exit() sandbox.Exit // waits for the end of the whole tree
	Usage() sandbox.Usage
}

// journal is an instance's log. It is an *output, but for tests.
type journal interface {
	begin(id, line string, tail *[]byte)
	end(lines ...string)
	say(lines ...string)
}

// instance is one process with its Runtime API.
type instance struct {
	r      *Runner
	pool   *pool
	stream LogStream
	out    journal
	proc   process
	close  func() // gives back what the process needed, after its end

	// terminate sends SIGTERM; nil where there is none.
	terminate func() error

	expires   clock.Instant // of its credentials; zero for never
	counted   bool          // among its pool's up; guarded by pool.mu
	spawned   time.Time
	spawnTook time.Duration // until the process ran; set before up is closed
	up        chan struct{} // closed at the first request for an invocation
	broken    chan struct{} // closed when the runtime says that it cannot initialise: initErr is set
	ended     chan struct{} // closed when the process is gone and everybody is told
	exit      sandbox.Exit  // set before ended is closed

	mu       sync.Mutex
	active   []*invocation // given to the process and not finished
	asked    *place        // the last request for an invocation
	ready    bool          // up is closed
	used     bool          // has had an invocation
	failed   bool          // the start has been given up
	frozen   bool
	condemn  bool // gets no traffic any more, and ends when it has none
	back     int  // answers whose places have not been asked for again
	initTook time.Duration
	initErr  *Fault
	memory   int       // MB, the most seen
	measured time.Time // when memory was last looked at
	term     bool      // the process asked to be told of its end: SIGTERM before SIGKILL
}

func newInstance(p *pool) *instance {
	return &instance{
		r: p.r, pool: p,
		up: make(chan struct{}), broken: make(chan struct{}), ended: make(chan struct{}),
		spawned: p.r.machine.Now(),
		out:     nowhere{}, proc: nowhere{}, close: func() {},
	}
}

// nowhere stands in for the process and the log of an instance that could not
// be started.
type nowhere struct{}

func (nowhere) begin(string, string, *[]byte) {}
func (nowhere) end(...string)                 {}
func (nowhere) say(...string)                 {}
func (nowhere) Kill() error                   { return nil }
func (nowhere) Freeze() error                 { return nil }
func (nowhere) Thaw() error                   { return nil }
func (nowhere) Exit() sandbox.Exit            { return sandbox.Exit{} }
func (nowhere) Usage() sandbox.Usage          { return sandbox.Usage{} }

// wantsTerm notes that the process asked for SIGTERM before it is killed.
func (i *instance) wantsTerm() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.term = true
}

// give hands an invocation to a place that the caller has taken. It reports
// false when the instance cannot have it; the invocation is then untouched.
func (i *instance) give(pl *place, v *invocation) bool {
	i.mu.Lock()
	if i.condemn {
		i.mu.Unlock()
		return false
	}
	if i.frozen {
		if i.proc.Thaw() != nil { // it is ending
			i.mu.Unlock()
			return false
		}
		i.frozen = false
	}
	v.inst, v.cold = i, !i.used && !i.pool.spec.Provisioned
	i.used = true
	v.started = i.r.machine.Now()
	i.active = append(i.active, v)
	v.result.Stream, v.result.Cold, v.result.Started = i.stream, v.cold, v.started
	if v.cold {
		v.result.Spawned, v.result.Spawn, v.result.Init = i.spawned, i.spawnTook, i.initTook
	}
	v.timer = i.r.timeout(i.pool.spec, v.expire)
	i.mu.Unlock()

	var tail *[]byte
	if v.Tail {
		tail = &v.tail
	}
	i.out.begin(v.RequestID, startLine(v.RequestID, i.pool.spec.Version), tail)
	if v.doom != nil && v.doomed() {
		return true
	}
	if pl.send(v) == nil {
		return true
	}
	// The connection broke before the function had the event, so that it may
	// go elsewhere; unless the time-out was faster.
	i.mu.Lock()
	defer i.mu.Unlock()
	if !v.timer.Stop() {
		return true // answered, and finished when the process has ended
	}
	i.dropLocked(v)
	return false
}

// next is called when the process asks for an invocation with pl. It reports
// false when it must not, because it has one that it has not answered.
func (i *instance) next(pl *place) bool {
	i.mu.Lock()
	single := i.pool.spec.places() == 1
	var done []*invocation
	if single {
		if len(i.active) > 0 {
			v := i.active[0]
			if !v.isAnswered() {
				i.mu.Unlock()
				return false
			}
			done, i.active = i.active, nil
		}
		if i.asked != nil {
			i.asked.drop() // a connection that was given up
		}
		i.asked = pl
	}
	returned := i.back > 0
	if returned {
		i.back--
	}
	first := !i.ready && !i.failed
	if first {
		i.ready = true
		i.initTook = i.r.machine.Since(i.spawned)
	}
	condemned := i.failed || i.condemn && !i.busyLocked(nil)
	i.mu.Unlock()

	for _, v := range done {
		v.finish()
	}
	if first {
		defer close(i.up)
	}
	if !i.pool.park(pl, first, returned, condemned) {
		i.kill()
	}
	return true
}

// respond takes the answer to an invocation. It reports false when the process
// has no such invocation, or has answered it.
//
// acknowledge tells the process that it was taken, before the caller is woken:
// waking costs as much as writing, and the process has more to do before it is
// free for another invocation than the caller has before it sends one.
func (i *instance) respond(id string, payload []byte, f *Fault, acknowledge func()) bool {
	i.mu.Lock()
	v := i.findLocked(id)
	if v == nil || v.isAnswered() {
		i.mu.Unlock()
		return false
	}
	// The place is about to be free again. This must be known before the
	// caller is: its next invocation should wait for the place, not start
	// another instance.
	i.back++
	i.mu.Unlock()
	i.pool.expect(1)
	if !v.answer(payload, f, i.r.machine.Since(v.started)) {
		return false // out of time just now: the process is being killed
	}
	acknowledge()
	v.tell()
	if i.pool.spec.places() > 1 || v.Tail {
		i.settle(v)
	}
	return true
}

// settle finishes an invocation before the process asks for another: because
// with several at a time that says nothing about this one, or because the
// caller waits for the log.
func (i *instance) settle(v *invocation) {
	i.mu.Lock()
	if !i.dropLocked(v) {
		i.mu.Unlock()
		return
	}
	kill := i.condemn && !i.busyLocked(nil)
	i.mu.Unlock()
	v.finish()
	if kill {
		i.kill()
	}
}

// expire is called when an invocation has run out of time, answered or not:
// its process may still be busy with what it began.
func (v *invocation) expire() {
	if v.answer(nil, timedOut(v.RequestID, v.pool.spec.Timeout), v.pool.spec.Timeout) {
		v.tell()
	}
	v.inst.retireExcept(v)
}

// broke is called when the runtime says that it cannot initialise.
func (i *instance) broke(f *Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.failed || i.ready {
		return
	}
	i.failed, i.initErr = true, f
	close(i.broken)
}

// retire ends the instance when it has nothing under way.
func (i *instance) retire() { i.retireExcept(nil) }

// retireExcept ends the instance when nothing but late is under way.
func (i *instance) retireExcept(late *invocation) {
	i.mu.Lock()
	i.condemn = true
	busy := i.busyLocked(late)
	i.mu.Unlock()
	if !busy {
		i.kill()
	}
}

// giveUp ends the start of an instance. It reports false when the instance is
// ready after all.
func (i *instance) giveUp() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ready {
		return false
	}
	i.failed, i.condemn = true, true
	return true
}

// kill ends the process. One that asked for it is told half a second before.
func (i *instance) kill() {
	i.mu.Lock()
	wait := i.term && i.terminate != nil && i.terminate() == nil
	i.mu.Unlock()
	if !wait {
		i.end()
		return
	}
	i.r.machine.AfterFunc(shutdownGrace, i.end)
}

func (i *instance) end() {
	// A process that cannot be killed is one that has ended.
	_ = i.proc.Kill()
}

// watch waits for the end of the process and tells everybody. flushed blocks
// until everything that the process sent has been taken in.
func (i *instance) watch(flushed func()) {
	exit := i.proc.Exit()
	flushed()
	i.mu.Lock()
	i.condemn = true
	left := i.active
	i.active = nil
	back := i.back
	i.back = 0
	i.mu.Unlock()
	i.pool.expect(-back)
	for _, v := range left {
		if v.answer(nil, exited(v.RequestID, exit), i.r.machine.Since(v.started)) {
			v.tell()
		}
		v.finish()
	}
	i.exit = exit
	i.close()
	close(i.ended)
	i.pool.remove(i)
}

// stale reports whether the credentials expire before an invocation would be
// sure to be over.
func (i *instance) stale() bool {
	return i.expires != 0 && i.r.model.Now().Add(i.pool.spec.Timeout+credentialMargin) >= i.expires
}

// freeze stops an instance that has been idle since before now-freezeAfter.
func (i *instance) freeze(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.frozen || i.condemn || len(i.active) > 0 || i.pool.spec.NeverStop || i.pool.spec.Debug {
		return
	}
	i.frozen = i.proc.Freeze() == nil
}

// usage says what an invocation used. Memory is looked at every other second at
// most: asking the kernel costs more than the whole of a short invocation.
func (i *instance) usage(v *invocation) Use {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.r.machine.Now()
	if i.measured.IsZero() || now.Sub(i.measured) >= 2*time.Second || v.outcome != nil {
		i.memory, i.measured = max(i.memory, megabytes(i.proc.Usage())), now
	}
	s := i.pool.spec
	u := Use{
		Function: s.Function, Version: s.Version, RequestID: v.RequestID,
		MemoryMB: s.MemoryMB, MemoryMax: min(i.memory, s.MemoryMB), Duration: v.duration,
		Underway: int(v.pool.fn.underway.Load()) + 1, // it has left
	}
	if v.cold {
		u.Init = i.initTook
	}
	if v.Provisioned != nil {
		u.Provisioned, u.Spilled = v.result.Provisioned, !v.result.Provisioned
	}
	if v.outcome != nil {
		u.Fault = v.outcome.Type
	}
	return u
}

// busyLocked reports whether somebody other than late waits for an answer.
func (i *instance) busyLocked(late *invocation) bool {
	for _, v := range i.active {
		if v != late && !v.isAnswered() {
			return true
		}
	}
	return false
}

func (i *instance) findLocked(id string) *invocation {
	for _, v := range i.active {
		if v.RequestID == id {
			return v
		}
	}
	return nil
}

func (i *instance) dropLocked(v *invocation) bool {
	for n, have := range i.active {
		if have == v {
			i.active = append(i.active[:n], i.active[n+1:]...)
			return true
		}
	}
	return false
}
