package ses

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	v1 "github.com/nube-run/nube/internal/awsapi/shapes/ses"
	v2 "github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/fault"
)

// destination is where a configuration set tells what becomes of mail: a topic.
type destination struct {
	Enabled bool     `json:",omitempty"`
	Events  []string // in the words of the second API set
	Topic   string   // ARN
}

func (s *Service) registerDestinations() {
	awsapi.Handle(s.v1, v1.CreateConfigurationSetEventDestination, onSetV1("CreateConfigurationSetEventDestination", func(in *v1.CreateConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), old(func(ctx context.Context, in *v1.CreateConfigurationSetEventDestinationRequest) (*v1.CreateConfigurationSetEventDestinationResponse, error) {
		d, err := destinationV1(in.EventDestination)
		if err == nil {
			err = s.putDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestination.Name), d, mustBeNew)
		}
		return &v1.CreateConfigurationSetEventDestinationResponse{}, err
	}))
	awsapi.Handle(s.v1, v1.UpdateConfigurationSetEventDestination, onSetV1("UpdateConfigurationSetEventDestination", func(in *v1.UpdateConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), old(func(ctx context.Context, in *v1.UpdateConfigurationSetEventDestinationRequest) (*v1.UpdateConfigurationSetEventDestinationResponse, error) {
		d, err := destinationV1(in.EventDestination)
		if err == nil {
			err = s.putDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestination.Name), d, mustExist)
		}
		return &v1.UpdateConfigurationSetEventDestinationResponse{}, err
	}))
	awsapi.Handle(s.v1, v1.DeleteConfigurationSetEventDestination, onSetV1("DeleteConfigurationSetEventDestination", func(in *v1.DeleteConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), old(func(ctx context.Context, in *v1.DeleteConfigurationSetEventDestinationRequest) (*v1.DeleteConfigurationSetEventDestinationResponse, error) {
		return &v1.DeleteConfigurationSetEventDestinationResponse{}, s.deleteDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestinationName))
	}))

	awsapi.Handle(s.v2, v2.CreateConfigurationSetEventDestination, onSet("CreateConfigurationSetEventDestination", func(in *v2.CreateConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.CreateConfigurationSetEventDestinationRequest) (*v2.CreateConfigurationSetEventDestinationResponse, error) {
		d, err := destinationV2(in.EventDestination)
		if err == nil {
			err = s.putDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestinationName), d, mustBeNew)
		}
		return &v2.CreateConfigurationSetEventDestinationResponse{}, err
	}))
	awsapi.Handle(s.v2, v2.UpdateConfigurationSetEventDestination, onSet("UpdateConfigurationSetEventDestination", func(in *v2.UpdateConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.UpdateConfigurationSetEventDestinationRequest) (*v2.UpdateConfigurationSetEventDestinationResponse, error) {
		d, err := destinationV2(in.EventDestination)
		if err == nil {
			err = s.putDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestinationName), d, mustExist)
		}
		return &v2.UpdateConfigurationSetEventDestinationResponse{}, err
	}))
	awsapi.Handle(s.v2, v2.DeleteConfigurationSetEventDestination, onSet("DeleteConfigurationSetEventDestination", func(in *v2.DeleteConfigurationSetEventDestinationRequest) *string { return in.ConfigurationSetName }), recent(func(ctx context.Context, in *v2.DeleteConfigurationSetEventDestinationRequest) (*v2.DeleteConfigurationSetEventDestinationResponse, error) {
		return &v2.DeleteConfigurationSetEventDestinationResponse{}, s.deleteDestination(ctx, val(in.ConfigurationSetName), val(in.EventDestinationName))
	}))
	awsapi.Handle(s.v2, v2.GetConfigurationSetEventDestinations, onSet("GetConfigurationSetEventDestinations", func(in *v2.GetConfigurationSetEventDestinationsRequest) *string { return in.ConfigurationSetName }), recent(s.getDestinations))
}

// Kinds of events in the words of the second API set.
const (
	sendEvent      = "SEND"
	bounceEvent    = "BOUNCE"
	complaintEvent = "COMPLAINT"
	deliveryEvent  = "DELIVERY"
	delayEvent     = "DELIVERY_DELAY"
	failureEvent   = "RENDERING_FAILURE"
)

// eventNames are the kinds of events in the words of the first API set, which
// has not all, and of the second.
func eventNames() map[string]string {
	return map[string]string{
		"send": sendEvent, "reject": "REJECT", "bounce": bounceEvent, "complaint": complaintEvent, "delivery": deliveryEvent, "open": "OPEN", "click": "CLICK",
		"renderingFailure": failureEvent,
	}
}

func destinationV1(in *v1.EventDestination) (destination, error) {
	d := destination{Enabled: val(in.Enabled)}
	names := eventNames()
	for _, e := range in.MatchingEventTypes {
		d.Events = append(d.Events, names[e])
	}
	if in.SNSDestination == nil || in.CloudWatchDestination != nil || in.KinesisFirehoseDestination != nil {
		return d, onlyTopics()
	}
	d.Topic = val(in.SNSDestination.TopicARN)
	return d, d.check()
}

func destinationV2(in *v2.EventDestinationDefinition) (destination, error) {
	d := destination{Enabled: val(in.Enabled), Events: in.MatchingEventTypes}
	if in.SnsDestination == nil || in.CloudWatchDestination != nil || in.KinesisFirehoseDestination != nil || in.EventBridgeDestination != nil || in.PinpointDestination != nil {
		return d, onlyTopics()
	}
	d.Topic = val(in.SnsDestination.TopicArn)
	return d, d.check()
}

func onlyTopics() *fault.Error {
	return invalid("nube tells what becomes of mail to topics of SNS alone: an event destination must have an SNS destination, and no other.")
}

func (d *destination) check() error {
	if a, err := arn.Parse(d.Topic); err != nil || a.Service() != "sns" {
		return invalid("Invalid SNS topic <%s>.", d.Topic)
	}
	if len(d.Events) == 0 {
		return invalid("An event destination must have at least one matching event type.")
	}
	return nil
}

func (s *Service) putDestination(ctx context.Context, set, name string, d destination, p presence) error {
	var refused error
	err := s.changeSet(ctx, set, func(c *configSet) {
		_, have := c.Destinations[name]
		switch refused = nil; {
		case have && p == mustBeNew:
			refused = fault.New(destinationExists, "An event destination with name <%s> already exists in configuration set <%s>.", name, set)
			return
		case !have && p == mustExist:
			refused = noDestination(set, name)
			return
		}
		c.Destinations = maps.Clone(c.Destinations)
		if c.Destinations == nil {
			c.Destinations = map[string]destination{}
		}
		c.Destinations[name] = d
	})
	if err != nil {
		return err
	}
	return refused
}

func (s *Service) deleteDestination(ctx context.Context, set, name string) error {
	var refused error
	err := s.changeSet(ctx, set, func(c *configSet) {
		if refused = nil; c.Destinations[name].Topic == "" {
			refused = noDestination(set, name)
		}
		delete(c.Destinations, name)
	})
	if err != nil {
		return err
	}
	return refused
}

func noDestination(set, name string) *fault.Error {
	return fault.New(noDestinationCode, "No EventDestination found for <%s> in configuration set <%s>.", name, set)
}

func (s *Service) getDestinations(ctx context.Context, in *v2.GetConfigurationSetEventDestinationsRequest) (*v2.GetConfigurationSetEventDestinationsResponse, error) {
	c, err := s.viewSet(ctx, val(in.ConfigurationSetName))
	out := &v2.GetConfigurationSetEventDestinationsResponse{EventDestinations: []v2.EventDestination{}}
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		d := c.Destinations[name]
		out.EventDestinations = append(out.EventDestinations, v2.EventDestination{
			Name: &name, Enabled: &d.Enabled, MatchingEventTypes: d.Events, SnsDestination: &v2.SnsDestination{TopicArn: &d.Topic},
		})
	}
	return out, err
}

// destinationsV1 are the destinations as the first API set shows them; events
// that it has no word for are left out.
func (c *configSet) destinationsV1() []v1.EventDestination {
	words := map[string]string{}
	for old, recent := range eventNames() {
		words[recent] = old
	}
	out := []v1.EventDestination{}
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		d := c.Destinations[name]
		shown := v1.EventDestination{Name: &name, Enabled: &d.Enabled, MatchingEventTypes: []string{}, SNSDestination: &v1.SNSDestination{TopicARN: &d.Topic}}
		for _, e := range d.Events {
			if word := words[e]; word != "" {
				shown.MatchingEventTypes = append(shown.MatchingEventTypes, word)
			}
		}
		out = append(out, shown)
	}
	return out
}
