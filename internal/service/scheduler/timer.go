package scheduler

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cron"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
)

// kindTimer is that of the timers of schedules; each has one.
const kindTimer = "scheduler"

// tooLate is by how much a recurring schedule may run late. What fell due before,
// while the cloud was down or its clock was set, is left out.
const tooLate = 5 * time.Minute

// next is the first time after t that a schedule names, and whether it comes once
// only.
func (r *row) next(t clock.Instant) (at clock.Instant, once, ok bool, err error) {
	x, err := cron.Parse(cron.Scheduler, r.Expression)
	if err != nil {
		return 0, false, false, fmt.Errorf("scheduler: %w", err)
	}
	zone, err := cron.Zone(r.Zone)
	if err != nil {
		return 0, false, false, fmt.Errorf("scheduler: %w", err)
	}
	begun := r.Begun
	if !r.Start.IsZero() && x.Kind != cron.At {
		begun = r.Start
		t = max(t, r.Start-1)
	}
	when, ok := x.Next(t.Time(), begun.Time(), zone)
	at = clock.At(when)
	if ok && x.Kind != cron.At && !r.End.IsZero() && at > r.End {
		ok = false
	}
	return at, x.Kind == cron.At, ok, nil
}

// setTimer sets the timer of a schedule to when it is next due after t, and
// reports whether it is due any more.
func (s *Service) setTimer(tx *kv.Tx, n name, r *row, t clock.Instant) (bool, error) {
	at, once, ok, err := r.next(t)
	if err != nil {
		return false, err
	}
	if !ok || r.State == disabled {
		return ok, s.Timers.Cancel(tx, n.cell(), kindTimer, n.timerID())
	}
	return true, s.Timers.Set(tx, timer.T{
		Cell: n.cell(), Kind: kindTimer, ID: n.timerID(), Due: at.Add(r.delay(n, at)), OneShot: once,
		Payload: binary.BigEndian.AppendUint64(nil, uint64(at)),
	})
}

// delay is how long after its time a schedule with a flexible window runs.
func (r *row) delay(n name, at clock.Instant) time.Duration {
	if r.Window == 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(n.arn()))
	rng := rand.New(rand.NewPCG(h.Sum64(), uint64(at)))
	return time.Duration(rng.Int64N(int64(r.Window)*int64(time.Minute/time.Second))) * time.Second
}

// fire calls the target of a schedule.
func (s *Service) fire(tx *kv.Tx, now clock.Instant, t timer.T) error {
	group, schedule, _ := strings.Cut(t.ID, "/")
	n := name{arn.In(t.Cell.Region, t.Cell.Account), group, schedule}
	if len(t.Payload) != 8 {
		return fmt.Errorf("scheduler: timer of %s: bad payload of %d bytes", n.arn(), len(t.Payload))
	}
	at := clock.Instant(binary.BigEndian.Uint64(t.Payload))
	var r row
	if ok, err := jsonrow.Get(tx, n.key(), &r); err != nil || !ok || r.State == disabled {
		return err
	}
	// In windows that overlap the next time may be over already.
	from := at
	if late := now.Sub(t.Due) > tooLate; late || r.Window == 0 {
		from = max(now, at)
	}
	more, err := s.setTimer(tx, n, &r, from)
	if err != nil {
		return err
	}
	if !more && r.After == "DELETE" {
		if err := s.drop(tx, n); err != nil {
			return err
		}
	}
	if !t.OneShot && now.Sub(t.Due) > tooLate {
		return nil
	}
	e, err := r.effect(n, at, now)
	if err != nil {
		return err
	}
	return s.Emit.Emit(tx, e)
}

// executionID names one run of a schedule: the same however often it is made.
func executionID(n name, at clock.Instant) string {
	sum := sha256.Sum256([]byte(n.arn() + at.String()))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID made of something else
	x := hex.EncodeToString(sum[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
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
