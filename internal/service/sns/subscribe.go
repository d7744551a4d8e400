package sns

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/mail"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// pendingARN is what a subscription is called that nobody has confirmed yet.
const pendingARN = "pending confirmation"

// subscribe makes a subscription, or finds the one that the endpoint has. HTTP
// endpoints and mail addresses must confirm theirs, and are asked again each
// time.
//
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
func (s *Service) subscribe(ctx context.Context, in *shapes.SubscribeInput) (*shapes.SubscribeResponse, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	call := awsapi.From(ctx)
	sub := subscription{
		Protocol: value(in.Protocol), Endpoint: value(in.Endpoint), Owner: call.Actor.Account, Principal: string(call.Actor.Principal.ARN),
		Created: s.Clock.Now(), Attributes: map[string]string{},
	}
	if err := s.checkEndpoint(n, &sub); err != nil {
		return nil, err
	}
	sub.Pending = confirms(sub.Protocol)
	sub.Authenticated = !sub.Pending
	if err := s.setSubscription(n, &sub, in.Attributes); err != nil {
		return nil, err
	}
	fresh, link := awsapi.NewID(), newToken()
	var ask *delivery.Effect
	if sub.Pending {
		if ask, err = s.confirmation(ctx, n, fresh, &sub, link); err != nil {
			return nil, err
		}
	}
	var found *subscription
	var id string
	err = s.change(ctx, n, func(tx *kv.Tx, t *topic) error {
		found, id = nil, fresh // what a run before has found may be gone in this one
		sp := n.space()
		k := sp.endpoint(n.topic, sub.Protocol, sub.Endpoint)
		var oldID string
		if ok, err := jsonrow.Get(tx, k, &oldID); err != nil {
			return err
		} else if ok {
			var old subscription
			if ok, err := jsonrow.Get(tx, sp.subscription(n.topic, oldID), &old); err != nil {
				return err
			} else if ok && !old.expired(sub.Created) {
				if len(in.Attributes) > 0 && !sameAttributes(old.Attributes, sub.Attributes) {
					return invalid("Attributes Reason: Subscription already exists with different attributes")
				}
				found, id = &old, oldID
				if !old.Pending {
					return nil
				}
				old.Created = sub.Created
				return s.ask(tx, n, id, &old, link, ask)
			}
			tx.Delete(sp.subscription(n.topic, oldID)) // it waited too long
		}
		if t.large(n) {
			if err := checkLarge(tx, n, &sub); err != nil {
				return err
			}
		}
		if err := jsonrow.Set(tx, k, id); err != nil {
			return err
		}
		if sub.Pending {
			return s.ask(tx, n, id, &sub, link, ask)
		}
		return jsonrow.Set(tx, sp.subscription(n.topic, id), &sub)
	})
	if err != nil {
		return nil, err
	}
	pending := sub.Pending
	if found != nil {
		pending = found.Pending
	}
	if pending && !(in.ReturnSubscriptionArn != nil && *in.ReturnSubscriptionArn) {
		return &shapes.SubscribeResponse{SubscriptionArn: ptr(pendingARN)}, nil
	}
	return &shapes.SubscribeResponse{SubscriptionArn: ptr(n.of(id))}, nil
}

// sameAttributes compares what a subscription has with what is asked for, which
// may leave out what is as it is by default.
func sameAttributes(old, asked map[string]string) bool {
	strip := func(m map[string]string) map[string]string {
		out := maps.Clone(m)
		maps.DeleteFunc(out, func(k, v string) bool {
			return k == "RawMessageDelivery" && v == "false" || k == "FilterPolicyScope" && v == scopeAttributes
		})
		return out
	}
	return maps.Equal(strip(old), strip(asked))
}

// confirms reports whether an endpoint must confirm its subscription.
func confirms(protocol string) bool {
	switch protocol {
	case "http", "https", "email", "email-json":
		return true
	}
	return false
}

// newToken is what only who gets a confirmation knows.
func newToken() string {
	var b [112]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// checkEndpoint checks that a subscription can be delivered to.
func (s *Service) checkEndpoint(n name, sub *subscription) *fault.Error {
	switch sub.Protocol {
	case "http", "https":
		u, err := url.Parse(sub.Endpoint)
		if err != nil || u.Scheme != sub.Protocol || u.Host == "" {
			return invalid("Endpoint must match the specified protocol")
		}
	case "email", "email-json":
		a, err := mail.ParseAddress(sub.Endpoint)
		if err != nil || a.Address != sub.Endpoint {
			return invalid("Email address")
		}
	case "sqs":
		a, err := arn.Parse(sub.Endpoint)
		if err != nil || a.Service() != "sqs" || a.Resource() == "" {
			return invalid("SQS endpoint ARN")
		}
		if strings.HasSuffix(a.Resource(), fifoSuffix) && !n.fifo() {
			return invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
	case "lambda":
		a, err := arn.Parse(sub.Endpoint)
		if err != nil || a.Service() != "lambda" || a.ResourceType() != "function" {
			return invalid("Lambda endpoint ARN")
		}
	case "sms", "application", "firehose":
		return invalid("Protocol Reason: nube does not offer subscriptions of the protocol %s; it offers lambda, sqs, http, https, email and email-json", sub.Protocol)
	default:
		return invalid("Amazon SNS does not support this protocol string: %s", sub.Protocol)
	}
	if n.fifo() && sub.Protocol != "sqs" {
		return invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
	}
	if target := sub.target(); !s.Emit.Delivers(target) {
		return invalid("Endpoint Reason: this cloud has nothing that delivers to %s", target)
	}
	return nil
}

// target is where delivery takes the subscription's messages.
func (sub *subscription) target() string {
	if sub.mail() {
		return email.MailTo(sub.Endpoint)
	}
	return sub.Endpoint
}

func (sub *subscription) mail() bool {
	return sub.Protocol == "email" || sub.Protocol == "email-json"
}
