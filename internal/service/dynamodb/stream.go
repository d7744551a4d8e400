package dynamodb

import (
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
)

// The views of a stream: which images of an item its records have besides the key.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html
const (
	viewKeys = "KEYS_ONLY"
	viewNew  = "NEW_IMAGE"
	viewOld  = "OLD_IMAGE"
	viewBoth = "NEW_AND_OLD_IMAGES"
)

// record is one record of a table's stream, as it is stored below the stamp of its commit, from which its sequence number
// comes:
//
//	1 byte    format, 1
//	1 byte    what happened: 1 INSERT, 2 MODIFY, 3 REMOVE
//	1 byte    by whom: 0 a caller, 1 the expiry of a time to live
//	8 bytes   creation time, model nanoseconds, big endian
//	3 ×       uvarint length and encoding of: the key, the new image, the old image; length 0 for none
type record struct {
	event   event
	expired bool
	created instant
	key     attr.Item
	after   attr.Item
	before  attr.Item
}

type event uint8

const (
	eventInsert event = 1 + iota
	eventModify
	eventRemove
)

func (e event) String() string {
	switch e {
	case eventInsert:
		return "INSERT"
	case eventModify:
		return "MODIFY"
	case eventRemove:
		return "REMOVE"
	}
	return fmt.Sprintf("event %d", uint8(e))
}

// record appends the record of a change to the table's stream, in the change's own commit.
func (t *table) record(tx *kv.Tx, before, after attr.Item, now instant) {
	r := record{event: eventModify, created: now}
	named := after
	switch {
	case before.IsZero():
		r.event = eventInsert
	case after.IsZero():
		r.event = eventRemove
		named = before
	}
	r.key = named.Pick(t.keys.names()...)
	if t.Stream.View == viewNew || t.Stream.View == viewBoth {
		r.after = after
	}
	if t.Stream.View == viewOld || t.Stream.View == viewBoth {
		r.before = before
	}
	topic := t.layout.records(t.Stream.Label)
	tx.Append(topic, nil, r.encode())
	tx.Signal(topic)
}

const recordFormat = 1

func (r *record) encode() []byte {
	parts := [...]string{r.key.Encoding(), r.after.Encoding(), r.before.Encoding()}
	size := 11
	for _, p := range parts {
		size += binary.MaxVarintLen32 + len(p)
	}
	b := append(make([]byte, 0, size), recordFormat, byte(r.event), 0)
	if r.expired {
		b[2] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.created))
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

func decodeRecord(v []byte) (r record, err error) {
	bad := func() (record, error) {
		return record{}, fmt.Errorf("dynamodb: damaged stream record of %d bytes", len(v))
	}
	if len(v) < 11 || v[0] != recordFormat || v[1] < byte(eventInsert) || v[1] > byte(eventRemove) || v[2] > 1 {
		return bad()
	}
	r.event, r.expired = event(v[1]), v[2] == 1
	r.created = instant(binary.BigEndian.Uint64(v[3:]))
	rest := v[11:]
	for _, into := range [...]*attr.Item{&r.key, &r.after, &r.before} {
		n, w := binary.Uvarint(rest)
		if w <= 0 || n > uint64(len(rest)-w) {
			return bad()
		}
		if n > 0 {
			if *into, err = decodeItem(rest[w : w+int(n)]); err != nil {
				return record{}, err
			}
		}
		rest = rest[w+int(n):]
	}
	if len(rest) > 0 {
		return bad()
	}
	return r, nil
}
