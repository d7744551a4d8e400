package resource

import (
	"context"
	"strings"
	"unicode"

	"github.com/nube-run/nube/internal/awsapi/shapes/sesv2"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// eventDestination is AWS::SES::ConfigurationSetEventDestination. Ref is its set
// and its name.
type eventDestination struct{ base }

func refusedOfEventDestination() []string {
	return []string{"EventDestination.CloudWatchDestination", "EventDestination.EventBridgeDestination", "EventDestination.KinesisFirehoseDestination"}
}

// destinationOf is the destination as the second API set takes it, with the names
// of its set and its own.
func destinationOf(r stack.Request) (set, name string, d *sesv2.EventDestinationDefinition, err error) {
	props := r.Properties.Get("EventDestination")
	d = &sesv2.EventDestinationDefinition{}
	if err := bind(d, props, "Name", "MatchingEventTypes"); err != nil {
		return "", "", nil, err
	}
	for _, e := range texts(props, "MatchingEventTypes") {
		d.MatchingEventTypes = append(d.MatchingEventTypes, upperWords(e))
	}
	if name = text(props, "Name"); name == "" {
		_, name = splitDestination(r.PhysicalID)
	}
	return text(r.Properties, "ConfigurationSetName"), name, d, nil
}

// upperWords writes renderingFailure, which is how templates name events,
// RENDERING_FAILURE.
func upperWords(s string) string {
	var out strings.Builder
	for _, c := range s {
		if unicode.IsUpper(c) && strings.ToUpper(s) != s {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(c))
	}
	return out.String()
}

func eventDestinationID(set, name string) string { return set + "|" + name }

// splitDestination takes a physical id apart: one that is not made yet is a name
// alone.
func splitDestination(id string) (set, name string) {
	set, name, ok := strings.Cut(id, "|")
	if !ok {
		return "", id
	}
	return set, name
}

func (t eventDestination) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	set, name, d, err := destinationOf(r)
	if err != nil {
		return stack.Progress{}, err
	}
	err = run(ctx, t.base, sesv2.CreateConfigurationSetEventDestination, &sesv2.CreateConfigurationSetEventDestinationRequest{
		ConfigurationSetName: &set, EventDestinationName: &name, EventDestination: d,
	})
	if err != nil && !(r.Again && present(err)) {
		return stack.Progress{}, err
	}
	return destinationProgress(eventDestinationID(set, name)), nil
}

func destinationProgress(id string) stack.Progress {
	return stack.Progress{PhysicalID: id, Attrs: stack.Attrs{"Id": id}}
}

func (t eventDestination) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	set, name, d, err := destinationOf(r)
	if err != nil {
		return destinationProgress(r.PhysicalID), err
	}
	return destinationProgress(r.PhysicalID), run(ctx, t.base, sesv2.UpdateConfigurationSetEventDestination, &sesv2.UpdateConfigurationSetEventDestinationRequest{
		ConfigurationSetName: &set, EventDestinationName: &name, EventDestination: d,
	})
}

func (t eventDestination) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	set, name := splitDestination(r.PhysicalID)
	return gone(run(ctx, t.base, sesv2.DeleteConfigurationSetEventDestination, &sesv2.DeleteConfigurationSetEventDestinationRequest{
		ConfigurationSetName: &set, EventDestinationName: &name,
	}))
}

func (t eventDestination) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	set, name := splitDestination(r.PhysicalID)
	out, err := do(ctx, t.base, sesv2.GetConfigurationSetEventDestinations, &sesv2.GetConfigurationSetEventDestinationsRequest{ConfigurationSetName: &set})
	if err != nil {
		return nil, found(err)
	}
	for _, d := range out.EventDestinations {
		if val(d.Name) == name {
			return stack.Attrs{"Id": r.PhysicalID}, nil
		}
	}
	return nil, stack.ErrNotFound
}

// renamesDestination: another name is another destination.
func renamesDestination(old, new *template.Value, _ []string) bool {
	return text(old, "EventDestination", "Name") != text(new, "EventDestination", "Name")
}
