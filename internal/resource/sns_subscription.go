package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// subscription is AWS::SNS::Subscription. Ref is its ARN.
type subscription struct{ base }

func refusedOfSubscription() []string {
	return []string{"Region", "ReplayPolicy", "SubscriptionRoleArn"}
}

// subscriptionAttribute is a property as an attribute, empty when the template
// does not say it.
func subscriptionAttribute(props *template.Value, name string) string {
	v := props.Get(name)
	switch {
	case v == nil:
		return ""
	case v.IsScalar():
		return v.Text
	}
	return document(v)
}

func (t subscription) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &sns.SubscribeInput{
		TopicArn: ptr(text(r.Properties, "TopicArn")), Protocol: ptr(text(r.Properties, "Protocol")), Endpoint: ptr(text(r.Properties, "Endpoint")),
		ReturnSubscriptionArn: ptr(true),
	}
	for _, name := range []string{"DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"} {
		if v := subscriptionAttribute(r.Properties, name); v != "" {
			if in.Attributes == nil {
				in.Attributes = map[string]string{}
			}
			in.Attributes[name] = v
		}
	}
	out, err := do(ctx, t.base, sns.Subscribe, in)
	if err != nil {
		return stack.Progress{}, err
	}
	id := val(out.SubscriptionArn)
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Arn": id}}, nil
}

// Update sets the scope of the filter before the filter when the new filter may
// be one that only the new scope allows, and after it when the old one may.
func (t subscription) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	done := stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": r.PhysicalID}}
	order := []string{"FilterPolicyScope", "FilterPolicy", "DeliveryPolicy", "RawMessageDelivery", "RedrivePolicy"}
	if subscriptionAttribute(r.Properties, "FilterPolicyScope") != "MessageBody" {
		order[0], order[1] = order[1], order[0]
	}
	for _, name := range order {
		if same(r.Old, r.Properties, name) {
			continue
		}
		v := subscriptionAttribute(r.Properties, name)
		switch {
		case v == "" && name == "FilterPolicyScope":
			v = "MessageAttributes"
		case v == "" && name == "RawMessageDelivery":
			v = "false"
		}
		if err := run(ctx, t.base, sns.SetSubscriptionAttributes, &sns.SetSubscriptionAttributesInput{SubscriptionArn: &r.PhysicalID, AttributeName: &name, AttributeValue: &v}); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (t subscription) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, t.base, sns.Unsubscribe, &sns.UnsubscribeInput{SubscriptionArn: &r.PhysicalID}))
}

func (t subscription) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	if err := run(ctx, t.base, sns.GetSubscriptionAttributes, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &r.PhysicalID}); err != nil {
		return nil, found(err)
	}
	return stack.Attrs{"Arn": r.PhysicalID}, nil
}
