package sns

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptions.html
func (s *Service) listSubscriptions(ctx context.Context, in *shapes.ListSubscriptionsInput) (*shapes.ListSubscriptionsResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	subs, next, err := s.list(ctx, n, n.space().subscriptions(), in.NextToken, false)
	return &shapes.ListSubscriptionsResponse{Subscriptions: subs, NextToken: next}, err
}

// https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
func (s *Service) listSubscriptionsByTopic(ctx context.Context, in *shapes.ListSubscriptionsByTopicInput) (*shapes.ListSubscriptionsByTopicResponse, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	subs, next, err := s.list(ctx, n, n.space().subscriptionsOf(n.topic), in.NextToken, true)
	return &shapes.ListSubscriptionsByTopicResponse{Subscriptions: subs, NextToken: next}, err
}

// list lists one page of subscriptions.
func (s *Service) list(ctx context.Context, n name, r kv.Range, token *string, ofTopic bool) ([]shapes.Subscription, *string, error) {
	from, err := after(token, 2)
	if err != nil {
		return nil, nil, err
	}
	if ofTopic && from != nil && from[0] != n.topic {
		return nil, nil, badToken() // who may list one topic may not list another
	}
	sp := n.space()
	if from != nil {
		r.Start = kv.Next(sp.subscription(from[0], from[1]))
	}
	out := []shapes.Subscription{}
	var next *string
	now := s.Clock.Now()
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		if ofTopic {
			row, err := snap.Get(sp.topic(n.topic))
			if err := present(row != nil, err, noTopic()); err != nil {
				return err
			}
		}
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			if len(out) == pageSize {
				next = nextToken(n.topic, n.id)
				return nil
			}
			var sub subscription
			if err := jsonrow.Decode(p.Key, p.Value, &sub); err != nil {
				return err
			}
			if sub.expired(now) {
				continue
			}
			d := sp.Decode(p.Key)
			d.Str()
			n.topic, n.id = d.Str(), d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			id := n.of(n.id)
			if sub.Pending {
				id = "PendingConfirmation"
			}
			out = append(out, shapes.Subscription{
				SubscriptionArn: &id, TopicArn: ptr(n.arn()), Owner: ptr(sub.Owner), Protocol: ptr(sub.Protocol), Endpoint: ptr(sub.Endpoint),
			})
		}
		return nil
	})
	return out, next, err
}

// unsubscribe ends a subscription. One that is ended by the link in its messages
// gets a last one, with a link that restores it.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html
func (s *Service) unsubscribe(ctx context.Context, in *shapes.UnsubscribeInput) (*schema.Empty, error) {
	if value(in.SubscriptionArn) == "PendingConfirmation" || value(in.SubscriptionArn) == pendingARN {
		return nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
	}
	n, err := subscriptionName(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	byLink := anonymous(ctx)
	link := newToken()
	sub, err := s.subscription(ctx, n)
	if err != nil || sub == nil {
		return &schema.Empty{}, err // there is none: that is what was asked for
	}
	var last *delivery.Effect
	if byLink && confirms(sub.Protocol) && !sub.Pending {
		if last, err = s.farewell(ctx, n, n.id, sub, link); err != nil {
			return nil, err
		}
	}
	sp := n.space()
	err = s.change(ctx, n, func(tx *kv.Tx, t *topic) error {
		var now subscription
		if ok, err := jsonrow.Get(tx, sp.subscription(n.topic, n.id), &now); err != nil || !ok {
			return err
		}
		if byLink && now.OwnerOnly {
			return fault.New("AuthorizationError", "The subscription was made with AuthenticateOnUnsubscribe: only its owner can end it").With(403)
		}
		tx.Delete(sp.subscription(n.topic, n.id))
		tx.Delete(sp.endpoint(n.topic, now.Protocol, now.Endpoint))
		t.Deleted++
		if last == nil {
			return nil
		}
		if err := s.remember(tx, sp, link, token{Topic: n.topic, ID: n.id, At: last.At, Restore: &now}); err != nil {
			return err
		}
		return s.Emit.Emit(tx, *last)
	})
	if fault.Is(err, "NotFound") {
		err = nil
	}
	return &schema.Empty{}, err
}

// subscription reads the row of a subscription, nil if there is none.
func (s *Service) subscription(ctx context.Context, n name) (*subscription, error) {
	var sub subscription
	var ok bool
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		ok, err = jsonrow.Get(snap, n.space().subscription(n.topic, n.id), &sub)
		return err
	})
	if err != nil || !ok {
		return nil, err
	}
	return &sub, nil
}
