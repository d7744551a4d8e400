package lambda

import (
	"context"
	"errors"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/sources"
)

// Event source mappings. What runs them, and keeps them, is package sources;
// here is their API, and what they need of functions (mappingcalls.go).
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html

// Map gives the service what runs event source mappings. It is called before
// the service is used.
func (s *Service) Map(e *sources.Engine) { s.mappings = e }

func (s *Service) registerMappings() {
	awsapi.Handle(s.api, shapes.CreateEventSourceMapping, s.accessCreateMapping, s.createMapping)
	awsapi.Handle(s.api, shapes.GetEventSourceMapping, onMapping(s, "GetEventSourceMapping", func(in *shapes.GetEventSourceMappingRequest) *string { return in.UUID }), s.getMapping)
	awsapi.Handle(s.api, shapes.ListEventSourceMappings, nil, s.listMappings)
	awsapi.Handle(s.api, shapes.UpdateEventSourceMapping, s.accessUpdateMapping, s.updateMapping)
	awsapi.Handle(s.api, shapes.DeleteEventSourceMapping, onMapping(s, "DeleteEventSourceMapping", func(in *shapes.DeleteEventSourceMappingRequest) *string { return in.UUID }), s.deleteMapping)
}

// accessCreateMapping: a mapping that is not there yet has no name; policies
// name the function.
func (s *Service) accessCreateMapping(ctx context.Context, in *shapes.CreateEventSourceMappingRequest) ([]awsapi.Access, error) {
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return []awsapi.Access{{Action: "lambda:CreateEventSourceMapping", Keys: functionKey(r.arn(awsapi.From(ctx).Scope))}}, nil
}

// onMapping is the access function of operations on a mapping.
//
//go:noinline
func onMapping[I any](s *Service, action string, id func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		need := awsapi.Access{Action: "lambda:" + action, Resource: awsapi.From(ctx).Scope.EventSourceMapping(value(id(in)))}
		m, _, err := s.mapping(ctx, value(id(in)))
		if err == nil {
			need.Keys = functionKey(m.Function)
		}
		return []awsapi.Access{need}, nil // one that is not there is said after the decision
	}
}

// accessUpdateMapping: who gives a mapping to another function must be allowed to
// have it for both.
func (s *Service) accessUpdateMapping(ctx context.Context, in *shapes.UpdateEventSourceMappingRequest) ([]awsapi.Access, error) {
	needs, err := onMapping(s, "UpdateEventSourceMapping", func(in *shapes.UpdateEventSourceMappingRequest) *string { return in.UUID })(ctx, in)
	if err != nil || in.FunctionName == nil {
		return needs, err
	}
	r, err := parseRef(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	other := needs[0]
	other.Keys = functionKey(r.arn(awsapi.From(ctx).Scope))
	return append(needs, other), nil
}

func functionKey(fn arn.ARN) policy.Keys {
	return policy.KeyMap{"lambda:functionarn": policy.One(string(fn))}
}

// mapping reads a mapping of the call's account, and what became of its last
// batch.
func (s *Service) mapping(ctx context.Context, id string) (m *sources.Mapping, result string, err error) {
	if s.mappings == nil {
		return nil, "", noResource()
	}
	err = s.DB.View(ctx, func(sn *kv.Snap) error {
		if m, err = s.mappings.Get(sn, cell(ctx), id); err != nil {
			return err
		}
		if m == nil {
			return noResource()
		}
		result, err = s.mappings.LastResult(sn, cell(ctx), id)
		return err
	})
	return m, result, err
}

// The states of a mapping. What a change asks for is so when it is answered; the
// answer names the state that leads there, as Lambda's does.
const (
	stateCreating  = "Creating"
	stateEnabling  = "Enabling"
	stateEnabled   = "Enabled"
	stateDisabling = "Disabling"
	stateDisabled  = "Disabled"
	stateUpdating  = "Updating"
	stateDeleting  = "Deleting"
)

func stateOf(m *sources.Mapping) string {
	if m.Enabled {
		return stateEnabled
	}
	return stateDisabled
}

func (s *Service) createMapping(ctx context.Context, in *shapes.CreateEventSourceMappingRequest) (*shapes.EventSourceMappingConfiguration, error) {
	m, err := s.newMapping(ctx, in)
	if err != nil {
		return nil, err
	}
	source, _ := s.mappings.Source(m.Source)
	reader, err := s.Reader(ctx, m, source.Needs(m.Source))
	if err != nil {
		return nil, err
	}
	if q, ok := source.(sources.Queue); ok {
		if err := q.Unlock(ctx, m.Source, reader); err != nil {
			return nil, locked(err)
		}
		if err := s.checkQueue(ctx, m, q); err != nil {
			return nil, err
		}
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if err := s.unmapped(tx, m); err != nil {
			return err
		}
		return s.mappings.Put(tx, m)
	})
	if errors.Is(err, sources.ErrNoSource) {
		return nil, noSuchSource(m)
	}
	if err != nil {
		return nil, err
	}
	return shapeMapping(m, "No records processed", stateCreating), nil
}

// unmapped fails where the function of a mapping has another one of its source,
// and would get everything twice.
func (s *Service) unmapped(tx *kv.Tx, m *sources.Mapping) error {
	all, err := s.mappings.List(tx, m.Cell)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.Source == m.Source && o.Function == m.Function && o.ID != m.ID {
			if m.Source.Service() == "sqs" {
				return conflict(`An event source mapping with SQS arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`,
					m.Source, m.Function.ResourceID(), o.ID)
			}
			return conflict(`The event source arn (" %s ") and function (" %s ") provided mapping already exists. Please update or delete the existing mapping with UUID %s`,
				m.Source, m.Function.ResourceID(), o.ID)
		}
	}
	return nil
}

func (s *Service) getMapping(ctx context.Context, in *shapes.GetEventSourceMappingRequest) (*shapes.EventSourceMappingConfiguration, error) {
	m, result, err := s.mapping(ctx, value(in.UUID))
	if err != nil {
		return nil, err
	}
	return shapeMapping(m, result, stateOf(m)), nil
}

func (s *Service) listMappings(ctx context.Context, in *shapes.ListEventSourceMappingsRequest) (*shapes.ListEventSourceMappingsResponse, error) {
	out := &shapes.ListEventSourceMappingsResponse{EventSourceMappings: []shapes.EventSourceMappingConfiguration{}}
	var fn arn.ARN
	if in.FunctionName != nil {
		r, _, _, err := s.view(ctx, in.FunctionName, nil)
		if err != nil {
			return nil, err
		}
		fn = r.arn(awsapi.From(ctx).Scope)
	}
	if s.mappings == nil {
		return out, nil
	}
	size := 100
	if in.MaxItems != nil {
		size = min(size, int(*in.MaxItems))
	}
	err := s.DB.View(ctx, func(sn *kv.Snap) error {
		ms, err := s.mappings.List(sn, cell(ctx))
		if err != nil {
			return err
		}
		for _, m := range ms {
			if m.ID <= value(in.Marker) || fn != "" && m.Function != fn || in.EventSourceArn != nil && *in.EventSourceArn != string(m.Source) {
				continue
			}
			if len(out.EventSourceMappings) == size {
				out.NextMarker = out.EventSourceMappings[size-1].UUID
				return nil
			}
			result, err := s.mappings.LastResult(sn, m.Cell, m.ID)
			if err != nil {
				return err
			}
			out.EventSourceMappings = append(out.EventSourceMappings, *shapeMapping(m, result, stateOf(m)))
		}
		return nil
	})
	return out, err
}

func (s *Service) updateMapping(ctx context.Context, in *shapes.UpdateEventSourceMappingRequest) (*shapes.EventSourceMappingConfiguration, error) {
	old, result, err := s.mapping(ctx, value(in.UUID))
	if err != nil {
		return nil, err
	}
	m, err := s.changedMapping(ctx, old, in)
	if err != nil {
		return nil, err
	}
	if q, ok := s.queueOf(m); ok && m.Function != old.Function {
		if err := s.checkQueue(ctx, m, q); err != nil {
			return nil, err
		}
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		now, err := s.mappings.Get(tx, m.Cell, m.ID)
		switch {
		case err != nil:
			return err
		case now == nil:
			return noResource()
		case now.Modified != old.Modified:
			return fault.New("ResourceInUseException", "The event source mapping is in use.")
		}
		if err := s.unmapped(tx, m); err != nil {
			return err
		}
		m.Tags = now.Tags // a change of tags is none of the mapping
		return s.mappings.Put(tx, m)
	})
	if err != nil {
		return nil, err
	}
	state := stateUpdating
	switch {
	case m.Enabled && !old.Enabled:
		state = stateEnabling
	case !m.Enabled && old.Enabled:
		state = stateDisabling
	}
	return shapeMapping(m, result, state), nil
}

func (s *Service) deleteMapping(ctx context.Context, in *shapes.DeleteEventSourceMappingRequest) (*shapes.EventSourceMappingConfiguration, error) {
	m, result, err := s.mapping(ctx, value(in.UUID))
	if err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		switch still, err := s.mappings.Get(tx, m.Cell, m.ID); {
		case err != nil:
			return err
		case still == nil:
			return noResource()
		}
		s.mappings.Delete(tx, m.Cell, m.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return shapeMapping(m, result, stateDeleting), nil
}

// shapeMapping is a mapping as the API shows it.
func shapeMapping(m *sources.Mapping, result, state string) *shapes.EventSourceMappingConfiguration {
	if m.Source.Service() == "sqs" {
		return shapeQueueMapping(m, result, state)
	}
	out := shapeShared(m, result, state)
	out.StartingPosition, out.StartingPositionTimestamp = ptr(startName(m.Start.From)), some(m.Start.Time)
	out.ParallelizationFactor, out.BisectBatchOnFunctionError = ptr(int32(max(1, m.Factor))), &m.Bisect
	out.MaximumRetryAttempts, out.MaximumRecordAgeInSeconds = ptr(int32(m.MaxRetries)), ptr(int32(-1))
	if m.MaxAge > 0 {
		out.MaximumRecordAgeInSeconds = ptr(int32(m.MaxAge.Seconds()))
	}
	out.TumblingWindowInSeconds = ptr(int32(m.Tumbling.Seconds()))
	out.DestinationConfig = &shapes.DestinationConfig{OnFailure: &shapes.OnFailure{Destination: some(m.OnFailure)}}
	out.StateTransitionReason = ptr("User action")
	return out
}

// shapeShared is what all mappings show.
func shapeShared(m *sources.Mapping, result, state string) *shapes.EventSourceMappingConfiguration {
	out := &shapes.EventSourceMappingConfiguration{
		UUID: &m.ID, EventSourceMappingArn: ptr(string(m.Function.Scope().EventSourceMapping(m.ID))),
		EventSourceArn: ptr(string(m.Source)), FunctionArn: ptr(string(m.Function)),
		BatchSize: ptr(int32(m.BatchSize)), MaximumBatchingWindowInSeconds: ptr(int32(m.Window.Seconds())), FunctionResponseTypes: []string{},
		LastModified: &m.Modified, LastProcessingResult: &result, State: &state,
	}
	if m.Partial {
		out.FunctionResponseTypes = []string{reportFailures}
	}
	if len(m.Filters) > 0 {
		out.FilterCriteria = &shapes.FilterCriteria{}
		for i := range m.Filters {
			out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, shapes.Filter{Pattern: &m.Filters[i]})
		}
	}
	return out
}

func startName(f sources.From) string {
	switch f {
	case sources.Latest:
		return "LATEST"
	case sources.AtTimestamp:
		return "AT_TIMESTAMP"
	}
	return "TRIM_HORIZON"
}

// tagged changes the tags of a mapping.
func (s *Service) tagged(ctx context.Context, id string, change func(tags map[string]string)) error {
	m, _, err := s.mapping(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		now, err := s.mappings.Get(tx, m.Cell, m.ID)
		switch {
		case err != nil:
			return err
		case now == nil:
			return noResource()
		}
		if now.Tags == nil {
			now.Tags = map[string]string{}
		}
		change(now.Tags)
		if len(now.Tags) > maxTags {
			return invalid("Number of tags exceeds resource tag limit.")
		}
		return s.mappings.Put(tx, now)
	})
	return err
}

// mappingARN reads the ARN of a mapping. One in another account or region is not
// this cloud's: no mapping has its id.
func mappingARN(ctx context.Context, resource *string) (id string, ok bool) {
	p, scope := arn.ARN(value(resource)).Parts(), awsapi.From(ctx).Scope
	id, ok = strings.CutPrefix(p.Resource, "event-source-mapping:")
	if p.Service != "lambda" || p.Account != scope.Account || p.Region != scope.Region {
		id = ""
	}
	return id, ok
}
