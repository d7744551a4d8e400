package dynamodb

import (
	"encoding/binary"
	"fmt"

	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
	causes "github.com/nube-run/nube/internal/record"
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
//	1 byte    format, 2
//	1 byte    what happened: 1 INSERT, 2 MODIFY, 3 REMOVE
//	1 byte    by whom: 0 a caller, 1 the expiry of a time to live
//	8 bytes   creation time, model nanoseconds, big endian
//	3 ×       uvarint length and encoding of: the key, the new image, the old image; length 0 for none
//	          the cause of the change, as package record encodes it; nothing for none
//
// History: format 1, of version 1 of the layout, had no causes.
type record struct {
	event   event
	expired bool
	created instant
	key     attr.Item
	after   attr.Item
	before  attr.Item
	cause   causes.Cause
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
func (t *table) record(tx *kv.Tx, before, after attr.Item, from origin) {
	r := record{event: eventModify, created: from.at, expired: from.expiry, cause: from.cause}
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
	tx.Append(t.log, nil, r.encode())
	tx.Signal(t.log)
}

const recordFormat = 2

func (r *record) encode() []byte {
	parts := [...]string{r.key.Encoding(), r.after.Encoding(), r.before.Encoding()}
	size := recordHeader
	if !r.cause.IsZero() {
		size += 64 + len(r.cause.Request) + len(r.cause.By)
	}
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
	if !r.cause.IsZero() {
		b = r.cause.Append(b)
	}
	return b
}

// recordHeader is how many bytes stand before the parts of a record.
const recordHeader = 11

// createdAt is when a stored record was made.
func createdAt(v []byte) (instant, error) {
	if len(v) < recordHeader {
		return 0, fmt.Errorf("dynamodb: damaged stream record of %d bytes", len(v))
	}
	return instant(binary.BigEndian.Uint64(v[3:])), nil
}

func decodeRecord(v []byte) (r record, err error) {
	bad := func() (record, error) {
		return record{}, fmt.Errorf("dynamodb: damaged stream record of %d bytes", len(v))
	}
	if len(v) < recordHeader || v[0] != recordFormat || v[1] < byte(eventInsert) || v[1] > byte(eventRemove) || v[2] > 1 {
		return bad()
	}
	r.event, r.expired = event(v[1]), v[2] == 1
	r.created = instant(binary.BigEndian.Uint64(v[3:]))
	rest := v[recordHeader:]
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
		d := packed.Read(rest)
		if r.cause = causes.ReadCause(&d); d.Done() != nil {
			return bad()
		}
	}
	return r, nil
}
