package sns

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// dedupWindow is how long a FIFO topic remembers what it has accepted.
//
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
const dedupWindow = 5 * time.Minute

// firstSequence makes sequence numbers twenty digits, as AWS's are.
const firstSequence = 10_000_000_000_000_000_000

// identify gives a message of a FIFO topic its deduplication id: of the whole
// message, with what it has for each protocol.
func (m *message) identify(t *topic) error {
	if !m.topic.fifo() || m.dedup != "" {
		return nil
	}
	if t.attribute(m.topic, "ContentBasedDeduplication") != "true" {
		return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	sum := sha256.Sum256([]byte(m.published))
	m.dedup = hex.EncodeToString(sum[:])
	return nil
}

// accepted is what a FIFO topic remembers of a message.
type accepted struct {
	ID, Sequence string
	At           clock.Instant
}

// number gives messages their sequence numbers, and those that were accepted
// before the identity that they had then. Whatever it writes into the messages
// it writes in each run of the transaction.
func (s *Service) number(tx *kv.Tx, n name, t *topic, ms []*message, now clock.Instant) error {
	sp := n.space()
	var last uint64
	if ok, err := jsonrow.Get(tx, sp.sequence(n.topic), &last); err != nil {
		return err
	} else if !ok {
		last = firstSequence
	}
	if err := forget(tx, sp, n.topic, now); err != nil {
		return err
	}
	perGroup := t.attribute(n, "FifoThroughputScope") == throughputGroup
	for _, m := range ms {
		scope := ""
		if perGroup {
			scope = m.group
		}
		k := sp.dedup(n.topic, scope, m.dedup)
		var before accepted
		ok, err := jsonrow.Get(tx, k, &before)
		if err != nil {
			return err
		}
		if m.duplicate = ok && now < before.At.Add(dedupWindow); m.duplicate {
			m.reported, m.sequence = before.ID, before.Sequence
			continue
		}
		last += 1000
		m.sequence = strconv.FormatUint(last, 10)
		if err := jsonrow.Set(tx, k, accepted{m.id, m.sequence, now}); err != nil {
			return err
		}
		tx.Set(sp.accepted(n.topic, now, scope, m.dedup), nil)
	}
	return jsonrow.Set(tx, sp.sequence(n.topic), last)
}

// forgotten is how many messages a transaction forgets, more than it remembers.
const forgotten = 20

// forget removes messages from memory that are older than the window.
func forget(tx *kv.Tx, sp space, topic string, now clock.Instant) error {
	for p, err := range tx.Peek().Scan(sp.acceptedUntil(topic, now.Add(-dedupWindow)), kv.ScanOptions{KeysOnly: true, Limit: forgotten}) {
		if err != nil {
			return err
		}
		d := sp.Decode(p.Key)
		d.Str()
		d.Str()
		at := clock.Instant(d.Int())
		scope, id := d.Str(), d.Str()
		if err := d.Done(); err != nil {
			return err
		}
		tx.Delete(p.Key)
		var a accepted
		k := sp.dedup(topic, scope, id)
		if ok, err := jsonrow.Get(tx, k, &a); err != nil {
			return err
		} else if ok && a.At == at { // it was not accepted anew
			tx.Delete(k)
		}
	}
	return nil
}
