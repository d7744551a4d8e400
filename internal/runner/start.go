package runner

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/work"
)

const (
	// startShare is how long a start keeps its right to start. Loading a
	// program is over by then; what takes longer mostly waits for the network,
	// and must not keep other functions from starting.
	startShare = 250 * time.Millisecond
	// exitGrace is how long a runtime that reported that it cannot initialise
	// gets to end by itself, so that its last words are in the log.
	exitGrace = 500 * time.Millisecond
	// shutdownGrace is what a process gets between SIGTERM and SIGKILL
	// (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
	shutdownGrace = 500 * time.Millisecond
)

// start starts one instance. The right to start is given back by done.
//
// An initialisation may take ten seconds. One that has not come to its end is
// begun again, as in Lambda, with the function's time-out for a limit: it is
// then part of the invocation.
func (p *pool) start(done func()) {
	defer p.r.wg.Done()
	defer done()
	token := p.r.opts.Ledger.Begin(work.Init, p.spec.Name)
	defer token.End()
	patience := p.r.machine.AfterFunc(startShare, done)
	defer patience.Stop()

	began := p.r.machine.Now()
	i, fault := p.boot("init", p.r.opts.InitLimit)
	if fault != nil && fault("").Type == "Sandbox.Timedout" {
		i, fault = p.boot("invoke", p.spec.Timeout)
	}
	if fault == nil {
		return
	}
	v, warm := p.failed(fault(""), began)
	switch {
	case v != nil:
		v.inst, v.result.Stream = i, i.stream
		var tail *[]byte
		if v.Tail {
			tail = &v.tail
		}
		i.out.begin(v.RequestID, startLine(v.RequestID, p.spec.Version), tail)
		if v.answer(nil, fault(v.RequestID), p.r.machine.Since(i.spawned)) {
			v.tell()
		}
		v.finish()
	case warm != nil:
		warm <- fault("")
	}
	p.r.forget(p)
}

// boot starts a process and waits until it asks for its first invocation. When
// it does not, the process is gone on return, and fault makes the error for
// whoever waited.
func (p *pool) boot(phase string, limit time.Duration) (i *instance, fault func(id string) *Fault) {
	i = newInstance(p)
	if err := p.r.spawn(context.Background(), i); err != nil {
		return i, func(id string) *Fault { return unstartable(id, err) }
	}
	if !p.add(i) {
		i.end()
	}
	if p.spec.Debug {
		limit = underDebugger
	}
	timer := p.r.machine.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-i.up:
		return i, nil
	case <-i.broken:
		fault = func(string) *Fault { return i.initErr }
		grace := p.r.machine.AfterFunc(exitGrace, i.end)
		defer grace.Stop()
	case <-i.ended:
		fault = func(id string) *Fault { return exited(id, i.exit) }
	case <-timer.C:
		fault = func(id string) *Fault { return timedOut(id, p.spec.Timeout) }
	}
	if !i.giveUp() {
		return i, nil
	}
	if timeout := fault("").status.status == "timeout"; timeout {
		i.end()
	}
	<-i.ended
	f := fault("")
	s := f.status
	if s.status == "" {
		s = status{status: "error", kind: f.Type}
	}
	i.out.say(initReport(p.r.machine.Since(i.spawned), phase, s))
	return i, fault
}
