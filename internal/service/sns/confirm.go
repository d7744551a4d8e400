package sns

import (
	"context"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The types of messages that SNS itself writes.
//
// https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
const (
	typeNotification = "Notification"
	typeConfirmation = "SubscriptionConfirmation"
	typeFarewell     = "UnsubscribeConfirmation"
)

// confirmation is the message that asks an endpoint to confirm its subscription.
func (s *Service) confirmation(ctx context.Context, n name, id string, sub *subscription, link string) (*delivery.Effect, error) {
	return s.asking(ctx, n, id, sub, link, typeConfirmation,
		"You have chosen to subscribe to the topic "+n.arn()+".\nTo confirm the subscription, visit the SubscribeURL included in this message.")
}

// farewell is the last message of a subscription that its link has ended.
func (s *Service) farewell(ctx context.Context, n name, id string, sub *subscription, link string) (*delivery.Effect, error) {
	return s.asking(ctx, n, id, sub, link, typeFarewell,
		"You have chosen to deactivate subscription "+n.of(id)+".\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.")
}

// asking is a message with a link that confirms a subscription.
func (s *Service) asking(ctx context.Context, n name, id string, sub *subscription, link, kind, text string) (*delivery.Effect, error) {
	t, err := s.view(ctx, n)
	if err != nil {
		return nil, err
	}
	d, err := deliveryOf(&t, sub)
	if err != nil {
		return nil, err
	}
	m := &message{
		kind: kind, id: awsapi.NewID(), topic: n, at: s.Clock.Now(), text: text, token: link, subscribe: s.confirmURL(n, link),
		version: t.attribute(n, "SignatureVersion"), displayName: t.Attributes["DisplayName"],
	}
	if err := s.signer.sign(ctx, m, text); err != nil {
		return nil, err
	}
	to := &subscriber{subscription: *sub, name: n, delivery: d}
	to.name.id = id
	e, err := s.effect(ctx, m, to, text)
	return &e, err
}

// confirmURL is the link that confirms a subscription.
func (s *Service) confirmURL(n name, link string) string {
	return s.Endpoint + "/?Action=ConfirmSubscription&TopicArn=" + escape(n.arn()) + "&Token=" + link
}

// unsubscribeURL is the link that ends a subscription.
func (s *Service) unsubscribeURL(n name) string {
	return s.Endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + escape(n.of(n.id))
}

// escape escapes what must be in a query, and leaves the colons of ARNs, as AWS
// does.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%3A", ":") }

// ask writes a subscription that waits for its confirmation, and asks for it.
func (s *Service) ask(tx *kv.Tx, n name, id string, sub *subscription, link string, e *delivery.Effect) error {
	sp := n.space()
	if err := jsonrow.Set(tx, sp.subscription(n.topic, id), sub); err != nil {
		return err
	}
	if err := s.remember(tx, sp, link, token{Topic: n.topic, ID: id, At: sub.Created}); err != nil {
		return err
	}
	return s.Emit.Emit(tx, *e)
}

// remember keeps what a link does, and forgets some of the links that do nothing
// any more, with the subscriptions that waited for them.
func (s *Service) remember(tx *kv.Tx, sp space, link string, t token) error {
	tx.Set(sp.asked(t.At, link), nil)
	if err := jsonrow.Set(tx, sp.token(link), t); err != nil {
		return err
	}
	for p, err := range tx.Peek().Scan(sp.askedUntil(t.At.Add(-tokenLife-1)), kv.ScanOptions{KeysOnly: true, Limit: forgotten}) {
		if err != nil {
			return err
		}
		d := sp.Decode(p.Key)
		d.Str()
		d.Int()
		link := d.Str()
		if err := d.Done(); err != nil {
			return err
		}
		tx.Delete(p.Key)
		var old token
		if ok, err := jsonrow.Get(tx, sp.token(link), &old); err != nil || !ok {
			return err
		}
		tx.Delete(sp.token(link))
		k := sp.subscription(old.Topic, old.ID)
		var sub subscription
		if ok, err := jsonrow.Get(tx, k, &sub); err != nil {
			return err
		} else if ok && sub.expired(t.At) {
			tx.Delete(k)
			tx.Delete(sp.endpoint(old.Topic, sub.Protocol, sub.Endpoint))
		}
	}
	return nil
}

// confirmSubscription does what the link in a confirmation says. It may be used
// more than once.
//
// https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
func (s *Service) confirmSubscription(ctx context.Context, in *shapes.ConfirmSubscriptionInput) (*shapes.ConfirmSubscriptionResponse, error) {
	n, err := topicName(ctx, "Topic", in.TopicArn)
	if err != nil {
		return nil, err
	}
	link := value(in.Token)
	if len(link) != 2*112 || strings.Trim(link, "0123456789abcdef") != "" {
		if len(link) < 64 {
			return nil, fault.New("InvalidParameter", "Invalid token")
		}
		return nil, invalid("Token")
	}
	call := awsapi.From(ctx)
	ownerOnly := value(in.AuthenticateOnUnsubscribe) == "true" && !call.Actor.IsAnonymous()
	now := s.Clock.Now()
	err = s.change(ctx, n, func(tx *kv.Tx, t *topic) error {
		sp := n.space()
		var tok token
		if ok, err := jsonrow.Get(tx, sp.token(link), &tok); err != nil {
			return err
		} else if !ok || tok.Topic != n.topic || tok.At < t.Created || now > tok.At.Add(tokenLife) {
			// Of no topic, or of one of the same name before this one, or too old.
			return invalid("Token")
		}
		n.id = tok.ID
		var sub subscription
		switch ok, err := jsonrow.Get(tx, sp.subscription(n.topic, n.id), &sub); {
		case err != nil:
			return err
		case ok && !sub.Pending:
			return nil
		case ok:
		case tok.Restore != nil:
			sub = *tok.Restore
			var other string
			k := sp.endpoint(n.topic, sub.Protocol, sub.Endpoint)
			if taken, err := jsonrow.Get(tx, k, &other); err != nil || taken {
				n.id = other
				return err
			}
			if err := jsonrow.Set(tx, k, n.id); err != nil {
				return err
			}
		default:
			return invalid("Token")
		}
		sub.Pending, sub.Authenticated = false, !call.Actor.IsAnonymous()
		sub.OwnerOnly = sub.OwnerOnly || ownerOnly
		return jsonrow.Set(tx, sp.subscription(n.topic, n.id), &sub)
	})
	if fault.Is(err, "NotFound") {
		return nil, invalid("Token")
	}
	if err != nil {
		return nil, err
	}
	return &shapes.ConfirmSubscriptionResponse{SubscriptionArn: ptr(n.of(n.id))}, nil
}
