package stack

import "github.com/nube-run/nube/internal/kv"

// batch is what one step of an operation records, in one commit. It is filled
// before the commit, so that the commit's body only writes.
type batch struct {
	run     *run
	pairs   []kv.Pair
	deletes []kv.Key
	events  []Event
	checks  []func(tx *kv.Tx) error // may read, write and refuse

	moves bool // the operation leaves the phase of applying: not if it was cancelled without the runner's knowledge
}

func (r *run) batch() *batch { return &batch{run: r} }

// resource records a resource as it is now.
func (b *batch) resource(res *Resource) {
	b.pairs = append(b.pairs, put(b.run.l.resource(b.run.id, res.LogicalID), res))
}

// remove forgets a resource.
func (b *batch) remove(res *Resource) {
	b.deletes = append(b.deletes, b.run.l.resource(b.run.id, res.LogicalID))
}

// note gives a resource a status and records it with the event.
func (b *batch) note(res *Resource, s Status, why string) {
	res.Status, res.Reason, res.Changed = s, why, b.run.e.model.Now()
	b.event(res, s, why)
	b.resource(res)
}

// event records an event of a resource.
func (b *batch) event(res *Resource, s Status, why string) {
	props := res.Properties
	id := res.PhysicalID
	if it := res.Intent; it != nil && it.Action != actDelete {
		props = it.Properties
	}
	b.events = append(b.events, Event{
		LogicalID: res.LogicalID, PhysicalID: id, Type: res.Type, Status: s, Reason: why, Time: b.run.e.model.Now(),
		Properties: b.run.shown(props), Token: b.run.op.Token,
	})
}

// stray records an event of a physical resource that the logical one has left
// behind.
func (b *batch) stray(res *Resource, v *version, s Status, why string) {
	b.events = append(b.events, Event{
		LogicalID: res.LogicalID, PhysicalID: v.PhysicalID, Type: res.Type, Status: s, Reason: why, Time: b.run.e.model.Now(),
		Properties: b.run.shown(v.Properties), Token: b.run.op.Token,
	})
}

// stack gives the stack a status and records it with the event.
func (b *batch) stack(s Status, why string) {
	info := b.run.info
	info.Status, info.Reason = s, why
	b.pairs = append(b.pairs, put(b.run.l.stack(b.run.id), info))
	b.events = append(b.events, Event{
		LogicalID: info.Name, PhysicalID: info.ID, Type: stackType, Status: s, Reason: why, Time: b.run.e.model.Now(), Token: b.run.op.Token,
	})
}

// phase moves the operation on.
func (b *batch) phase(p phase) {
	b.run.op.Phase = p
	b.pairs = append(b.pairs, put(b.run.l.op(b.run.id), b.run.op))
}

// end ends the operation.
func (b *batch) end() {
	l, id := b.run.l, b.run.id
	b.deletes = append(b.deletes, l.op(id), l.active(id), l.body(id, bodyNext))
	b.run.ended = true
}

// park ends the work on the operation, which can be continued.
func (b *batch) park() {
	b.deletes = append(b.deletes, b.run.l.active(b.run.id))
	b.run.ended = true
}

// check adds something that must hold when the batch is committed.
func (b *batch) check(fn func(tx *kv.Tx) error) { b.checks = append(b.checks, fn) }

// commit writes the batch, unless another runner owns the operation. It does not
// end with the time that a step has, only with the process.
func (b *batch) commit() error {
	r := b.run
	logs := make([][]byte, len(b.events))
	for i := range b.events {
		logs[i] = put(nil, &b.events[i]).Value
	}
	_, err := r.e.db.Update(r.e.base, func(tx *kv.Tx) error {
		op, ok, err := get[operation](tx, r.l.op(r.id))
		switch {
		case err != nil:
			return err
		case !ok || op.Fence != r.fence:
			return errFenced
		case b.moves && op.Cancelled && !r.op.Cancelled:
			return errCancelled
		}
		for _, check := range b.checks {
			if err := check(tx); err != nil {
				return err
			}
		}
		write(tx, b.pairs...)
		for _, k := range b.deletes {
			tx.Delete(k)
		}
		for _, e := range logs {
			tx.Append(r.l.events(r.id), nil, e)
		}
		tx.Signal(r.l.stack(r.id))
		return nil
	})
	return err
}
