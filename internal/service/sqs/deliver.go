package sqs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// errBehind is why an effect is not tried.
var errBehind = errors.New("an effect of its order before it has failed")

// Scheme implements [delivery.Receiver]: what other services send to queues.
func (s *Service) Scheme() string { return "sqs" }

// AcceptTx implements [delivery.TxReceiver]: it sends messages as whoever emitted
// them, as the queue's policy lets. That an effect is done and that its message is
// in the queue is one commit: no crash doubles it.
//
// What SQS refuses is not tried again, as AWS does not: neither where the policy
// does not let it in, nor where there is no such queue.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func (s *Service) AcceptTx(tx *kv.Tx, _ clock.Instant, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	stuck, seen := map[string]bool{}, map[string]*sending{}
	for i := range es {
		e := &es[i]
		if e.Order != "" && stuck[e.Order] {
			out[i] = delivery.Outcome{Err: errBehind, Throttled: true}
			continue
		}
		if err := s.accept(tx, e, seen); err != nil {
			_, refused := fault.As(err)
			out[i] = delivery.Outcome{Err: fmt.Errorf("send to %s: %w", e.Target, err), Permanent: refused}
			stuck[e.Order] = !refused
		}
	}
	return out
}

// Admit implements [delivery.Admitter]: who may not use the key of a queue sends it
// nothing. KMS is asked before the transaction, which it has no part in.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html#compatibility-with-aws-services
func (s *Service) Admit(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	n, ok := queueByARN(es[0].Target)
	if !ok {
		return out // it is refused when it is handed over
	}
	type sender struct {
		who    delivery.ActorRef
		source string
	}
	known := map[sender]error{}
	for i := range es {
		e := &es[i]
		x := sender{e.Actor, e.SourceARN}
		err, asked := known[x]
		if !asked {
			err = s.admit(ctx, n, e)
			known[x] = err
		}
		if err != nil {
			f, refused := fault.As(err)
			out[i] = delivery.Outcome{Err: fmt.Errorf("send to %s: %w", e.Target, err), Permanent: refused && f.Status < http.StatusInternalServerError}
		}
	}
	return out
}

func (s *Service) admit(ctx context.Context, n name, e *delivery.Effect) error {
	q, err := s.find(ctx, n)
	if fault.Is(err, "QueueDoesNotExist") {
		return nil
	}
	if err != nil || q.Attributes["KmsMasterKeyId"] == "" {
		return err
	}
	return s.mayUse(awsapi.With(ctx, &awsapi.Call{ID: e.ID, Scope: n.scope, Actor: actorOf(e)}), q, true)
}

// actorOf rebuilds who acts from an effect.
func actorOf(e *delivery.Effect) awsapi.Actor {
	return awsapi.Actor{
		Account: e.Actor.Account, UserID: e.Actor.UserID, SourceARN: arn.ARN(e.SourceARN),
		Principal: policy.Principal{ARN: arn.ARN(e.Actor.ARN), Issuer: arn.ARN(e.Actor.Issuer), Service: e.Actor.Service},
	}
}

func (s *Service) accept(tx *kv.Tx, e *delivery.Effect, seen map[string]*sending) error {
	x, err := e.Message()
	if err != nil {
		return fault.New("InvalidMessageContents", "%s", err).Because(err)
	}
	n, ok := queueByARN(e.Target)
	if !ok {
		return noQueue()
	}
	actor := actorOf(e)
	if s.Permits != nil {
		ctx := awsapi.With(context.Background(), &awsapi.Call{ID: e.ID, Scope: n.scope, Actor: actor})
		if err := s.Permits.PermitOn(ctx, &shapes.Model, need("SendMessage", n, nil)...); err != nil {
			return err
		}
	}
	q, err := s.within(tx, n)
	if err != nil {
		return err
	}
	if q == nil {
		return noQueue()
	}
	m := &sending{message: message{
		id: idOf(e), sender: senderOf(&actor), group: x.Group, dedup: x.Dedup, cause: e.Cause, body: string(x.Body),
	}}
	if e.Cause.Sampled {
		m.trace = e.Cause.XRay()
	}
	for name, a := range x.Attributes {
		m.attributes = append(m.attributes, attribute{name: name, kind: a.Type, text: a.Text, binary: a.Binary})
	}
	slices.SortFunc(m.attributes, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	if !q.settings.fifo {
		m.dedup = ""
	}
	if err := q.checkMessage(m); err != nil {
		return err
	}
	return s.sendTx(tx, q, []*sending{m}, seen)
}

// idOf is the id of the message that an effect brings: always the same, a UUID.
func idOf(e *delivery.Effect) string {
	sum := sha256.Sum256([]byte(e.ID + "\x00" + e.Target))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8: made of something else
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

var _ delivery.Admitter = (*Service)(nil)
