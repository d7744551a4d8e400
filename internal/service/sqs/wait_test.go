package sqs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/service/sqs"
)

// poller is a long poll under way.
type poller struct{ got chan string }

func (b *bed) poll(q *string) poller {
	p := poller{make(chan string, 1)}
	go func() {
		out, err := awsapi.Do(b.ctx, b.front, shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: q, WaitTimeSeconds: ptr(int32(20))})
		if err != nil {
			p.got <- err.Error()
			return
		}
		p.got <- bodies(out.Messages)
	}()
	synctest.Wait()
	return p
}

// has returns what a poll has got, or that it waits.
func (p poller) has() string {
	synctest.Wait()
	select {
	case s := <-p.got:
		return s
	default:
		return "waits"
	}
}

func TestLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		q := b.create("q")
		began := time.Now()
		p := b.poll(q)
		expect(b, "at first", p.has(), "waits")
		time.Sleep(20*time.Second - 1)
		expect(b, "just before its end", p.has(), "waits")
		time.Sleep(time.Nanosecond)
		expect(b, "at its end", p.has(), "")
		expect(b, "it took", time.Since(began), 20*time.Second)

		p = b.poll(q)
		b.send(q, "m")
		expect(b, "woken by a message", p.has(), "m")
		expect(b, "at once", time.Since(began), 20*time.Second)
	})
}

// The first in line is the first to get something, and one message wakes one.
func TestLongPollsAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		q := b.create("q")
		var ps []poller
		for range 5 {
			ps = append(ps, b.poll(q))
		}
		for i := range ps {
			b.send(q, fmt.Sprint(i))
			for j := i; j < len(ps); j++ {
				want := "waits"
				if j == i {
					want = fmt.Sprint(i)
				}
				expect(b, fmt.Sprintf("after message %d: poll %d", i, j), ps[j].has(), want)
			}
		}
		// A batch wakes as many as it has messages.
		ps = nil
		for range 3 {
			ps = append(ps, b.poll(q))
		}
		do(b, shapes.SendMessageBatch, &shapes.SendMessageBatchRequest{QueueUrl: q, Entries: []shapes.SendMessageBatchRequestEntry{
			{Id: ptr("1"), MessageBody: ptr("x")}, {Id: ptr("2"), MessageBody: ptr("x")},
		}})
		expect(b, "first", ps[0].has(), "x")
		expect(b, "second", ps[1].has(), "x")
		expect(b, "third", ps[2].has(), "waits")
	})
}

// Who waits because too many messages are in flight is woken when one of them is
// deleted, or visible again.
func TestLongPollAtTheLimit(t *testing.T) {
	for _, name := range []string{"q", "q.fifo"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBed(t, func(o *sqs.Options) { o.InFlight = 1 })
			q := b.create(name)
			for _, body := range []string{"1", "2", "3"} {
				in := &shapes.SendMessageRequest{QueueUrl: q, MessageBody: &body}
				if name != "q" {
					in.MessageGroupId, in.MessageDeduplicationId = &body, &body
				}
				do(b, shapes.SendMessage, in)
			}
			first := b.receive(q, most(1))
			p := b.poll(q)
			expect(b, name+": at the limit", p.has(), "waits")
			r, err := b.s.Queues().Receive(b.ctx, arn.ARN(queueARN+name), portion(1), 0)
			expect(b, name+": a mapping", fmt.Sprint(len(r.Messages), " ", r.Next, " ", err), fmt.Sprint("0 ", b.clock.Now().Add(30*time.Second), " <nil>"))
			b.delete(q, first...)
			expect(b, name+": after a deletion", p.has(), "2")
			p = b.poll(q)
			expect(b, name+": at the limit again", p.has(), "waits")
			b.advance(30 * time.Second)
			if got := p.has(); got != "2" && got != "3" {
				t.Errorf("%s: after a visibility: %s", name, got)
			}
		})
	}
}

// Those who wait are woken by the model clock: the end of a delay, of a visibility,
// and what a group frees.
func TestLongPollWakesByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		q := b.create("q")
		p := b.poll(q)
		b.send(q, "delayed", late(60))
		expect(b, "delayed", p.has(), "waits")
		b.advance(time.Minute)
		expect(b, "after the delay", p.has(), "delayed")
		p = b.poll(q)
		b.advance(30 * time.Second)
		expect(b, "after its visibility", p.has(), "delayed")
		m := b.poll(q)
		b.advance(31 * time.Second)
		expect(b, "after its second visibility", m.has(), "delayed")

		f := b.create("f.fifo", "ContentBasedDeduplication", "true")
		b.send(f, "1", to("g", ""))
		b.send(f, "2", to("g", ""))
		first := b.receive(f, most(1))
		p = b.poll(f)
		expect(b, "the group is locked", p.has(), "waits")
		b.delete(f, first...)
		expect(b, "the group is free", p.has(), "2")
	})
}

func TestLongPollOfAQueueThatGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		q := b.create("q")
		p := b.poll(q)
		do(b, shapes.PurgeQueue, &shapes.PurgeQueueRequest{QueueUrl: q})
		expect(b, "after a purge", p.has(), "waits")
		b.send(q, "m")
		expect(b, "a message after it", p.has(), "m")
		p = b.poll(q)
		do(b, shapes.DeleteQueue, &shapes.DeleteQueueRequest{QueueUrl: q})
		if got := p.has(); !strings.HasPrefix(got, "QueueDoesNotExist") {
			t.Errorf("after the deletion: %s", got)
		}
		q = b.create("q")
		p = b.poll(q)
		b.s.Stop()
		expect(b, "when the service stops", p.has(), "")
	})
}

// Nobody who waits keeps the cloud from being settled, and whom a message wakes does
// until the call has ended.
func TestWaitingIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t)
		q := b.create("q")
		token := b.ledger.Begin(0, "ReceiveMessage")
		call := *awsapi.From(b.ctx)
		call.Work = token
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer token.End()
			if _, err := awsapi.Do(awsapi.With(b.ctx, &call), b.front, shapes.ReceiveMessage, &shapes.ReceiveMessageRequest{QueueUrl: q, WaitTimeSeconds: ptr(int32(20))}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		b.settle() // it would not return
		b.send(q, "m")
		<-ended
		b.settle()
	})
}
