package ses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// relay takes mail from the mailbox to the mail server.
type relay struct{ s *Service }

// errand is the payload of its effects.
type errand struct {
	Mail, Sender, Recipient string
	// Of an errand that is over, see kindOver: how often it was tried, and what
	// the server said the last time.
	Tries int    `json:",omitempty"`
	Said  string `json:",omitempty"`
}

// kindOver marks the effect that says that another is tried no more.
const kindOver = "over"

// retryFor is how long a mail that the server does not take is tried again, as
// long as SES does.
//
// https://docs.aws.amazon.com/ses/latest/dg/send-email-concepts-deliverability.html
const retryFor = 840 * time.Minute

// Scheme implements [delivery.Receiver].
func (relay) Scheme() string { return relayScheme }

// Accept implements [delivery.Accepter].
func (r relay) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		err := r.deliver(ctx, &es[i])
		out[i] = delivery.Outcome{Err: err, Permanent: isFinal(err)}
	}
	return out
}

// deliver runs one errand and writes down what came of it.
func (r relay) deliver(ctx context.Context, e *delivery.Effect) error {
	var job errand
	if err := json.Unmarshal(e.Payload, &job); err != nil {
		return final{fmt.Errorf("mail for the mail server: %w", err)}
	}
	if e.Kind == kindOver {
		return r.note(ctx, e, Recipient{Address: job.Recipient, State: Expired, Detail: or(job.Said, "nobody could be asked in time"), Tries: job.Tries}, job.Mail)
	}
	raw, err := r.s.raw(ctx, e.Cell, job.Mail)
	if errors.Is(err, ErrNoMail) {
		return nil // it was deleted, and nobody is to get it any more
	}
	if err != nil {
		return err
	}
	sent := r.s.Server.send(ctx, job.Sender, job.Recipient, raw)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	row := Recipient{Address: job.Recipient, State: Sent, Tries: e.Attempt}
	if sent != nil {
		row.State, row.Detail = Retrying, sent.Error()
		if isFinal(sent) {
			row.State = Refused
		}
	}
	if err := r.note(ctx, e, row, job.Mail); err != nil {
		return err // what was refused is asked for again, and refused again, rather than not written down
	}
	return sent
}

// Exhausted implements [delivery.Exhausted]: that a mail is tried no more is
// written down by an errand of its own. What the server has refused was written
// down when it did.
func (relay) Exhausted(e delivery.Effect, _ delivery.Outcome, why delivery.Reason) []delivery.Effect {
	var job errand
	if why == delivery.Rejected || json.Unmarshal(e.Payload, &job) != nil {
		return nil
	}
	job.Tries, job.Said = e.Attempt, e.LastError
	payload, err := json.Marshal(job)
	if err != nil {
		return nil // it was JSON
	}
	return []delivery.Effect{{
		Cell: e.Cell, Target: e.Target, ID: e.ID + "/" + kindOver, Kind: kindOver, Payload: payload, Actor: e.Actor, SourceARN: e.SourceARN, Cause: e.Cause, At: e.At,
	}}
}

// note writes down what became of a recipient, and tells the mail's configuration
// set.
func (r relay) note(ctx context.Context, e *delivery.Effect, row Recipient, id string) error {
	row.At = r.s.Clock.Now()
	sp := spaceOf(e.Cell)
	_, err := r.s.DB.Update(ctx, func(tx *kv.Tx) error {
		at, found, err := find(tx, sp, id)
		if err != nil || !found {
			return err // deleted while it was sent
		}
		var m Mail
		if _, err := jsonrow.Get(tx, sp.mail(at), &m); err != nil {
			return err
		}
		tx.Signal(sp.arrived())
		if (row.State == Refused || row.State == Expired) && arn.ARN(m.By).Service() == "ses" { // not of mail that the platform sends
			tx.Add(sp.count(quarterOf(row.At), bounces), 1)
		}
		if err := jsonrow.Set(tx, sp.recipient(id, row.Address), &row); err != nil {
			return err
		}
		return r.s.announce(tx, e.Cell, &m, e.Cause, row.At, m.departure(&row))
	})
	return err
}

// final is an error that trying again would not change.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// isFinal reports whether an error of a mail server is for good.
//
// https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1
func isFinal(err error) bool {
	var f final
	return errors.As(err, &f)
}

// said is a server's answer as it gave it, and whether it is for good.
func said(err error) error {
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return err
	}
	err = fmt.Errorf("%d %s", answer.Code, answer.Msg)
	if answer.Code >= 500 {
		return final{err}
	}
	return err
}

var _ interface {
	delivery.Accepter
	delivery.Exhausted
} = relay{}
var _ delivery.TxReceiver = receiver{}
