package ses

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/kv"
)

// receiver takes the effects that send mail, see the package's documentation.
type receiver struct{ s *Service }

// Receivers are what delivery must know: who takes mail, and who takes it to the
// mail server, for which mail may wait from a time when there was one.
func (s *Service) Receivers() []delivery.Receiver {
	return []delivery.Receiver{receiver{s}, relay{s}}
}

// Scheme implements [delivery.Receiver].
func (receiver) Scheme() string { return email.Scheme }

// AcceptTx implements [delivery.TxReceiver].
func (r receiver) AcceptTx(tx *kv.Tx, now clock.Instant, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		l, err := letterOf(&es[i], now)
		if err != nil {
			out[i] = delivery.Outcome{Err: err, Permanent: true}
			continue
		}
		if err := r.s.accept(tx, es[i].Cell, l); err != nil {
			out[i] = delivery.Outcome{Err: err}
		}
	}
	return out
}

// letterOf opens an effect.
func letterOf(e *delivery.Effect, now clock.Instant) (*letter, error) {
	to, err := email.Addressees(e.Target)
	if err != nil {
		return nil, err
	}
	m, err := email.Read(e.Payload)
	if err != nil {
		return nil, err
	}
	if len(m.From) == 0 {
		return nil, fmt.Errorf("the message to %s has no From field", e.Target)
	}
	sum := sha256.Sum256([]byte(e.ID + "\x00" + e.Target))
	l := &letter{raw: e.Payload, cause: e.Cause, actor: e.Actor, Mail: Mail{
		ID: hex.EncodeToString(sum[:16]), At: now, From: m.From[0], Sender: bare(m.Mailboxes("From")[0]), To: m.To, Cc: m.Cc, Subject: m.Subject, Files: len(m.Files),
		By: e.SourceARN,
	}}
	l.trace(e.Cause)
	if len(l.To) == 0 {
		l.To = to
	}
	for _, a := range to {
		l.Recipients = append(l.Recipients, Recipient{Address: a})
	}
	return l, nil
}

// shownAs is a mailbox as people read it; what is none stays.
func shownAs(s string) string {
	if a, err := mail.ParseAddress(s); err == nil {
		return email.Plain(*a)
	}
	return s
}

// bare is the address of a mailbox without its name; what is none stays.
func bare(s string) string {
	if a, err := mail.ParseAddress(s); err == nil {
		return a.Address
	}
	return s
}
