package resource

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// topic is AWS::SNS::Topic. Ref is its ARN.
type topic struct{ base }

func refusedOfTopic() []string {
	return []string{"ArchivePolicy", "DataProtectionPolicy", "DeliveryStatusLogging"}
}

// topicARN is the ARN of the topic that a request is about: before it exists
// there is only its name, which of a FIFO topic ends as AWS wants it.
func topicARN(r stack.Request) string {
	if arn.Looks(r.PhysicalID) {
		return r.PhysicalID
	}
	name := r.PhysicalID
	if has(r.Properties, "FifoTopic") && !strings.HasSuffix(name, ".fifo") {
		name += ".fifo"
	}
	return r.Stack.Scope.Of("sns", name).String()
}

// topicAttributes are the properties that are attributes, with what they are
// when the template does not say.
func topicAttributes() [][2]string {
	return [][2]string{
		{"ContentBasedDeduplication", "false"}, {"DisplayName", ""}, {"FifoThroughputScope", "Topic"}, {"KmsMasterKeyId", ""},
		{"MaximumMessageSize", "262144"}, {"SignatureVersion", "1"}, {"TracingConfig", "PassThrough"},
	}
}

func snsTag(k, v string) sns.Tag { return sns.Tag{Key: &k, Value: &v} }

func (t topic) progress(r stack.Request) stack.Progress {
	id := topicARN(r)
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"TopicArn": id, "TopicName": arn.ARN(id).Resource()}}
}

func (t topic) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := t.progress(r)
	name := arn.ARN(done.PhysicalID).Resource()
	if !r.Again {
		// Creating a topic that exists succeeds, and would take it over.
		out, err := do(ctx, t.base, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &done.PhysicalID})
		if err == nil && len(out.Attributes) > 0 {
			return stack.Progress{}, fmt.Errorf("the topic %s already exists", name)
		}
		if err != nil && !absent(err) {
			return stack.Progress{}, err
		}
	}
	in := &sns.CreateTopicInput{Name: &name, Tags: pairs(tagMap(r.Properties), snsTag)}
	for _, a := range append(topicAttributes(), [2]string{"FifoTopic"}) {
		if v := r.Properties.Get(a[0]); v != nil {
			if in.Attributes == nil {
				in.Attributes = map[string]string{}
			}
			in.Attributes[a[0]] = v.Text
		}
	}
	if err := run(ctx, t.base, sns.CreateTopic, in); err != nil {
		return stack.Progress{}, err
	}
	return done, t.subscribe(ctx, done.PhysicalID, nil, r.Properties)
}

// subscribe makes the subscriptions that a topic's own template gives it, and
// ends those that an earlier one gave it.
func (t topic) subscribe(ctx context.Context, topic string, old, new *template.Value) error {
	was, is := subscriptionsOf(old), subscriptionsOf(new)
	for s := range is {
		if was[s] {
			continue
		}
		if err := run(ctx, t.base, sns.Subscribe, &sns.SubscribeInput{TopicArn: &topic, Protocol: ptr(s[0]), Endpoint: ptr(s[1])}); err != nil {
			return err
		}
	}
	for s := range is {
		delete(was, s)
	}
	if len(was) == 0 {
		return nil
	}
	for next := (*string)(nil); ; {
		out, err := do(ctx, t.base, sns.ListSubscriptionsByTopic, &sns.ListSubscriptionsByTopicInput{TopicArn: &topic, NextToken: next})
		if err != nil {
			return err
		}
		for _, s := range out.Subscriptions {
			if !was[[2]string{val(s.Protocol), val(s.Endpoint)}] || !arn.Looks(val(s.SubscriptionArn)) {
				continue
			}
			if err := run(ctx, t.base, sns.Unsubscribe, &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); err != nil {
				return err
			}
		}
		if next = out.NextToken; next == nil {
			return nil
		}
	}
}

// subscriptionsOf is the Subscription property: protocols and endpoints.
func subscriptionsOf(props *template.Value) map[[2]string]bool {
	out := map[[2]string]bool{}
	if v := props.Get("Subscription"); v != nil {
		for _, item := range v.Items {
			out[[2]string{text(item, "Protocol"), text(item, "Endpoint")}] = true
		}
	}
	return out
}

func (t topic) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := t.progress(r)
	for _, a := range topicAttributes() {
		if same(r.Old, r.Properties, a[0]) {
			continue
		}
		v := a[1]
		if p := r.Properties.Get(a[0]); p != nil {
			v = p.Text
		}
		if err := run(ctx, t.base, sns.SetTopicAttributes, &sns.SetTopicAttributesInput{TopicArn: &done.PhysicalID, AttributeName: ptr(a[0]), AttributeValue: &v}); err != nil {
			return done, err
		}
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(remove) > 0 {
		if err := run(ctx, t.base, sns.UntagResource, &sns.UntagResourceRequest{ResourceArn: &done.PhysicalID, TagKeys: remove}); err != nil {
			return done, err
		}
	}
	if len(set) > 0 {
		if err := run(ctx, t.base, sns.TagResource, &sns.TagResourceRequest{ResourceArn: &done.PhysicalID, Tags: pairs(set, snsTag)}); err != nil {
			return done, err
		}
	}
	return done, t.subscribe(ctx, done.PhysicalID, r.Old, r.Properties)
}

func (t topic) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, sns.DeleteTopic, &sns.DeleteTopicInput{TopicArn: ptr(topicARN(r))}))
}

func (t topic) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	done := t.progress(r)
	if err := run(ctx, t.base, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: &done.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return done.Attrs, nil
}
