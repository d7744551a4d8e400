package sqs

import (
	"encoding/binary"

	"github.com/nube-run/nube/internal/packed"
)

// messageVersion is the first byte of a message's row.
//
//	1  sent, after (varint milliseconds); lane (byte); id, sender, group, dedup, source, trace;
//	   cause; number of attributes, of each name, kind, text, bytes; the body up to
//	   the end
//
// Strings are a length in base 128 and bytes.
const messageVersion = 1

// encode is a message as its row. What a queue's messages are on the disk is decided
// here and in read.go, and nowhere else.
func (q *queue) encode(m *message) []byte {
	b := make([]byte, 0, 160+m.size())
	b = append(b, messageVersion)
	b = binary.AppendVarint(b, int64(m.sent))
	b = binary.AppendVarint(b, int64(m.after))
	b = append(b, byte(m.lane))
	for _, s := range [...]string{m.id, m.sender, m.group, m.dedup, m.source, m.trace} {
		b = packed.String(b, s)
	}
	b = m.cause.Append(b)
	b = binary.AppendUvarint(b, uint64(len(m.attributes)))
	for i := range m.attributes {
		a := &m.attributes[i]
		b = packed.String(b, a.name)
		b = packed.String(b, a.kind)
		b = packed.String(b, a.text)
		b = packed.String(b, a.binary)
	}
	return append(b, m.body...)
}
