package delivery

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/packed"
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
	// Head stands before Payload, of this effect alone: what its subscriber's
	// name makes of a message, so that a fan-out shares the rest. A receiver
	// gets them as one Payload.
	Head []byte

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
	Issuer  string // ARN of a session's role, which the session's ARN does not tell
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
//	2  as 1, and the head at the end; rows without a head are of version 1
//	3  as 2, and the actor's issuer at the end; rows without one are of version 1 or 2
//
// The payload is one of: 0 and the bytes; 1 and the number of its append in the
// effect's own commit; 2 and the stamp of its row. Strings are a length in base
// 128 and bytes, numbers base 128, times eight bytes.
const (
	rowVersion       = 1
	rowVersionHead   = 2
	rowVersionIssuer = 3
)

const (
	payloadInline   = 0
	payloadOfCommit = 1
	payloadAt       = 2
)

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
	b := make([]byte, 0, 128+len(e.Payload)+len(e.Head)+len(e.ID)+len(e.SourceARN)+len(e.Cause.Request)+len(e.Cause.By))
	version := byte(rowVersion)
	switch {
	case e.Actor.Issuer != "":
		version = rowVersionIssuer
	case len(e.Head) > 0:
		version = rowVersionHead
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(r.attempts))
	b = binary.AppendUvarint(b, uint64(r.tries))
	b = packed.String(b, e.LastError)
	b = append(b, r.kind)
	switch r.kind {
	case payloadInline:
		b = packed.String(b, e.Payload)
	case payloadOfCommit:
		b = binary.BigEndian.AppendUint16(b, r.op)
	case payloadAt:
		b = append(b, r.payload[:]...)
	}
	for _, s := range [...]string{e.ID, e.Kind, e.Order, e.Actor.Account, e.Actor.ARN, e.Actor.Service, e.Actor.UserID, e.SourceARN} {
		b = packed.String(b, s)
	}
	b = e.Cause.Append(b)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At))
	p := &e.Policy
	for _, n := range [...]int64{int64(p.MaxAttempts), int64(p.MaxAge), int64(p.Backoff), int64(p.MaxBackoff)} {
		b = binary.AppendVarint(b, n)
	}
	b = packed.String(b, p.DeadLetter)
	if version >= rowVersionHead {
		b = packed.String(b, e.Head)
	}
	if version == rowVersionIssuer {
		b = packed.String(b, e.Actor.Issuer)
	}
	return b
}

// whole is the payload as receivers see it.
func (e *Effect) whole() []byte {
	if len(e.Head) == 0 {
		return e.Payload
	}
	return append(append(make([]byte, 0, len(e.Head)+len(e.Payload)), e.Head...), e.Payload...)
}

// decodeRow reads a row that is, or was, the effect with this stamp.
func decodeRow(b []byte, at kv.Stamp) (row, error) {
	var r row
	d := packed.Read(b)
	version := d.Byte()
	if version < rowVersion || version > rowVersionIssuer {
		d.Fail()
	}
	e := &r.Effect
	r.attempts, r.tries = int(d.Uint(math.MaxInt32)), int(d.Uint(math.MaxInt32))
	e.LastError = d.String()
	switch r.kind = d.Byte(); r.kind {
	case payloadInline:
		e.Payload = d.Packed()
	case payloadOfCommit:
		var op [2]byte
		d.Into(op[:])
		r.kind, r.payload = payloadAt, at.At(binary.BigEndian.Uint16(op[:]))
	case payloadAt:
		d.Into(r.payload[:])
	default:
		d.Fail()
	}
	for _, s := range [...]*string{&e.ID, &e.Kind, &e.Order, &e.Actor.Account, &e.Actor.ARN, &e.Actor.Service, &e.Actor.UserID, &e.SourceARN} {
		*s = d.String()
	}
	e.Cause = record.ReadCause(&d)
	e.At = clock.Instant(d.Fixed())
	p := &e.Policy
	p.MaxAttempts = int(d.Int())
	for _, n := range [...]*time.Duration{&p.MaxAge, &p.Backoff, &p.MaxBackoff} {
		*n = time.Duration(d.Int())
	}
	p.DeadLetter = d.String()
	if version >= rowVersionHead {
		if e.Head = d.Packed(); len(e.Head) == 0 {
			e.Head = nil
		}
	}
	if version == rowVersionIssuer {
		e.Actor.Issuer = d.String()
	}
	if err := d.Done(); err != nil {
		return row{}, fmt.Errorf("delivery: an effect's row: %w", err)
	}
	return r, nil
}
