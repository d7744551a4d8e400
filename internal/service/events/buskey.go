package events

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// locked asks KMS whether EventBridge may use the key of a bus, if it has one of its
// own: events are sealed where they lie whatever their bus says (package sealkv), and
// what the key adds is that a bus whose key is disabled, gone or not EventBridge's to
// use takes on no events. They were accepted all the same, and go to the bus's
// dead-letter queue, which the effects bring them to. The error is KMS's; one that is
// no *fault.Error is the store's.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-cmkey.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-encryption-event-bus-dlq.html
func (s *Service) locked(ctx context.Context, b bus, es []*event) ([]delivery.Effect, error) {
	row, err := s.viewBus(ctx, b)
	if fault.Is(err, "ResourceNotFoundException") {
		return nil, nil // a bus that is not there has no key
	}
	if err != nil || row.Key == "" {
		return nil, err
	}
	id := b.arn()
	as := awsapi.With(ctx, &awsapi.Call{ID: awsapi.NewID(), Scope: b.scope, Actor: awsapi.ServiceActor(b.scope.Account, principal, arn.ARN(id))})
	_, err = awsapi.Do(as, s.front, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{
		KeyId: &row.Key, KeySpec: ptr("AES_256"), EncryptionContext: map[string]string{"aws:events:event-bus:arn": id},
	})
	f, refused := fault.As(err)
	if !refused || row.DeadLetter == "" {
		return nil, err
	}
	code, message := errorOf(delivery.Effect{}, delivery.Outcome{Err: f}, delivery.Rejected)
	m := delivery.Message{Attributes: map[string]delivery.MessageAttribute{"ERROR_CODE": text(code), "ERROR_MESSAGE": text(message)}}
	line, headErr := m.Head()
	if headErr != nil {
		return nil, headErr
	}
	var out []delivery.Effect
	for _, e := range es {
		out = append(out, delivery.Effect{
			Cell: b.cell(), Target: row.DeadLetter, ID: idOf(e.id, id), Kind: delivery.KindMessage, Head: line, Payload: e.json, SourceARN: id, Cause: e.cause, At: e.at,
			Actor: delivery.ActorRef{Account: b.scope.Account, Service: principal},
		})
	}
	return out, err
}

// bury commits what becomes of events that a bus could not take on.
func (s *Service) bury(ctx context.Context, dead []delivery.Effect) error {
	if len(dead) == 0 {
		return nil
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error { return s.Emit.Emit(tx, dead...) })
	return err
}
