package delivery

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Effect is something that is to happen elsewhere because of a change here.
type Effect struct {
	Cell    keyspace.Cell // of the emitter: where the change commits
	Target  string        // ARN or URI of what it happens to
	ID      string        // unique; what Emit is not given it derives from the effect's place
	Kind    string        // how the target's receiver is to read the payload
	Order   string        // effects of the same order and target keep their order; empty: none
	Payload []byte

	Actor     ActorRef // on whose authority it happens
	SourceARN string   // the resource that emits it: aws:SourceArn
	Cause     record.Cause
	At        clock.Instant // model time of the change
	Policy    Policy

	// Attempt counts the times that it is handed over, from 1. Delivery sets it.
	Attempt int
	// LastError is why the attempt before failed. Delivery sets it.
	LastError string
}

// ActorRef is a principal in an envelope, from which the receiver rebuilds the
// actor of its call.
type ActorRef struct {
	Account string // to which it belongs
	ARN     string // of a user, role or session
	Service string // of a service that acts, such as sns.amazonaws.com
	UserID  string
}

// Policy says how long to try.
type Policy struct {
	MaxAttempts int           // 0: no limit
	MaxAge      time.Duration // since Effect.At; 0: no limit
	Backoff     time.Duration // after the first failure, doubled after each; 0: a second
	MaxBackoff  time.Duration // 0: five minutes
	DeadLetter  string        // target of the dead letter; empty: none
}

const (
	defaultBackoff    = time.Second
	defaultMaxBackoff = 5 * time.Minute
)

// Scheme returns the scheme of a target: the service of an ARN, the scheme of a
// URI, empty if it is neither.
func Scheme(target string) string {
	head, rest, ok := strings.Cut(target, ":")
	if !ok {
		return ""
	}
	if head != "arn" {
		return strings.ToLower(head)
	}
	_, rest, _ = strings.Cut(rest, ":") // partition
	service, _, _ := strings.Cut(rest, ":")
	return service
}

// inlineMax is the largest payload that is kept in the effect's own row, so
// that rows stay quick to read and to move.
const inlineMax = 4 << 10

// rowVersion is the first byte of an effect's row.
//
//	1  attempts, tries (with those that were throttled), last error, payload, id, kind, order, actor (account, arn,
//	   service, user id), source, cause, at, policy (attempts, age, backoff,
//	   maximum, dead letter)
//
// The payload is one of: 0 and the bytes; 1 and the number of its append in the
// effect's own commit; 2 and the stamp of its row. Strings are a length in base
// 128 and bytes, numbers base 128, times eight bytes.
const rowVersion = 1

const (
	payloadInline   = 0
	payloadOfCommit = 1
	payloadAt       = 2
)

// errRow says that bytes are no effect's row.
var errRow = errors.New("delivery: not an effect's row")

// row is an effect as it is stored.
type row struct {
	Effect
	attempts int
	tries    int
	kind     byte
	op       uint16   // of payloadOfCommit
	payload  kv.Stamp // of payloadAt
}

func (r *row) encode() []byte {
	e := &r.Effect
	b := make([]byte, 0, 128+len(e.Payload)+len(e.ID)+len(e.SourceARN)+len(e.Cause.Request)+len(e.Cause.By))
	b = append(b, rowVersion)
	b = binary.AppendUvarint(b, uint64(r.attempts))
	b = binary.AppendUvarint(b, uint64(r.tries))
	b = appendString(b, e.LastError)
	b = append(b, r.kind)
	switch r.kind {
	case payloadInline:
		b = appendString(b, e.Payload)
	case payloadOfCommit:
		b = binary.BigEndian.AppendUint16(b, r.op)
	case payloadAt:
		b = append(b, r.payload[:]...)
	}
	for _, s := range [...]string{e.ID, e.Kind, e.Order, e.Actor.Account, e.Actor.ARN, e.Actor.Service, e.Actor.UserID, e.SourceARN} {
		b = appendString(b, s)
	}
	b = e.Cause.Append(b)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	p := &e.Policy
	for _, n := range [...]int64{int64(p.MaxAttempts), int64(p.MaxAge), int64(p.Backoff), int64(p.MaxBackoff)} {
		b = binary.AppendVarint(b, n)
	}
	return appendString(b, p.DeadLetter)
}

// decodeRow reads a row that is, or was, the effect with this stamp.
func decodeRow(b []byte, at kv.Stamp) (row, error) {
	var r row
	d := decoder{b: b}
	if d.byte() != rowVersion {
		return row{}, errRow
	}
	e := &r.Effect
	r.attempts, r.tries = int(d.uint(1<<31)), int(d.uint(1<<31))
	e.LastError = d.string()
	r.kind = d.byte()
	switch r.kind {
	case payloadInline:
		e.Payload = d.bytes(d.uint(uint64(len(d.b))))
	case payloadOfCommit:
		if v := d.bytes(2); v != nil {
			r.kind, r.payload = payloadAt, at.At(binary.BigEndian.Uint16(v))
		}
	case payloadAt:
		copy(r.payload[:], d.bytes(uint64(len(r.payload))))
	default:
		return row{}, errRow
	}
	for _, s := range [...]*string{&e.ID, &e.Kind, &e.Order, &e.Actor.Account, &e.Actor.ARN, &e.Actor.Service, &e.Actor.UserID, &e.SourceARN} {
		*s = d.string()
	}
	if d.bad {
		return row{}, errRow
	}
	var err error
	if e.Cause, d.b, err = record.DecodeCause(d.b); err != nil {
		return row{}, errRow
	}
	if v := d.bytes(8); v != nil {
		e.At = clock.Instant(binary.BigEndian.Uint64(v))
	}
	p := &e.Policy
	p.MaxAttempts = int(d.int())
	for _, n := range [...]*time.Duration{&p.MaxAge, &p.Backoff, &p.MaxBackoff} {
		*n = time.Duration(d.int())
	}
	p.DeadLetter = d.string()
	if d.bad || len(d.b) != 0 {
		return row{}, errRow
	}
	return r, nil
}

func appendString[S string | []byte](b []byte, s S) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// decoder reads a row; after an error everything is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

func (d *decoder) byte() byte {
	if v := d.bytes(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) bytes(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) uint(max uint64) uint64 {
	n, w := binary.Uvarint(d.b)
	if w <= 0 || n > max {
		d.fail()
		return 0
	}
	d.b = d.b[w:]
	return n
}

func (d *decoder) int() int64 {
	n, w := binary.Varint(d.b)
	if w <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[w:]
	return n
}

func (d *decoder) string() string { return string(d.bytes(d.uint(uint64(len(d.b))))) }
