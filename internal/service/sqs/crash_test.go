package sqs_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// TestPowerLoss cuts the power of a store while many send to a standard and a FIFO
// queue, and others receive and delete. Over all lives: no message whose sending was
// acknowledged is missing, none whose deletion was acknowledged comes again, the
// messages of a group come first in the order of their numbers, and while somebody
// holds a message nobody else gets it.
//
// It fails, each alone, if: sends are committed relaxed; deletes are committed
// relaxed; a receive gives out what is not on the disk yet (look at any stamp in
// take.go); a group's row stays where it is after a receive.
func TestPowerLoss(t *testing.T) {
	for seed := range seeds(t, 8) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { powerLoss(t, seed) })
	}
}

// witness sees all that is acknowledged, until the power fails.
type witness struct {
	*testing.T

	mu      sync.Mutex
	off     bool           // the power has failed: what is acknowledged now counts for nothing
	left    int            // acknowledgements until it does
	cut     func()         // cuts it
	life    int            // counts from 0
	sent    map[string]int // acknowledged, by body: the life
	gone    map[string]bool
	tried   map[string]bool // deletions that were asked for
	came    map[string]bool // received, ever
	newest  map[string]string
	holders map[string]clock.Instant // until when, in this life
}

// ack notes something that was acknowledged, if the power is on.
func (w *witness) ack(note func()) (on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.off {
		return false
	}
	note()
	if w.left--; w.left == 0 {
		w.cut()
		w.off = true
	}
	return !w.off
}

// on reports whether the power is on.
func (w *witness) on() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.off
}

func powerLoss(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 12))
	w := &witness{
		T: t, sent: map[string]int{}, gone: map[string]bool{}, tried: map[string]bool{}, came: map[string]bool{}, newest: map[string]string{},
	}
	mem := disktest.NewMem()
	now := clock.Unix(noon, 0)
	const lives = 4
	for life := range lives {
		engine, err := pebblekv.Open("kv", pebblekv.Options{FS: mem.FS()})
		if err != nil {
			t.Fatal(err)
		}
		db := kv.Open(engine)
		b := makeBed(t, db, now)
		queues := []*string{b.create("q"), b.create("q.fifo")}
		var next *disktest.Mem
		w.off, w.life, w.left, w.holders = false, life, 1+r.IntN(600), map[string]clock.Instant{}
		w.cut = func() { next = mem.Crash(r, r.IntN(101)) }
		if life == lives-1 {
			w.left = -1
			w.drain(b, queues)
		} else {
			w.use(b, queues, r.Uint64())
		}
		b.stop()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		now, mem = b.clock.Now(), next
	}
	for body := range w.sent {
		if !w.gone[body] && !w.tried[body] && !w.came[body] {
			t.Errorf("message %s was acknowledged in life %d and never came", body, w.sent[body])
		}
	}
	t.Logf("%d messages acknowledged, %d deleted", len(w.sent), len(w.gone))
}

// use sends, receives and deletes until the power fails.
func (w *witness) use(b *bed, queues []*string, seed uint64) {
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			for i := 0; w.on(); i++ {
				w.send(b, queues[n%2], fmt.Sprintf("%d-%d-%05d", w.life, n, i), n)
			}
		})
	}
	for n := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(n)))
			for w.receive(b, queues[n%2], r) {
			}
		})
	}
	wg.Wait()
}

func (w *witness) send(b *bed, q *string, body string, n int) {
	in := &shapes.SendMessageRequest{QueueUrl: q, MessageBody: &body}
	if strings.HasSuffix(*q, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = ptr(fmt.Sprint("g", n/4)), &body
	}
	if _, err := awsapi.Do(b.ctx, b.front, shapes.SendMessage, in); err != nil {
		w.Errorf("send: %v", err)
		return
	}
	w.ack(func() { w.sent[body] = w.life })
}

// receive receives some messages and deletes most of them, and reports whether the
// power is on.
func (w *witness) receive(b *bed, q *string, r *rand.Rand) bool {
	before := b.clock.Now()
	out, err := awsapi.Do(b.ctx, b.front, shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{
		QueueUrl: q, MaxNumberOfMessages: ptr(int32(1 + r.IntN(10))), VisibilityTimeout: ptr(int32(30)), AttributeNames: []string{"All"},
	})
	if err != nil {
		w.Errorf("receive: %v", err)
		return false
	}
	after := b.clock.Now()
	if len(out.Messages) == 0 {
		return w.on()
	}
	on := w.ack(func() {
		for _, m := range out.Messages {
			w.holds(*m.Body, m.Attributes["MessageGroupId"], m.Attributes["SequenceNumber"], before, after)
		}
	})
	for _, m := range out.Messages {
		if !on || r.IntN(4) == 0 {
			continue
		}
		w.mu.Lock()
		w.tried[*m.Body] = true
		w.mu.Unlock()
		if _, err := awsapi.Do(b.ctx, b.front, shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: q, ReceiptHandle: m.ReceiptHandle}); err != nil {
			if !strings.Contains(err.Error(), "expired") {
				w.Errorf("delete: %v", err)
			}
			continue
		}
		on = w.ack(func() {
			if b.clock.Now() < before.Add(30*time.Second) { // else somebody else may have it, and nothing was deleted
				w.gone[*m.Body] = true
			}
		})
	}
	if r.IntN(8) == 0 {
		if err := b.clock.Set(b.clock.Now().Add(time.Duration(r.IntN(20)) * time.Second)); err != nil && !strings.Contains(err.Error(), "back") {
			w.Errorf("clock: %v", err)
		}
	}
	return on
}

// holds checks that a message may come. It is called with mu held.
func (w *witness) holds(body, group, sequence string, before, after clock.Instant) {
	if w.gone[body] {
		w.Errorf("life %d: message %s comes again after its deletion was acknowledged", w.life, body)
	}
	if until, held := w.holders[body]; held && after < until && !w.tried[body] {
		w.Errorf("life %d: message %s comes at %s, and somebody holds it until %s", w.life, body, after, until)
	}
	w.holders[body] = before.Add(30 * time.Second)
	if !w.came[body] && group != "" {
		// Two receives may end in another order than they began, but one of them
		// has locked the group, so that what follows was received later.
		if sequence < w.newest[group] {
			w.Errorf("life %d: message %s of group %s comes first after one that was sent later", w.life, body, group)
		}
		w.newest[group] = sequence
	}
	w.came[body] = true
}

// drain receives all that there is.
func (w *witness) drain(b *bed, queues []*string) {
	r := rand.New(rand.NewPCG(0, 0))
	for _, q := range queues {
		for b.counts(q) != "0 0 0" {
			if !w.receive(b, q, r) {
				return
			}
			if err := b.clock.Set(b.clock.Now().Add(31 * time.Second)); err != nil {
				w.Fatal(err)
			}
		}
	}
}
