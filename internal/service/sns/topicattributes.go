package sns

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// attribute is what an attribute of a topic is, set or not.
func (t *topic) attribute(n name, key string) string {
	if v, ok := t.Attributes[key]; ok {
		return v
	}
	switch key {
	case "ContentBasedDeduplication":
		return "false"
	case "FifoThroughputScope":
		return throughputTopic
	case "SignatureVersion":
		return "1"
	case "TracingConfig":
		return "PassThrough"
	case "MaximumMessageSize":
		return strconv.Itoa(maxMessage)
	case "Policy":
		return defaultPolicy(n)
	}
	return ""
}

// policy is the resource policy of a topic.
func (t *topic) policy(n name) string { return t.attribute(n, "Policy") }

// defaultPolicy is what a topic has until somebody sets another: what belongs to
// the topic's own account may use it.
func defaultPolicy(n name) string {
	b := []byte(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":`)
	b = wire.AppendString(b, n.arn())
	b = append(b, `,"Condition":{"StringEquals":{"AWS:SourceOwner":`...)
	b = wire.AppendString(b, n.scope.Account)
	return string(append(b, `}}}]}`...))
}

// The scopes within which a FIFO topic finds duplicates.
//
// https://docs.aws.amazon.com/sns/latest/dg/fifo-topic-high-throughput.html
const (
	throughputTopic = "Topic"
	throughputGroup = "MessageGroup"
)

// setAttribute checks and sets one attribute; an empty value resets it.
//
// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
func (s *Service) setAttribute(t *topic, n name, key, v string) error {
	switch key {
	case "Policy":
		if v != "" {
			if err := checkPolicy(v); err != nil {
				return err
			}
		}
	case "DisplayName":
		if utf8.RuneCountInString(v) > 100 {
			return invalid("DisplayName")
		}
	case "DeliveryPolicy":
		if v != "" {
			if _, err := topicDelivery(v); err != nil {
				return err
			}
		}
	case "KmsMasterKeyId":
	case "MaximumMessageSize":
		if n, err := strconv.Atoi(v); v != "" && (err != nil || n < 1<<10 || n > 1<<20) {
			return invalid("MaximumMessageSize: Invalid value [%s]. Must be an integer from 1024 to 1048576", v)
		}
	case "SignatureVersion":
		if v != "1" && v != "2" {
			return invalid("SignatureVersion")
		}
	case "TracingConfig":
		if v != "PassThrough" && v != "Active" {
			return invalid("TracingConfig: Invalid value [%s]. Please use either Active or PassThrough", v)
		}
	case "ContentBasedDeduplication":
		if !n.fifo() {
			return invalid("Content-based deduplication can only be set for FIFO topics")
		}
		if v != "true" && v != "false" {
			return invalid("ContentBasedDeduplication: Invalid value [%s]. Must be true or false.", v)
		}
	case "FifoThroughputScope":
		if !n.fifo() {
			return invalid("FifoThroughputScope can only be set for FIFO topics")
		}
		if v != throughputTopic && v != throughputGroup {
			return invalid("FifoThroughputScope: Invalid value [%s]. Please use either Topic or MessageGroup", v)
		}
	case "ArchivePolicy":
		if v != "" && v != "{}" {
			return invalid("ArchivePolicy: nube keeps no archive of messages; create the topic without one")
		}
		v = ""
	default:
		if isFeedback(key) {
			return invalid("%s: nube does not log the status of deliveries; `nube trace` shows every one", key)
		}
		return invalid("AttributeName")
	}
	if t.Attributes == nil {
		t.Attributes = map[string]string{}
	}
	if v == "" {
		delete(t.Attributes, key)
	} else {
		t.Attributes[key] = v
	}
	return nil
}

// isFeedback reports whether an attribute is about delivery status logging.
//
// https://docs.aws.amazon.com/sns/latest/dg/topics-attrib.html
func isFeedback(key string) bool {
	for _, protocol := range [...]string{"HTTP", "Firehose", "Lambda", "Application", "SQS"} {
		for _, rest := range [...]string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"} {
			if key == protocol+rest {
				return true
			}
		}
	}
	return false
}

// checkPolicy checks a policy document.
func checkPolicy(text string) error {
	_, err := policy.Parse(policy.Resource, text)
	var bad *policy.Error
	if errors.As(err, &bad) {
		return invalid("Policy Error: %s", bad.Message).Because(err)
	}
	return err
}

func (s *Service) setTopicAttributes(ctx context.Context, in *shapes.SetTopicAttributesInput) (*schema.Empty, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, n, func(tx *kv.Tx, t *topic) error {
		if err := s.setAttribute(t, n, value(in.AttributeName), value(in.AttributeValue)); err != nil {
			return err
		}
		if value(in.AttributeName) == "MaximumMessageSize" && t.large(n) {
			return checkLarge(tx, n, nil)
		}
		return nil
	})
	return &schema.Empty{}, err
}

// maxSize is how large a message to the topic may be.
func (t *topic) maxSize(n name) int {
	size, _ := strconv.Atoi(t.attribute(n, "MaximumMessageSize"))
	return size
}

// large reports whether the topic takes messages that not everybody can.
func (t *topic) large(n name) bool { return t.maxSize(n) > maxMessage }

// largeSubscriptions is how many subscriptions a topic for large messages has.
const largeSubscriptions = 100

// checkLarge checks that the subscriptions of a topic, and another one, are such
// as a topic for large messages may have.
//
// https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html
func checkLarge(tx *kv.Tx, n name, another *subscription) error {
	count := 0
	check := func(sub *subscription) error {
		if count++; count > largeSubscriptions {
			return invalid("A topic with a MaximumMessageSize above 256 KiB can have at most 100 subscriptions")
		}
		if sub.Protocol != "sqs" && sub.Protocol != "lambda" {
			return invalid("A topic with a MaximumMessageSize above 256 KiB can only have subscriptions of the protocols sqs, lambda and firehose")
		}
		return nil
	}
	if another != nil {
		if err := check(another); err != nil {
			return err
		}
	}
	for p, err := range tx.Scan(n.space().subscriptionsOf(n.topic), kv.ScanOptions{}) {
		if err != nil {
			return err
		}
		var sub subscription
		if err := jsonrow.Decode(p.Key, p.Value, &sub); err != nil {
			return err
		}
		if err := check(&sub); err != nil {
			return err
		}
	}
	return nil
}

// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
func (s *Service) getTopicAttributes(ctx context.Context, in *shapes.GetTopicAttributesInput) (*shapes.GetTopicAttributesResponse, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	var t topic
	var confirmed, pending int
	now := s.Clock.Now()
	sp := n.space()
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, sp.topic(n.topic), &t)
		if err := present(ok, err, noTopic()); err != nil {
			return err
		}
		for p, err := range snap.Scan(sp.subscriptionsOf(n.topic), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			var sub subscription
			if err := jsonrow.Decode(p.Key, p.Value, &sub); err != nil {
				return err
			}
			switch {
			case sub.expired(now):
			case sub.Pending:
				pending++
			default:
				confirmed++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := map[string]string{
		"TopicArn": n.arn(), "Owner": n.scope.Account, "DisplayName": "", "Policy": t.policy(n),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": strconv.Itoa(t.Deleted),
	}
	d, err := topicDelivery(t.Attributes["DeliveryPolicy"])
	if err != nil {
		return nil, err
	}
	out["EffectiveDeliveryPolicy"] = d.effective()
	if n.fifo() {
		out["FifoTopic"], out["ContentBasedDeduplication"] = "true", "false"
	}
	for k, v := range t.Attributes {
		out[k] = v
	}
	return &shapes.GetTopicAttributesResponse{Attributes: out}, nil
}
