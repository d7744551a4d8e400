package lambda

import (
	"context"
	"slices"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/pattern"
	"github.com/nube-run/nube/internal/sources"
)

// What a mapping may be. Which parameters belong to which source:
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html

const (
	reportFailures = "ReportBatchItemFailures"
	streamBatch    = 100 // default batch of a stream
	maxFilters     = 10
	minAge         = time.Minute // of MaximumRecordAgeInSeconds
)

// newMapping is the mapping that a request asks for.
func (s *Service) newMapping(ctx context.Context, in *shapes.CreateEventSourceMappingRequest) (*sources.Mapping, error) {
	fn, err := s.mapped(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	source := arn.ARN(value(in.EventSourceArn))
	if source == "" {
		if in.SelfManagedEventSource != nil {
			return nil, refused("self-managed event sources")
		}
		return nil, invalid("Unrecognized event source.")
	}
	if s.mappings == nil {
		return nil, refused("event source mappings")
	}
	if _, ok := s.mappings.Source(source); !ok {
		return nil, refused("event source mappings of " + source.Service())
	}
	m := &sources.Mapping{
		Cell: cell(ctx), ID: newUUID(), Source: source, Function: fn,
		Enabled: in.Enabled == nil || *in.Enabled, BatchSize: streamBatch, MaxRetries: -1, Modified: s.Clock.Now(), Tags: in.Tags,
	}
	if _, ok := s.queueOf(m); ok {
		m.BatchSize = queueBatch
	}
	if m.Start, err = s.start(in, m); err != nil {
		return nil, err
	}
	if len(in.Topics) > 0 || len(in.Queues) > 0 || in.AmazonManagedKafkaEventSourceConfig != nil || in.SelfManagedKafkaEventSourceConfig != nil {
		return nil, unsupportedOf("Topics and Queues")
	}
	return m, s.setMapping(m, &shapes.UpdateEventSourceMappingRequest{
		BatchSize: in.BatchSize, FilterCriteria: in.FilterCriteria, MaximumBatchingWindowInSeconds: in.MaximumBatchingWindowInSeconds,
		DestinationConfig: in.DestinationConfig, MaximumRecordAgeInSeconds: in.MaximumRecordAgeInSeconds, BisectBatchOnFunctionError: in.BisectBatchOnFunctionError,
		MaximumRetryAttempts: in.MaximumRetryAttempts, ParallelizationFactor: in.ParallelizationFactor, SourceAccessConfigurations: in.SourceAccessConfigurations,
		TumblingWindowInSeconds: in.TumblingWindowInSeconds, FunctionResponseTypes: in.FunctionResponseTypes, ScalingConfig: in.ScalingConfig,
		DocumentDBEventSourceConfig: in.DocumentDBEventSourceConfig, KMSKeyArn: in.KMSKeyArn, MetricsConfig: in.MetricsConfig,
		ProvisionedPollerConfig: in.ProvisionedPollerConfig,
	})
}

// changedMapping is a mapping as an update wants it.
func (s *Service) changedMapping(ctx context.Context, old *sources.Mapping, in *shapes.UpdateEventSourceMappingRequest) (*sources.Mapping, error) {
	m := *old
	if in.FunctionName != nil {
		fn, err := s.mapped(ctx, in.FunctionName)
		if err != nil {
			return nil, err
		}
		m.Function = fn
	}
	if in.Enabled != nil {
		m.Enabled = *in.Enabled
	}
	m.Modified = max(s.Clock.Now(), old.Modified+1)
	return &m, s.setMapping(&m, in)
}

// mapped is the ARN of a function that a mapping names, which must be there.
func (s *Service) mapped(ctx context.Context, name *string) (arn.ARN, error) {
	r, err := parseRef(ctx, name, nil)
	if err != nil {
		return "", err
	}
	scope, there := awsapi.From(ctx).Scope, false
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		f, err := s.read(sn, spaceOf(cell(ctx)), r.name)
		if err != nil || f == nil {
			return err
		}
		if f.Aliases[r.qualifier] != nil {
			there = true
			return nil
		}
		c, err := f.config(sn, spaceOf(cell(ctx)), r.qualifier)
		there = c != nil
		return err
	})
	if err == nil && !there {
		err = invalid("Function does not exist")
	}
	return r.arn(scope), err
}

// start is where a mapping begins.
func (s *Service) start(in *shapes.CreateEventSourceMappingRequest, m *sources.Mapping) (sources.Position, error) {
	var p sources.Position
	if _, ok := s.queueOf(m); ok {
		if in.StartingPosition != nil || in.StartingPositionTimestamp != nil {
			return p, invalid("StartingPosition is not valid for SQS event sources.")
		}
		return p, nil
	}
	switch value(in.StartingPosition) {
	case "":
		return p, invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	case "LATEST":
		p.From = sources.Latest
	case "AT_TIMESTAMP":
		if m.Source.Service() == "dynamodb" {
			return p, invalid("Unsupported starting position for arn type: %s", m.Source)
		}
		if in.StartingPositionTimestamp == nil {
			return p, invalid("Need to specify a timestamp")
		}
		if *in.StartingPositionTimestamp > s.Clock.Now() {
			return p, invalid("Timestamp cannot be in the future")
		}
		return sources.Position{From: sources.AtTimestamp, Time: *in.StartingPositionTimestamp}, nil
	}
	if in.StartingPositionTimestamp != nil {
		return p, invalid("Timestamp only valid with StartingPosition AT_TIMESTAMP")
	}
	return p, nil
}

// setMapping changes what a request names. The ranges of numbers are the
// model's.
func (s *Service) setMapping(m *sources.Mapping, in *shapes.UpdateEventSourceMappingRequest) error {
	if _, ok := s.queueOf(m); ok {
		return s.setQueueMapping(m, in)
	}
	if err := refusedOfMapping(in); err != nil {
		return err
	}
	switch {
	case in.ScalingConfig != nil:
		return unsupportedOf("ScalingConfig")
	case in.ProvisionedPollerConfig != nil:
		return unsupportedOf("ProvisionedPollerConfig")
	}
	setShared(m, in)
	for _, n := range []struct {
		from *int32
		to   *int
	}{{in.ParallelizationFactor, &m.Factor}, {in.MaximumRetryAttempts, &m.MaxRetries}} {
		if n.from != nil {
			*n.to = int(*n.from)
		}
	}
	if in.TumblingWindowInSeconds != nil {
		m.Tumbling = time.Duration(*in.TumblingWindowInSeconds) * time.Second
	}
	if m.Tumbling > 0 && m.Factor > 1 {
		return refused("tumbling windows (TumblingWindowInSeconds) over batches in parallel (ParallelizationFactor)")
	}
	if in.BisectBatchOnFunctionError != nil {
		m.Bisect = *in.BisectBatchOnFunctionError
	}
	if age := in.MaximumRecordAgeInSeconds; age != nil {
		m.MaxAge = time.Duration(max(0, *age)) * time.Second
		if *age != -1 && m.MaxAge < minAge {
			return invalid("MaximumRecordAgeInSeconds must be -1, or between 60 and 604800.")
		}
	}
	if err := s.setFilters(m, in.FilterCriteria); err != nil {
		return err
	}
	return s.setOnFailure(m, in.DestinationConfig)
}

// setShared changes what a request names of all that streams and queues have in
// common but the filters.
func setShared(m *sources.Mapping, in *shapes.UpdateEventSourceMappingRequest) {
	if in.BatchSize != nil {
		m.BatchSize = int(*in.BatchSize)
	}
	if in.MaximumBatchingWindowInSeconds != nil {
		m.Window = time.Duration(*in.MaximumBatchingWindowInSeconds) * time.Second
	}
	if in.FunctionResponseTypes != nil {
		m.Partial = slices.Contains(in.FunctionResponseTypes, reportFailures)
	}
}

// refusedOfMapping is about what neither streams nor queues have, and what nube has
// not.
func refusedOfMapping(in *shapes.UpdateEventSourceMappingRequest) error {
	switch {
	case in.MetricsConfig != nil && len(in.MetricsConfig.Metrics) > 0:
		return refused("metrics of event source mappings (MetricsConfig)")
	case value(in.KMSKeyArn) != "":
		return refused("encryption of filter criteria (KMSKeyArn)")
	case len(in.SourceAccessConfigurations) > 0:
		return unsupportedOf("SourceAccessConfigurations")
	case in.DocumentDBEventSourceConfig != nil:
		return unsupportedOf("DocumentDBEventSourceConfig")
	}
	return nil
}

func unsupportedOf(parameter string) error {
	return invalid("Unsupported %s parameter for given event source mapping type.", parameter)
}

func (s *Service) setFilters(m *sources.Mapping, c *shapes.FilterCriteria) error {
	if c == nil {
		return nil
	}
	if len(c.Filters) > maxFilters {
		return invalid("FilterCriteria can have %d filters at most.", maxFilters)
	}
	m.Filters = nil
	for _, f := range c.Filters {
		if _, err := pattern.Compile([]byte(value(f.Pattern)), pattern.Lambda); err != nil {
			return invalid("%s", err)
		}
		m.Filters = append(m.Filters, *f.Pattern)
	}
	return nil
}

func (s *Service) setOnFailure(m *sources.Mapping, d *shapes.DestinationConfig) error {
	if d == nil {
		return nil
	}
	if d.OnSuccess != nil && value(d.OnSuccess.Destination) != "" {
		return unsupportedOf("DestinationConfig.OnSuccess")
	}
	m.OnFailure = ""
	if d.OnFailure != nil {
		m.OnFailure = value(d.OnFailure.Destination)
	}
	if m.OnFailure == "" {
		return nil
	}
	switch arn.ARN(m.OnFailure).Service() {
	case "sqs", "sns", "s3":
	default:
		return invalid("The provided destination config DestinationConfig(onSuccess=null, onFailure=OnFailure(destination=%s)) is invalid.", m.OnFailure)
	}
	return s.deliverable("destination", m.OnFailure)
}
