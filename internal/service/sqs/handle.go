package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
)

// handle is a receipt handle: which receive of which message.
type handle struct {
	queue uint32 // sum of the queue's name
	id    uint64 // the queue's generation
	stamp kv.Stamp
	count int
	nonce uint64
	group string // of a FIFO queue
}

const handleVersion = 1

func nameSum(queue string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(queue))
	return h.Sum32()
}

// handle is the receipt handle of a message that was taken.
func (q *queue) handle(t *taken) string {
	b := append(make([]byte, 0, 64), handleVersion)
	b = binary.BigEndian.AppendUint32(b, nameSum(q.queue))
	b = binary.AppendUvarint(b, q.ID)
	b = append(b, t.stamp[:]...)
	b = binary.AppendUvarint(b, uint64(t.count))
	b = binary.BigEndian.AppendUint64(b, t.nonce)
	if q.settings.fifo {
		b = append(b, t.group...)
	}
	return base64.URLEncoding.EncodeToString(b)
}

// parseHandle reads a receipt handle of a queue.
func (q *queue) parseHandle(text string) (handle, error) {
	h, ok := parseHandle(text)
	if !ok || h.queue != nameSum(q.queue) || q.settings.fifo != (h.group != "") {
		return h, badHandle(text)
	}
	return h, nil
}

func parseHandle(text string) (h handle, ok bool) {
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return h, false
	}
	d := packed.Read(b)
	if d.Byte() != handleVersion {
		d.Fail()
	}
	h.queue = binary.BigEndian.Uint32(append(d.Bytes(4), 0, 0, 0, 0))
	h.id = d.Uint(1<<63 - 1)
	d.Into(h.stamp[:])
	h.count, h.nonce = int(d.Uint(1<<31-1)), d.Fixed()
	h.group = string(d.Rest())
	return h, d.Err() == nil
}
