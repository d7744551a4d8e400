package sns

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/pattern"
)

// What a filter policy looks at.
const (
	scopeAttributes = "MessageAttributes"
	scopeBody       = "MessageBody"
)

// setSubscription sets the attributes that a new subscription is given.
func (s *Service) setSubscription(n name, sub *subscription, attributes map[string]string) error {
	// The scope first: it says how the filter is read.
	for _, key := range []string{"FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy"} {
		if v, ok := attributes[key]; ok {
			if err := s.setOfSubscription(n, sub, key, v); err != nil {
				if strings.Contains(err.Message, nestedPolicy) {
					return err
				}
				return invalid("Attributes Reason: %s", parameterOf(err)).Because(err)
			}
		}
	}
	for key := range attributes {
		switch key {
		case "FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy":
		default:
			if err := s.setOfSubscription(n, sub, key, attributes[key]); err != nil {
				return invalid("Attributes Reason: %s", parameterOf(err)).Because(err)
			}
		}
	}
	return nil
}

const nestedPolicy = "does not support nested filter policy"

// setOfSubscription checks and sets one attribute; an empty value resets it.
//
// https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
func (s *Service) setOfSubscription(n name, sub *subscription, key, v string) *fault.Error {
	switch key {
	case "FilterPolicy":
		if v != "" {
			if _, err := compile(v, sub.Attributes["FilterPolicyScope"]); err != nil {
				return err
			}
		}
	case "FilterPolicyScope":
		if v != scopeAttributes && v != scopeBody {
			return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", v)
		}
		if policy := sub.Attributes["FilterPolicy"]; policy != "" {
			if _, err := compile(policy, v); err != nil {
				return err
			}
		}
	case "RawMessageDelivery":
		if v != "true" && v != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", v)
		}
		if raw := v == "true"; raw && sub.Protocol != "sqs" && sub.Protocol != "http" && sub.Protocol != "https" {
			return invalid("RawMessageDelivery: Raw message delivery is not supported for the protocol %s", sub.Protocol)
		}
	case "RedrivePolicy":
		if v != "" {
			if err := s.checkRedrive(n, sub, v); err != nil {
				return err
			}
		}
	case "DeliveryPolicy":
		if v != "" {
			if _, err := subscriptionDelivery(v, defaultDelivery()); err != nil {
				e, _ := fault.As(err)
				return e
			}
		}
	case "SubscriptionRoleArn":
		return invalid("SubscriptionRoleArn: it is for Firehose, which nube does not offer")
	case "ReplayPolicy":
		return invalid("ReplayPolicy: nube keeps no archive of messages; subscribe without one")
	default:
		return invalid("AttributeName")
	}
	if v == "" {
		delete(sub.Attributes, key)
		return nil
	}
	if sub.Attributes == nil {
		sub.Attributes = map[string]string{}
	}
	sub.Attributes[key] = v
	return nil
}

// compile compiles a filter policy.
func compile(text, scope string) (*pattern.Pattern, *fault.Error) {
	d := pattern.SNSAttributes
	if scope == scopeBody {
		d = pattern.SNSBody
	}
	p, err := pattern.Compile([]byte(text), d)
	var bad *pattern.Error
	if errors.As(err, &bad) {
		return nil, invalid("%s", bad.Parameter()).Because(err)
	}
	return p, nil
}

// redrive is a RedrivePolicy.
type redrive struct {
	Target string `json:"deadLetterTargetArn"`
}

// checkRedrive checks a redrive policy: where messages go that cannot be
// delivered.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html
func (s *Service) checkRedrive(n name, sub *subscription, text string) *fault.Error {
	var r redrive
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return invalid("RedrivePolicy: failed to parse JSON. %s", err)
	}
	a, err := arn.Parse(r.Target)
	if err != nil || a.Service() != "sqs" {
		return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	if n.fifo() && strings.HasSuffix(sub.Endpoint, fifoSuffix) && !strings.HasSuffix(r.Target, fifoSuffix) {
		return invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
	}
	if !s.Emit.Delivers(r.Target) {
		return invalid("RedrivePolicy: this cloud has nothing that delivers to %s", r.Target)
	}
	return nil
}

func (s *Service) setSubscriptionAttributes(ctx context.Context, in *shapes.SetSubscriptionAttributesInput) (*schema.Empty, error) {
	n, err := subscriptionName(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	err = s.changeSubscription(ctx, n, func(_ *kv.Tx, _ *topic, sub *subscription) error {
		if err := s.setOfSubscription(n, sub, value(in.AttributeName), value(in.AttributeValue)); err != nil {
			return err
		}
		return nil
	})
	return &schema.Empty{}, err
}

// changeSubscription changes the row of a subscription that must exist.
func (s *Service) changeSubscription(ctx context.Context, n name, change func(*kv.Tx, *topic, *subscription) error) error {
	k := n.space().subscription(n.topic, n.id)
	now := s.Clock.Now()
	err := s.change(ctx, n, func(tx *kv.Tx, t *topic) error {
		var sub subscription
		if ok, err := jsonrow.Get(tx, k, &sub); err != nil {
			return err
		} else if !ok || sub.expired(now) {
			return noSubscription()
		}
		if err := change(tx, t, &sub); err != nil {
			return err
		}
		return jsonrow.Set(tx, k, &sub)
	})
	if fault.Is(err, "NotFound") {
		return noSubscription() // without its topic there is none either
	}
	return err
}

// https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html
func (s *Service) getSubscriptionAttributes(ctx context.Context, in *shapes.GetSubscriptionAttributesInput) (*shapes.GetSubscriptionAttributesResponse, error) {
	n, err := subscriptionName(ctx, in.SubscriptionArn)
	if err != nil {
		return nil, err
	}
	var t topic
	var sub subscription
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		sp := n.space()
		for _, row := range []struct {
			k    kv.Key
			into any
		}{{sp.topic(n.topic), &t}, {sp.subscription(n.topic, n.id), &sub}} {
			ok, err := jsonrow.Get(snap, row.k, row.into)
			if err := present(ok, err, noSubscription()); err != nil {
				return err
			}
		}
		if sub.expired(s.Clock.Now()) {
			return noSubscription()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[string]string{
		"SubscriptionArn": n.of(n.id), "TopicArn": n.arn(), "Owner": sub.Owner, "Protocol": sub.Protocol, "Endpoint": sub.Endpoint,
		"PendingConfirmation": strconv.FormatBool(sub.Pending), "ConfirmationWasAuthenticated": strconv.FormatBool(sub.Authenticated),
		"RawMessageDelivery": "false",
	}
	if sub.Principal != "" {
		out["SubscriptionPrincipal"] = sub.Principal
	}
	for k, v := range sub.Attributes {
		if k != "FilterPolicyScope" || sub.Attributes["FilterPolicy"] != "" {
			out[k] = v
		}
	}
	if sub.Attributes["FilterPolicy"] != "" && out["FilterPolicyScope"] == "" {
		out["FilterPolicyScope"] = scopeAttributes
	}
	if strings.HasPrefix(sub.Protocol, "http") {
		d, err := deliveryOf(&t, &sub)
		if err != nil {
			return nil, err
		}
		out["EffectiveDeliveryPolicy"] = d.effectiveOf()
	}
	return &shapes.GetSubscriptionAttributesResponse{Attributes: out}, nil
}

// deliveryOf is the delivery policy that counts for a subscription.
func deliveryOf(t *topic, sub *subscription) (deliveryPolicy, error) {
	d, err := topicDelivery(t.Attributes["DeliveryPolicy"])
	if err != nil {
		return d, err
	}
	return subscriptionDelivery(sub.Attributes["DeliveryPolicy"], d)
}
