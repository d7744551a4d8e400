package lambda

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/sources"
)

// What a mapping of a queue may be:
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html

const (
	queueBatch    = 10 // default batch of a queue, and the most of one that has no window
	noPermissions = "The function execution role does not have permissions to call %s on SQS"
)

// queueOf is what reads a mapping's source if that is a queue.
func (s *Service) queueOf(m *sources.Mapping) (sources.Queue, bool) {
	source, _ := s.mappings.Source(m.Source)
	q, ok := source.(sources.Queue)
	return q, ok
}

// setQueueMapping changes what a request names of a queue's mapping.
func (s *Service) setQueueMapping(m *sources.Mapping, in *shapes.UpdateEventSourceMappingRequest) error {
	if err := refusedOfMapping(in); err != nil {
		return err
	}
	for _, p := range []struct {
		given bool
		name  string
	}{
		{in.BisectBatchOnFunctionError != nil, "BisectBatchOnFunctionError"}, {in.DestinationConfig != nil, "DestinationConfig"},
		{in.MaximumRecordAgeInSeconds != nil, "MaximumRecordAgeInSeconds"}, {in.MaximumRetryAttempts != nil, "MaximumRetryAttempts"},
		{in.ParallelizationFactor != nil, "ParallelizationFactor"}, {in.TumblingWindowInSeconds != nil, "TumblingWindowInSeconds"},
	} {
		if p.given {
			return unsupportedOf(p.name)
		}
	}
	if in.ProvisionedPollerConfig != nil {
		return refused("provisioned mode of event source mappings (ProvisionedPollerConfig)")
	}
	setShared(m, in)
	if c := in.ScalingConfig; c != nil {
		m.Concurrency = 0
		if c.MaximumConcurrency != nil {
			m.Concurrency = int(*c.MaximumConcurrency)
		}
	}
	switch fifo := strings.HasSuffix(m.Source.Resource(), ".fifo"); {
	case fifo && m.Window > 0:
		return invalid("Batching window is not supported for FIFO queues")
	case fifo && m.BatchSize > queueBatch:
		return invalid("Maximum batch size must be between 1 and %d inclusive", queueBatch)
	case m.BatchSize > queueBatch && m.Window == 0:
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than %d", queueBatch)
	}
	return s.setFilters(m, in.FilterCriteria)
}

// checkQueue fails for a queue that is not there, or whose messages would be visible
// again while the function still works on them.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
func (s *Service) checkQueue(ctx context.Context, m *sources.Mapping, q sources.Queue) error {
	r, err := parseRef(ctx, ptr(string(m.Function)), nil)
	if err != nil {
		return err
	}
	t, err := s.target(ctx, r)
	if err != nil {
		return err
	}
	var d sources.Description
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		d, err = q.Describe(sn, m.Source)
		return err
	})
	if errors.Is(err, sources.ErrNoSource) {
		return noSuchSource(m)
	}
	if err != nil {
		return err
	}
	if timeout := time.Duration(t.config.Timeout) * time.Second; d.Visibility < timeout {
		return invalid("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", int(d.Visibility.Seconds()), t.config.Timeout)
	}
	return nil
}

// noSuchSource is the answer to a mapping of what is not there.
func noSuchSource(m *sources.Mapping) error {
	if m.Source.Service() == "sqs" {
		return invalid("Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.")
	}
	return invalid("Stream not found: %s", m.Source)
}

// locked is the answer to a mapping whose function's role cannot use the queue's key.
func locked(err error) error {
	e, coded := fault.As(err)
	if !coded {
		return err
	}
	return invalid("Error occurred while ReceiveMessage. SQS Error Code: %s. SQS Error Message: %s", e.Code, e.Message).Because(err)
}

// denied is the answer to a mapping whose function's role may not read: for a queue
// it names the first call that it may not make.
func (s *Service) denied(ctx context.Context, m *sources.Mapping, needs []awsapi.Access, because error) error {
	if m.Source.Service() != "sqs" {
		return invalid("Cannot access stream %s. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
			m.Source).Because(because)
	}
	missing := needs[0].Action
	for _, n := range needs {
		if s.Permits.Permit(ctx, n) != nil {
			missing = n.Action
			break
		}
	}
	return invalid(noPermissions, strings.TrimPrefix(missing, "sqs:")).Because(because)
}

// shapeQueueMapping is a mapping of a queue as the API shows it.
func shapeQueueMapping(m *sources.Mapping, result, state string) *shapes.EventSourceMappingConfiguration {
	out := shapeShared(m, result, state)
	out.StateTransitionReason = ptr("USER_INITIATED")
	if m.Concurrency > 0 {
		out.ScalingConfig = &shapes.ScalingConfig{MaximumConcurrency: ptr(int32(m.Concurrency))}
	}
	return out
}
