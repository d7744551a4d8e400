package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"

	"github.com/nube-run/nube/internal/awsapi"
)

// The model of a queue: its messages in the order in which they were sent, and
// nothing else. What it says of a FIFO queue is exact; of a standard queue it says
// what may be received, and how much must be.
type model struct {
	fifo      bool
	retention time.Duration
	latest    int // seconds that a message of a standard queue is delayed, twice as many at most
	messages  []*known
	accepted  map[string]clock.Instant // deduplication ids
}

// known is a message as the model has it.
type known struct {
	body, group string
	sent, after clock.Instant
	until       clock.Instant // in flight until then
	count       int
	handle      string // of the last receive
}

func (m *model) expire(now clock.Instant) {
	m.messages = slices.DeleteFunc(m.messages, func(k *known) bool { return now >= k.sent.Add(m.retention) })
}

func (k *known) inFlight(now clock.Instant) bool { return k.count > 0 && now < k.until }

// visible are the messages that can be received, in their order: of a FIFO queue
// those of each group up to the first that is in flight or delayed.
func (m *model) visible(now clock.Instant) []*known {
	locked := map[string]bool{}
	var out []*known
	for _, k := range m.messages {
		switch {
		case locked[k.group]:
		case k.inFlight(now), k.after > now:
			locked[k.group] = m.fifo
		default:
			out = append(out, k)
		}
	}
	return out
}

func (m *model) counts(now clock.Instant) string {
	flying, late := 0, 0
	for _, k := range m.messages {
		if k.inFlight(now) {
			flying++
		} else if k.after > now {
			late++
		}
	}
	return fmt.Sprintf("%d %d %d", len(m.messages)-flying-late, flying, late)
}

// TestModel does random things to a queue and to its model.
//
// It fails, each alone, if: came does not lower the cursor (live.go); a group's row
// stays where it is after a receive (takeGroup); settle frees a group whose first
// message is in flight; passed ignores what came meanwhile; recall looks into one
// bucket only; what expires while it is delayed counts on.
func TestModel(t *testing.T) {
	for seed := range seeds(t, 24) {
		for _, name := range []string{"q", "q.fifo"} {
			t.Run(fmt.Sprintf("%s seed=%d", name, seed), func(t *testing.T) { compare(t, name, seed) })
		}
	}
}

func compare(t *testing.T, name string, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	b := newBed(t)
	keep, latest := 60+r.IntN(3000), 60
	if seed%4 == 0 { // some are delayed for longer than they are kept
		keep, latest = 60+r.IntN(60), 240
	}
	m := &model{fifo: name != "q", latest: latest, retention: time.Duration(keep) * time.Second, accepted: map[string]clock.Instant{}}
	attributes := []string{"MessageRetentionPeriod", strconv.Itoa(int(m.retention.Seconds()))}
	delay := 0
	if m.fifo && seed%3 == 0 {
		delay = 1 + r.IntN(latest)
		attributes = append(attributes, "DelaySeconds", strconv.Itoa(delay))
	}
	q := b.create(name, attributes...)
	for step := range 400 {
		now := b.clock.Now()
		m.expire(now)
		switch n := r.IntN(20); {
		case n < 7:
			m.send(b, q, r, step, delay)
		case n < 12:
			m.receive(b, q, r)
		case n < 15:
			m.delete(b, q, r)
		case n < 17:
			m.hold(b, q, r)
		default:
			b.advance(time.Duration(r.IntN(50_000)) * time.Millisecond)
		}
		now = b.clock.Now()
		m.expire(now)
		if got, want := b.counts(q), m.counts(now); got != want {
			t.Fatalf("step %d: counts %s, want %s", step, got, want)
		}
		if t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
}

func (m *model) send(b *bed, q *string, r *rand.Rand, step, delay int) {
	now := b.clock.Now()
	k := &known{body: strconv.Itoa(step), group: string(rune('a' + r.IntN(4))), sent: now, after: now.Add(time.Duration(delay) * time.Second)}
	if !m.fifo {
		if r.IntN(2) == 0 {
			k.group = ""
		}
		seconds := int32(r.IntN(3) * r.IntN(m.latest))
		k.after = now.Add(time.Duration(seconds) * time.Second)
		b.send(q, k.body, late(seconds), func(in *shapes.SendMessageRequest) {
			if k.group != "" {
				to(k.group, "")(in)
			}
		})
		m.messages = append(m.messages, k)
		return
	}
	id := strconv.Itoa(r.IntN(60))
	b.send(q, k.body, to(k.group, id))
	if at, ok := m.accepted[id]; ok && now < at.Add(5*time.Minute) {
		return
	}
	m.accepted[id] = now
	m.messages = append(m.messages, k)
}

func (m *model) receive(b *bed, q *string, r *rand.Rand) {
	now := b.clock.Now()
	limit, seconds := int32(1+r.IntN(10)), int32(1+r.IntN(60))
	got := b.receive(q, most(limit), invisible(seconds))
	can := m.visible(now)
	if want := min(len(can), int(limit)); len(got) != want {
		b.Errorf("received %d messages, want %d of %d", len(got), want, len(can))
	}
	for _, x := range got {
		at := slices.IndexFunc(can, func(k *known) bool { return k.body == *x.Body })
		if at < 0 {
			b.Errorf("received %s, which was not to be", *x.Body)
			continue
		}
		k := can[at]
		if m.fifo {
			for _, before := range can[:at] {
				if before.group == k.group {
					b.Errorf("received %s of group %s before %s", k.body, k.group, before.body)
				}
			}
		}
		can = slices.Delete(can, at, at+1)
		k.count++
		k.until, k.handle = now.Add(time.Duration(seconds)*time.Second), *x.ReceiptHandle
		if c := x.Attributes["ApproximateReceiveCount"]; c != strconv.Itoa(k.count) {
			b.Errorf("message %s was received %s times, want %d", k.body, c, k.count)
		}
	}
}

// pick is any message that was received, or nil.
func (m *model) pick(r *rand.Rand) *known {
	var had []*known
	for _, k := range m.messages {
		if k.count > 0 {
			had = append(had, k)
		}
	}
	if len(had) == 0 {
		return nil
	}
	return had[r.IntN(len(had))]
}

func (m *model) delete(b *bed, q *string, r *rand.Rand) {
	k := m.pick(r)
	if k == nil {
		return
	}
	_, err := awsapi.Do(b.ctx, b.front, shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: &k.handle})
	if m.fifo && !k.inFlight(b.clock.Now()) {
		if !fault.Is(err, "InvalidParameterValue") {
			b.Errorf("deletion of %s by a handle that has expired: %v", k.body, err)
		}
		return
	}
	if err != nil {
		b.Errorf("deletion of %s: %v", k.body, err)
	}
	m.messages = slices.DeleteFunc(m.messages, func(x *known) bool { return x == k })
}

func (m *model) hold(b *bed, q *string, r *rand.Rand) {
	k := m.pick(r)
	if k == nil {
		return
	}
	now, seconds := b.clock.Now(), int32(r.IntN(2)*r.IntN(120))
	_, err := awsapi.Do(b.ctx, b.front, shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: q, ReceiptHandle: &k.handle, VisibilityTimeout: &seconds})
	if !k.inFlight(now) {
		if !fault.Is(err, "MessageNotInflight") {
			b.Errorf("change of %s, which is not in flight: %v", k.body, err)
		}
		return
	}
	if err != nil {
		b.Errorf("change of %s: %v", k.body, err)
	}
	k.until = now.Add(time.Duration(seconds) * time.Second)
}
