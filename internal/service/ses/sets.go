package ses

import (
	"context"
	"regexp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// configSet is the row of a configuration set. Of its options two do something:
// whether mail is sent, and to whom it is not. The others are about addresses, networks and
// reputation, of which there are none here; they are kept and shown.
type configSet struct {
	Paused      bool                   `json:",omitempty"`
	Tracking    *v2.TrackingOptions    `json:",omitempty"`
	Delivery    *v2.DeliveryOptions    `json:",omitempty"`
	Reputation  *v2.ReputationOptions  `json:",omitempty"`
	Suppression *v2.SuppressionOptions `json:",omitempty"`
	Vdm         *v2.VdmOptions         `json:",omitempty"`
	Tags        map[string]string      `json:",omitempty"`

	Destinations map[string]destination `json:",omitempty"` // of events, by name
}

func (s *Service) registerSets() {
	s.registerDestinations()
	awsapi.Handle(s.v1, v1.CreateConfigurationSet, onSetV1("CreateConfigurationSet", func(in *v1.CreateConfigurationSetRequest) *string { return val(in.ConfigurationSet).Name }), old(func(ctx context.Context, in *v1.CreateConfigurationSetRequest) (*v1.CreateConfigurationSetResponse, error) {
		return &v1.CreateConfigurationSetResponse{}, s.createSet(ctx, val(in.ConfigurationSet.Name), configSet{})
	}))
	awsapi.Handle(s.v1, v1.DeleteConfigurationSet, onSetV1("DeleteConfigurationSet", func(in *v1.DeleteConfigurationSetRequest) *string { return in.ConfigurationSetName }), old(func(ctx context.Context, in *v1.DeleteConfigurationSetRequest) (*v1.DeleteConfigurationSetResponse, error) {
		return &v1.DeleteConfigurationSetResponse{}, s.deleteSet(ctx, val(in.ConfigurationSetName))
	}))
	awsapi.Handle(s.v1, v1.DescribeConfigurationSet, anywhere[*v1.DescribeConfigurationSetRequest](1, "DescribeConfigurationSet"), old(s.describeSet))
	awsapi.Handle(s.v1, v1.ListConfigurationSets, anywhere[*v1.ListConfigurationSetsRequest](1, "ListConfigurationSets"), old(s.listSetsV1))
	awsapi.Handle(s.v1, v1.UpdateConfigurationSetSendingEnabled, anywhere[*v1.UpdateConfigurationSetSendingEnabledRequest](1, "UpdateConfigurationSetSendingEnabled"), old(func(ctx context.Context, in *v1.UpdateConfigurationSetSendingEnabledRequest) (*schema.Empty, error) {
		return &schema.Empty{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) { c.Paused = !val(in.Enabled) })
	}))

	awsapi.Handle(s.v2, v2.CreateConfigurationSet, accessCreateSet, recent(s.createSetV2))
	awsapi.Handle(s.v2, v2.GetConfigurationSet, onSet("GetConfigurationSet", func(in *v2.GetConfigurationSetRequest) *string { return in.ConfigurationSetName }), recent(s.getSet))
	awsapi.Handle(s.v2, v2.ListConfigurationSets, anywhere[*v2.ListConfigurationSetsRequest](2, "ListConfigurationSets"), recent(s.listSetsV2))
	awsapi.Handle(s.v2, v2.DeleteConfigurationSet, onSet("DeleteConfigurationSet", func(in *v2.DeleteConfigurationSetRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.DeleteConfigurationSetRequest) (*v2.DeleteConfigurationSetResponse, error) {
		return &v2.DeleteConfigurationSetResponse{}, s.deleteSet(ctx, val(in.ConfigurationSetName))
	}))
	awsapi.Handle(s.v2, v2.PutConfigurationSetSendingOptions, onSet("PutConfigurationSetSendingOptions", func(in *v2.PutConfigurationSetSendingOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetSendingOptionsRequest) (*v2.PutConfigurationSetSendingOptionsResponse, error) {
		return &v2.PutConfigurationSetSendingOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) { c.Paused = !val(in.SendingEnabled) })
	}))
	awsapi.Handle(s.v2, v2.PutConfigurationSetSuppressionOptions, onSet("PutConfigurationSetSuppressionOptions", func(in *v2.PutConfigurationSetSuppressionOptionsRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.PutConfigurationSetSuppressionOptionsRequest) (*v2.PutConfigurationSetSuppressionOptionsResponse, error) {
		reasons := append([]string{}, in.SuppressedReasons...)
		return &v2.PutConfigurationSetSuppressionOptionsResponse{}, s.changeSet(ctx, val(in.ConfigurationSetName), func(c *configSet) {
			c.Suppression = &v2.SuppressionOptions{SuppressedReasons: reasons}
		})
	}))
}

// onSet is the access function of operations on a configuration set.
//
//go:noinline
func onSet[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return onResource(action, func(in I) arn.ARN { return arn.ARN("configuration-set/" + val(name(in))) })
}

// onSetV1 is the same for the operations of the first set that have the resource.
//
//go:noinline
func onSetV1[I any](action string, name func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{
			Action: "ses:" + action, Resource: awsapi.From(ctx).Scope.Of("ses", "configuration-set/"+val(name(in))), Keys: policy.KeyMap{versionKey: policy.One("1")},
		}}, nil
	}
}

func accessCreateSet(ctx context.Context, in *v2.CreateConfigurationSetRequest) ([]awsapi.Access, error) {
	tags := map[string]string{}
	for _, t := range in.Tags {
		tags[val(t.Key)] = val(t.Value)
	}
	return []awsapi.Access{{
		Action: "ses:CreateConfigurationSet", Resource: awsapi.From(ctx).Scope.Of("ses", "configuration-set/"+val(in.ConfigurationSetName)),
		Keys: tagKeys(policy.KeyMap{versionKey: policy.One("2")}, tags),
	}}, nil
}

func (s *Service) createSetV2(ctx context.Context, in *v2.CreateConfigurationSetRequest) (*v2.CreateConfigurationSetResponse, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	c := configSet{
		Tracking: in.TrackingOptions, Delivery: in.DeliveryOptions, Reputation: in.ReputationOptions, Suppression: in.SuppressionOptions,
		Vdm: in.VdmOptions, Tags: tags,
	}
	// A boolean that is false is left out by clients: options without it pause.
	if o := in.SendingOptions; o != nil {
		c.Paused = !val(o.SendingEnabled)
	}
	return &v2.CreateConfigurationSetResponse{}, s.createSet(ctx, val(in.ConfigurationSetName), c)
}

func (s *Service) createSet(ctx context.Context, name string, c configSet) error {
	if ok, err := regexp.MatchString(`^[A-Za-z0-9_-]{1,64}$`, name); err != nil {
		return err
	} else if !ok {
		return invalid("Configuration set name <%s> is not valid: at most 64 letters, digits, '_' and '-'.", name)
	}
	k := spaceOf(cell(ctx)).set(name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		if have, err := tx.Get(k); err != nil {
			return err
		} else if have != nil {
			return fault.New(setExists, "Configuration set <%s> already exists.", name)
		}
		return jsonrow.Set(tx, k, &c)
	})
	return err
}

func (s *Service) deleteSet(ctx context.Context, name string) error {
	k := spaceOf(cell(ctx)).set(name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		if have, err := tx.Get(k); err != nil {
			return err
		} else if have == nil {
			return noSet(name)
		}
		tx.Delete(k)
		return nil
	})
	return err
}

func (s *Service) changeSet(ctx context.Context, name string, change func(*configSet)) error {
	k := spaceOf(cell(ctx)).set(name)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var c configSet
		if ok, err := jsonrow.Get(tx, k, &c); err != nil {
			return err
		} else if !ok {
			return noSet(name)
		}
		change(&c)
		return jsonrow.Set(tx, k, &c)
	})
	return err
}

func (s *Service) viewSet(ctx context.Context, name string) (c configSet, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, spaceOf(cell(ctx)).set(name), &c)
		if err == nil && !ok {
			err = noSet(name)
		}
		return err
	})
	return c, err
}

func (s *Service) describeSet(ctx context.Context, in *v1.DescribeConfigurationSetRequest) (*v1.DescribeConfigurationSetResponse, error) {
	c, err := s.viewSet(ctx, val(in.ConfigurationSetName))
	if err != nil {
		return nil, err
	}
	out := &v1.DescribeConfigurationSetResponse{ConfigurationSet: &v1.ConfigurationSet{Name: in.ConfigurationSetName}}
	for _, attribute := range in.ConfigurationSetAttributeNames {
		switch attribute {
		case "eventDestinations":
			out.EventDestinations = c.destinationsV1()
		case "trackingOptions":
			if t := c.Tracking; t != nil {
				out.TrackingOptions = &v1.TrackingOptions{CustomRedirectDomain: t.CustomRedirectDomain}
			}
		case "deliveryOptions":
			if d := c.Delivery; d != nil && val(d.TlsPolicy) != "" {
				policies := map[string]string{"REQUIRE": "Require", "OPTIONAL": "Optional"}
				out.DeliveryOptions = &v1.DeliveryOptions{TlsPolicy: ptr(policies[*d.TlsPolicy])}
			}
		case "reputationOptions":
			out.ReputationOptions = &v1.ReputationOptions{SendingEnabled: ptr(!c.Paused), ReputationMetricsEnabled: ptr(c.metrics())}
		}
	}
	return out, nil
}

func (c *configSet) metrics() bool {
	return c.Reputation != nil && val(c.Reputation.ReputationMetricsEnabled)
}

func (s *Service) getSet(ctx context.Context, in *v2.GetConfigurationSetRequest) (*v2.GetConfigurationSetResponse, error) {
	c, err := s.viewSet(ctx, val(in.ConfigurationSetName))
	if err != nil {
		return nil, err
	}
	out := &v2.GetConfigurationSetResponse{
		ConfigurationSetName: in.ConfigurationSetName, TrackingOptions: c.Tracking, DeliveryOptions: c.Delivery, SuppressionOptions: c.Suppression,
		VdmOptions: c.Vdm, Tags: tagList(c.Tags), SendingOptions: &v2.SendingOptions{SendingEnabled: ptr(!c.Paused)},
		ReputationOptions: &v2.ReputationOptions{ReputationMetricsEnabled: ptr(c.metrics())},
	}
	return out, nil
}

func (s *Service) listSetsV1(ctx context.Context, in *v1.ListConfigurationSetsRequest) (*v1.ListConfigurationSetsResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v1.ListConfigurationSetsResponse{ConfigurationSets: []v1.ConfigurationSet{}}
	var err error
	out.NextToken, err = (&list[configSet]{rows: sp.sets(), key: sp.set, limit: limitOf(in.MaxItems, 1000, 1000)}).page(ctx, s, in.NextToken, func(name string, _ *configSet) {
		out.ConfigurationSets = append(out.ConfigurationSets, v1.ConfigurationSet{Name: &name})
	})
	return out, err
}

func (s *Service) listSetsV2(ctx context.Context, in *v2.ListConfigurationSetsRequest) (*v2.ListConfigurationSetsResponse, error) {
	sp := spaceOf(cell(ctx))
	out := &v2.ListConfigurationSetsResponse{ConfigurationSets: []string{}}
	var err error
	out.NextToken, err = (&list[configSet]{rows: sp.sets(), key: sp.set, limit: limitOf(in.PageSize, 1000, 1000)}).page(ctx, s, in.NextToken, func(name string, _ *configSet) {
		out.ConfigurationSets = append(out.ConfigurationSets, name)
	})
	return out, err
}
