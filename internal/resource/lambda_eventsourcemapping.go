package resource

import (
	"context"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// eventSourceMapping is AWS::Lambda::EventSourceMapping. Ref is its UUID.
type eventSourceMapping struct{ base }

func refusedOfMapping() []string {
	return []string{
		"AmazonManagedKafkaEventSourceConfig", "DocumentDBEventSourceConfig", "KmsKeyArn", "LoggingConfig", "MetricsConfig", "ProvisionedPollerConfig",
		"Queues", "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations", "Topics",
	}
}

// Create makes a mapping. The service gives the id, so a repeated creation looks
// for the mapping that it may have made: a function has only one of a source.
func (e eventSourceMapping) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	if r.Again {
		made, err := do(ctx, e.base, lambda.ListEventSourceMappings, &lambda.ListEventSourceMappingsRequest{
			EventSourceArn: ptr(text(r.Properties, "EventSourceArn")), FunctionName: ptr(text(r.Properties, "FunctionName")),
		})
		if err != nil {
			return stack.Progress{}, err
		}
		for i := range made.EventSourceMappings {
			if m := &made.EventSourceMappings[i]; val(m.LastModified) >= r.Since {
				return mappingProgress(m), nil
			}
		}
	}
	in := lambda.CreateEventSourceMappingRequest{Tags: tagMap(r.Properties)}
	if err := bind(&in, r.Properties, "StartingPositionTimestamp", "Tags"); err != nil {
		return stack.Progress{}, err
	}
	if at := r.Properties.Get("StartingPositionTimestamp"); at != nil {
		s, ok := at.AsFloat()
		if !ok {
			return stack.Progress{}, mismatch(at, "number of seconds")
		}
		in.StartingPositionTimestamp = ptr(clock.Instant(s * float64(time.Second)))
	}
	m, err := do(ctx, e.base, lambda.CreateEventSourceMapping, &in)
	if err != nil {
		return stack.Progress{}, err
	}
	return mappingProgress(m), nil
}

func mappingProgress(m *lambda.EventSourceMappingConfiguration) stack.Progress {
	return stack.Progress{PhysicalID: val(m.UUID), Attrs: mappingAttrs(m)}
}

func mappingAttrs(m *lambda.EventSourceMappingConfiguration) stack.Attrs {
	return stack.Attrs{"Id": val(m.UUID), "EventSourceMappingArn": val(m.EventSourceMappingArn)}
}

// Update says what a mapping is to be. What was there and is not any more goes
// back to what a mapping of its source is without it.
func (e eventSourceMapping) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	want, none, batch := r.Properties, template.Object{}, 100
	if strings.Contains(text(want, "EventSourceArn"), ":sqs:") {
		batch = 10
	}
	for _, d := range (template.Object{
		{Key: "BatchSize", Value: batch}, {Key: "BisectBatchOnFunctionError", Value: false},
		{Key: "DestinationConfig", Value: template.Object{{Key: "OnFailure", Value: none}}}, {Key: "Enabled", Value: true},
		{Key: "FilterCriteria", Value: template.Object{{Key: "Filters", Value: []any{}}}}, {Key: "FunctionResponseTypes", Value: []any{}},
		{Key: "MaximumBatchingWindowInSeconds", Value: 0}, {Key: "MaximumRecordAgeInSeconds", Value: -1}, {Key: "MaximumRetryAttempts", Value: -1},
		{Key: "ParallelizationFactor", Value: 1}, {Key: "ScalingConfig", Value: none}, {Key: "TumblingWindowInSeconds", Value: 0},
	}) {
		if r.Old.Has(d.Key) && !want.Has(d.Key) {
			want = want.With(d.Key, template.New(want.Pos, d.Value))
		}
	}
	in := lambda.UpdateEventSourceMappingRequest{UUID: &r.PhysicalID}
	if err := bind(&in, want, "EventSourceArn", "StartingPosition", "StartingPositionTimestamp", "Tags"); err != nil {
		return stack.Progress{}, err
	}
	m, err := do(ctx, e.base, lambda.UpdateEventSourceMapping, &in)
	if err != nil {
		return stack.Progress{PhysicalID: r.PhysicalID}, err
	}
	set, remove := tagChanges(r.Old, r.Properties)
	if len(set) > 0 {
		err = run(ctx, e.base, lambda.TagResource, &lambda.TagResourceRequest{Resource: m.EventSourceMappingArn, Tags: set})
	}
	if err == nil && len(remove) > 0 {
		err = run(ctx, e.base, lambda.UntagResource, &lambda.UntagResourceRequest{Resource: m.EventSourceMappingArn, TagKeys: remove})
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: mappingAttrs(m)}, err
}

func (e eventSourceMapping) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, e.base, lambda.DeleteEventSourceMapping, &lambda.DeleteEventSourceMappingRequest{UUID: &r.PhysicalID}))
}

func (e eventSourceMapping) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	m, err := do(ctx, e.base, lambda.GetEventSourceMapping, &lambda.GetEventSourceMappingRequest{UUID: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	return mappingAttrs(m), nil
}
