package sqs

import (
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
)

// dedupVersion is the first byte of a deduplication row.
//
//	1  when the message was accepted (varint milliseconds), its id, its place among
//	   the appends of its commit (base 128)
const dedupVersion = 1

// dedupScope is in what a deduplication id must be unique: the queue, or the group.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
func (q *queue) dedupScope(group string) string {
	if q.settings.groupScope {
		return group
	}
	return ""
}

// recall finds out whether a message with the deduplication id of m was accepted in
// the five minutes before now, whatever has become of it; m is then that one.
//
// Rows lie in buckets of five minutes, so that two hold all that counts, and older
// ones go all at once.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
func (q *queue) recall(tx *kv.Tx, now millis, scope string, m *sending) error {
	for _, in := range [...]millis{now, now - bucket} {
		r := q.space.dedup(in, scope, m.dedup)
		for p, err := range tx.Scan(r, kv.ScanOptions{Reverse: true, Limit: 1}) {
			if err != nil {
				return err
			}
			d := packed.Read(p.Value)
			if d.Byte() != dedupVersion {
				d.Fail()
			}
			at, id, op := millis(d.Int()), d.String(), uint16(d.Uint(0xffff))
			if err := d.Done(); err != nil {
				return fmt.Errorf("sqs: deduplication row: %w", err)
			}
			if at+bucket <= now {
				continue
			}
			key := q.space.Decode(p.Key)
			key.Str()
			key.Int()
			key.Str()
			key.Str()
			stamp := key.Stamp()
			if err := key.Done(); err != nil {
				return err
			}
			m.duplicate, m.id, m.stamp = true, id, stamp.At(op)
			return nil
		}
	}
	return nil
}

// remember has the next five minutes know of a message that was accepted, and
// forgets what is older than they need.
func (q *queue) remember(tx *kv.Tx, now millis, m *sending) {
	b := binary.AppendVarint([]byte{dedupVersion}, int64(now))
	b = packed.String(b, m.id)
	b = binary.AppendUvarint(b, uint64(m.op))
	tx.Append(q.space.dedupPrefix(now, q.dedupScope(m.group), m.dedup), nil, b)
	if q.live.turnBucket(now) {
		tx.DeleteRange(q.space.before("d", now))
		tx.DeleteRange(q.space.before("a", now))
	}
}

// turnBucket reports whether the buckets before now have not been cleared yet, as
// far as the process knows. To clear them twice costs nothing.
func (l *live) turnBucket(now millis) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bucket == now/bucket {
		return false
	}
	l.bucket = now / bucket
	return true
}
