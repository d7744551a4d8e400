package ses

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

// Mail is what the mailbox shows of a message without opening it.
type Mail struct {
	ID      string
	At      clock.Instant // when it was accepted
	From    string        // as people read it
	Sender  string        // of the envelope: the address to which bounces go
	To      []string      `json:",omitempty"`
	Cc      []string      `json:",omitempty"`
	Bcc     []string      `json:",omitempty"`
	Subject string
	Size    int // bytes of the raw message
	Files   int `json:",omitempty"` // attachments

	By         string            `json:",omitempty"` // ARN: the identity that sends, or the topic, say
	Template   string            `json:",omitempty"` // that it was made of
	Set        string            `json:",omitempty"` // configuration set
	Tags       map[string]string `json:",omitempty"`
	Unverified []string          `json:",omitempty"` // of its senders, AWS would refuse these
	Failure    string            `json:",omitempty"` // why it was not sent, although it was accepted

	Request string `json:",omitempty"` // that sent it
	Trace   string `json:",omitempty"` // to which the request belongs

	// Recipients are the addresses of the envelope.
	Recipients []Recipient
}

// Recipient is what became of one recipient of a mail.
type Recipient struct {
	Address string
	State   State
	Detail  string        `json:",omitempty"` // what the mail server said, or why none was asked
	Tries   int           `json:",omitempty"`
	At      clock.Instant `json:",omitempty"` // of the last try
}

// State is how far a mail has come on its way to a recipient.
type State string

// The states.
const (
	Kept       State = "kept"       // in the mailbox, and nowhere else to go
	Queued     State = "queued"     // for the mail server
	Sent       State = "sent"       // the mail server has taken it
	Retrying   State = "retrying"   // the mail server did not take it yet
	Refused    State = "refused"    // the mail server will never take it
	Expired    State = "expired"    // the mail server did not take it in time
	Bounced    State = "bounced"    // an address of the simulator
	Suppressed State = "suppressed" // on the suppression list
	Unsent     State = "unsent"     // see Mail.Failure
)

// letter is a mail with its text, on its way into the mailbox.
type letter struct {
	Mail
	raw   []byte
	cause record.Cause
	actor delivery.ActorRef
}

// pieceMax is the size of the pieces in which a text is kept: a store's value is
// at most 2 MiB.
const pieceMax = 1 << 20

// accept puts a letter into the mailbox, and on its way to the mail server.
func (s *Service) accept(tx *kv.Tx, c keyspace.Cell, l *letter) error {
	sp := spaceOf(c)
	l.Size = len(l.raw)
	for i := range l.Recipients {
		if r := &l.Recipients[i]; r.State == "" {
			if r.State = Kept; s.Server != nil {
				r.State = Queued
			}
		}
	}
	row, err := json.Marshal(&l.Mail)
	if err != nil {
		return fmt.Errorf("ses: mail %s: %w", l.ID, err)
	}
	op := tx.Append(sp.newMail(), nil, row)
	tx.Append(sp.newID(l.ID), nil, binary.BigEndian.AppendUint16(nil, op))
	for n, piece := range slices.Collect(slices.Chunk(l.raw, pieceMax)) {
		tx.Set(sp.piece(l.ID, n), piece)
	}
	tx.Signal(sp.arrived())
	return s.dispatch(tx, c, l)
}

// Statistics are kept for quarters of hours, as GetSendStatistics shows them.
const quarter = 15 * time.Minute

// What is counted.
const (
	attempts = "attempts"
	bounces  = "bounces"
	rejects  = "rejects"
)

func quarterOf(i clock.Instant) clock.Instant { return i - i%clock.Instant(quarter) }

// tally counts the recipients of mail that an account sends.
func (l *letter) tally(tx *kv.Tx, sp space) {
	at := quarterOf(l.At)
	tried := 0
	for _, r := range l.Recipients {
		switch r.State {
		case Unsent:
			continue
		case Bounced, Suppressed:
			tx.Add(sp.count(at, bounces), 1)
		}
		tried++
	}
	if tried > 0 {
		tx.Add(sp.count(at, attempts), int64(tried))
	}
}

// dispatch emits an effect for each recipient that the mail server is to get the
// mail for: one that it refuses for good, or does not take now, holds up no
// other.
func (s *Service) dispatch(tx *kv.Tx, c keyspace.Cell, l *letter) error {
	if s.Server == nil {
		return nil
	}
	var es []delivery.Effect
	for _, r := range l.Recipients {
		if r.State != Queued {
			continue
		}
		payload, err := json.Marshal(errand{Mail: l.ID, Sender: l.Sender, Recipient: r.Address})
		if err != nil {
			return fmt.Errorf("ses: mail %s to %s: %w", l.ID, r.Address, err)
		}
		es = append(es, delivery.Effect{
			Cell: c, Target: s.Server.target(), ID: l.ID + "/" + r.Address, Payload: payload, Actor: l.actor, SourceARN: l.By, Cause: l.cause, At: l.At,
			Policy: delivery.Policy{MaxAge: retryFor, Backoff: 5 * time.Second, MaxBackoff: 30 * time.Minute},
		})
	}
	return s.Emit.Emit(tx, es...)
}
