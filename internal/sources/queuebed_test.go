package sources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// A queue of the tests lies in the store, at these keys:
//
//	"queue" name       → its description: queueRow
//	"in" name stamp    → a message: messageRow; the stamp is what follows the prefix
func queueKeys() keyspace.Subspace { return keyspace.Service(here, "testqueue", 0) }
func queueKey(name string) kv.Key  { return queueKeys().Key().Str("queue").Str(name).Done() }
func messages(name string) kv.Key  { return queueKeys().Key().Str("in").Str(name).Stamped() }

type queueRow struct {
	Visibility time.Duration
	FIFO       bool
	Redrive    int // how often a message is received until it goes; 0: for ever
	Locked     bool
}

type messageRow struct {
	Text, Group string
	At          clock.Instant // when it is visible
	Count       int
}

// queues is a [sources.Queue] over those keys. A receipt is the message's place and
// its count.
type queues struct {
	db    *kv.DB
	model *clock.Model
}

func (queues) Service() string { return "testq" }
func (queues) Needs(a arn.ARN) []awsapi.Access {
	return []awsapi.Access{{Action: "testq:Read", Resource: a}}
}
func (queues) Changed(a arn.ARN) kv.Key { return queueKey(a.Resource()) }

func (queues) row(s interface{ Get(kv.Key) ([]byte, error) }, a arn.ARN) (r queueRow, err error) {
	b, err := s.Get(queueKey(a.Resource()))
	if err != nil {
		return r, err
	}
	if b == nil {
		return r, fmt.Errorf("%w: %s", sources.ErrNoSource, a)
	}
	return r, json.Unmarshal(b, &r)
}

func (q queues) Describe(s *kv.Snap, a arn.ARN) (sources.Description, error) {
	r, err := q.row(s, a)
	return sources.Description{FIFO: r.FIFO, Visibility: r.Visibility, Topic: messages(a.Resource()), Redrive: r.Redrive > 0}, err
}

func (q queues) Unlock(ctx context.Context, a arn.ARN, _ delivery.ActorRef) error {
	return q.db.View(ctx, func(s *kv.Snap) error {
		if r, err := q.row(s, a); err != nil || !r.Locked {
			return err
		}
		return fault.New("KmsAccessDenied", "locked")
	})
}

func (q queues) Pending(s *kv.Snap, a arn.ARN, now clock.Instant) (p sources.Pending, err error) {
	row, err := q.row(s, a)
	if err != nil {
		return p, err
	}
	locked := map[string]bool{}
	for pair, err := range s.Scan(keyspace.PrefixRange(messages(a.Resource())), kv.ScanOptions{}) {
		if err != nil {
			return p, err
		}
		switch m := parseMessage(pair.Value); {
		case m.At > now:
			locked[m.Group] = row.FIFO
			if p.Next.IsZero() || m.At < p.Next {
				p.Next = m.At
			}
		case !locked[m.Group]:
			p.Ready = true
		}
	}
	return p, nil
}

func parseMessage(b []byte) (m messageRow) {
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	return m
}

func (m messageRow) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// Receive takes in order. Of a FIFO queue it takes nothing of a group behind a
// message that is in flight.
func (q queues) Receive(ctx context.Context, a arn.ARN, most sources.Portion, visibility time.Duration) (r sources.Received, err error) {
	prefix := messages(a.Resource())
	_, err = q.db.Update(ctx, func(tx *kv.Tx) error {
		r = sources.Received{}
		bytes := 0
		row, err := q.row(tx, a)
		if err != nil {
			return err
		}
		now, locked := q.model.Now(), map[string]bool{}
		for pair, err := range tx.Scan(keyspace.PrefixRange(prefix), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			m := parseMessage(pair.Value)
			switch {
			case m.At > now:
				if r.Next.IsZero() || m.At < r.Next {
					r.Next = m.At
				}
				locked[m.Group] = row.FIFO
				continue
			case locked[m.Group]:
				continue
			case len(r.Messages) == most.Messages || r.Full:
				r.More = true
				continue
			case row.Redrive > 0 && m.Count >= row.Redrive:
				tx.Delete(pair.Key)
				continue
			}
			event, err := json.Marshal(map[string]any{"key": m.Group, "text": m.Text, "body": m.Text})
			if err != nil {
				return err
			}
			if bytes += len(event) + 1; bytes > most.Bytes && !(most.First && len(r.Messages) == 0) {
				r.Full, r.More = true, true
				continue
			}
			m.Count++
			m.At = now.Add(max(visibility, row.Visibility))
			tx.Set(pair.Key, m.encode())
			r.Messages = append(r.Messages, sources.Message{
				ID: "s" + m.Text, Receipt: fmt.Sprint(string(pair.Key[len(prefix):]), "/", m.Count), Group: m.Group, Count: m.Count, Body: m.Text, Event: event,
			})
		}
		return nil
	}, kv.Relaxed())
	return r, err
}

// each changes messages by their receipts, or deletes them.
func (q queues) each(ctx context.Context, a arn.ARN, receipts []string, change func(m *messageRow) bool) error {
	prefix := messages(a.Resource())
	_, err := q.db.Update(ctx, func(tx *kv.Tx) error {
		for _, r := range receipts {
			slash := strings.LastIndexByte(r, '/')
			key, count := append(append(kv.Key{}, prefix...), r[:slash]...), r[slash+1:]
			b, err := tx.Get(key)
			if err != nil {
				return err
			}
			if b == nil {
				continue
			}
			m := parseMessage(b)
			if fmt.Sprint(m.Count) != count {
				continue
			}
			if change(&m) {
				tx.Set(key, m.encode())
			} else {
				tx.Delete(key)
			}
		}
		tx.Signal(prefix)
		return nil
	})
	return err
}

func (q queues) Delete(ctx context.Context, a arn.ARN, receipts ...string) error {
	return q.each(ctx, a, receipts, func(*messageRow) bool { return false })
}

func (q queues) Return(ctx context.Context, a arn.ARN, after time.Duration, receipts ...string) error {
	return q.each(ctx, a, receipts, func(m *messageRow) bool { m.At = q.model.Now().Add(after); return true })
}

// queue makes a queue, or changes one.
func (b *bed) queue(name string, r queueRow) {
	b.t.Helper()
	b.update(func(tx *kv.Tx) error {
		v, err := json.Marshal(r)
		if err != nil {
			return err
		}
		tx.Set(queueKey(name), v)
		tx.Signal(queueKey(name))
		return nil
	})
}

// send sends messages to a queue: "k1=a" is the text a of the group k1.
func (b *bed) send(queue string, texts ...string) {
	b.t.Helper()
	b.update(func(tx *kv.Tx) error {
		for _, t := range texts {
			group, text, ok := strings.Cut(t, "=")
			if !ok {
				group, text = "", t
			}
			tx.Append(messages(queue), nil, messageRow{Text: text, Group: group}.encode())
		}
		tx.Signal(messages(queue))
		return nil
	})
}

// left are the texts of a queue's messages.
func (b *bed) left(queue string) string {
	b.t.Helper()
	var out []string
	if err := b.db.View(context.Background(), func(s *kv.Snap) error {
		for pair, err := range s.Scan(keyspace.PrefixRange(messages(queue)), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			out = append(out, parseMessage(pair.Value).Text)
		}
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(out, "")
}

// ofQueue is a mapping of queue "q" with Lambda's defaults.
func ofQueue(id string) *sources.Mapping {
	m := mapping(id)
	m.Source, m.BatchSize = "arn:aws:testq:eu-west-1:123456789012:q", 10
	return m
}

// queueBed is a bed in memory whose clock stands still, with the queue "q".
func queueBed(t testing.TB, fn *function) *bed {
	b := newBed(t, openMem(t), stopped(start), fn).start()
	b.queue("q", queueRow{Visibility: 30 * time.Second})
	return b
}
