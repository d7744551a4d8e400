package sqs

import (
	"fmt"

	"github.com/nube-run/nube/internal/packed"
	"github.com/nube-run/nube/internal/record"
)

// decode reads a message from its row, the inverse of encode.
func (q *queue) decode(b []byte) (*message, error) { return decodeMessage(b) }

func decodeMessage(b []byte) (*message, error) {
	m := new(message)
	d := packed.Read(b)
	if d.Byte() != messageVersion {
		d.Fail()
	}
	m.sent, m.after = millis(d.Int()), millis(d.Int())
	m.lane = lane(d.Byte())
	for _, s := range [...]*string{&m.id, &m.sender, &m.group, &m.dedup, &m.source, &m.trace} {
		*s = d.String()
	}
	m.cause = record.ReadCause(&d)
	if n := d.Count(4); n > 0 {
		m.attributes = make([]attribute, n)
		for i := range m.attributes {
			a := &m.attributes[i]
			a.name, a.kind, a.text = d.String(), d.String(), d.String()
			if v := d.Packed(); len(v) > 0 {
				a.binary = v
			}
		}
	}
	m.body = string(d.Rest())
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("sqs: a message's row: %w", err)
	}
	return m, nil
}
