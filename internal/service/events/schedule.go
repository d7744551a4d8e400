package events

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cron"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
)

// kindSchedule is that of the timers of rules; each has one.
const kindSchedule = "events.schedule"

// tooLate is by how much a schedule may fire late. What fell due before, while
// the cloud was down or its clock was set, is left out.
const tooLate = 5 * time.Minute

func (r rule) timerID() string { return r.bus.name + "/" + r.name }

// setSchedule sets the timer of a rule to when it is next due after now. A rule
// that is never due again has none.
func (s *Service) setSchedule(tx *kv.Tx, r rule, row *ruleRow, now clock.Instant) error {
	x, err := cron.Parse(cron.Rules, row.Schedule)
	if err != nil {
		return fmt.Errorf("events: schedule of %s: %w", r.arn(), err)
	}
	// A rate counts from when it was set, and is first due after one of it.
	begun := row.Begun.Time().Add(x.Every)
	next, ok := x.Next(now.Time(), begun, time.UTC)
	if !ok {
		return s.Timers.Cancel(tx, r.bus.cell(), kindSchedule, r.timerID())
	}
	return s.Timers.Set(tx, timer.T{Cell: r.bus.cell(), Kind: kindSchedule, ID: r.timerID(), Due: clock.At(next)})
}

// fireSchedule sends the event of a schedule to the targets of its rule.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func (s *Service) fireSchedule(tx *kv.Tx, now clock.Instant, t timer.T) error {
	b := bus{scope: scopeOf(t.Cell), name: defaultBus}
	_, name, _ := strings.Cut(t.ID, "/")
	r := rule{b, name}
	var row ruleRow
	if ok, err := jsonrow.Get(tx, r.key(), &row); err != nil || !ok || row.timing() == "" {
		return err
	}
	if err := s.setSchedule(tx, r, &row, max(now, t.Due)); err != nil {
		return err
	}
	if now.Sub(t.Due) > tooLate {
		return nil
	}
	e := scheduled(r, t.Due, now)
	targets, err := row.outlets()
	if err != nil {
		return err
	}
	rules := []*indexed{{r, targets}}
	effects, err := appendEffects(nil, e, rules)
	if err != nil {
		return err
	}
	tx.After(func(kv.Stamp) { s.measure(rules) })
	return s.Emit.Emit(tx, effects...)
}

// scheduled is the event of a schedule that was due. It is the same however often
// it is made.
func scheduled(r rule, due, now clock.Instant) *event {
	c := content{
		ID: idOf(r.arn(), due.String()), DetailType: "Scheduled Event", Source: "aws.events", Account: r.bus.scope.Account, Region: r.bus.scope.Region,
		Time: due, Resources: []string{r.arn()}, Detail: []byte("{}"),
	}
	return &event{bus: r.bus, id: c.ID, json: c.encode(), at: now, cause: causeOf(c.ID, now)}
}

// causeOf begins a trace that has the name of what begins it: bodies of
// transactions make nothing random.
func causeOf(id string, now clock.Instant) record.Cause {
	c := record.Cause{Request: id}
	sum := sha256.Sum256([]byte(id))
	binary.BigEndian.PutUint32(c.Trace[:4], uint32(now.Unix()))
	copy(c.Trace[4:], sum[:])
	return c
}
