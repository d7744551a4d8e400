package lambda

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// How asynchronous invocations are tried again, and where their outcomes go.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html

func (a *async) shape(s arn.Scope, r ref) *shapes.FunctionEventInvokeConfig {
	return &shapes.FunctionEventInvokeConfig{
		LastModified: &a.Modified, FunctionArn: ptr(string(r.asyncARN(s))), MaximumRetryAttempts: a.Attempts, MaximumEventAgeInSeconds: a.Age,
		DestinationConfig: &shapes.DestinationConfig{
			OnSuccess: &shapes.OnSuccess{Destination: some(a.OnSuccess)}, OnFailure: &shapes.OnFailure{Destination: some(a.OnFailure)},
		},
	}
}

// asyncKey is the qualifier under which a configuration is kept and shown.
func (r ref) asyncKey() string {
	if r.qualifier == "" {
		return latest
	}
	return r.qualifier
}

func (r ref) asyncARN(s arn.Scope) arn.ARN { return s.FunctionVersion(r.name, r.asyncKey()) }

// setAsync makes a configuration, or changes what a request names of it.
func (s *Service) setAsync(ctx context.Context, name, qualifier *string, attempts, age *int32, d *shapes.DestinationConfig, fresh bool) (*shapes.FunctionEventInvokeConfig, error) {
	r, err := parseRef(ctx, name, qualifier)
	if err != nil {
		return nil, err
	}
	if attempts == nil && age == nil && d == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	scope, now := awsapi.From(ctx).Scope, s.Clock.Now()
	var out *async
	_, err = s.change(ctx, name, func(tx *kv.Tx, sp space, f *function) error {
		if err := f.hasQualifier(tx, sp, r, scope); err != nil {
			return err
		}
		a := f.Async[r.asyncKey()]
		switch {
		case fresh:
			a = &async{}
		case a == nil:
			return r.noAsync(scope)
		}
		if attempts != nil {
			a.Attempts = attempts
		}
		if age != nil {
			a.Age = age
		}
		if d != nil {
			if err := s.destinations(a, d); err != nil {
				return err
			}
		}
		a.Modified, out = now, a
		if f.Async == nil {
			f.Async = map[string]*async{}
		}
		f.Async[r.asyncKey()] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out.shape(scope, r), nil
}

func (s *Service) destinations(a *async, d *shapes.DestinationConfig) error {
	if d.OnSuccess != nil {
		a.OnSuccess = value(d.OnSuccess.Destination)
	}
	if d.OnFailure != nil {
		a.OnFailure = value(d.OnFailure.Destination)
	}
	for _, target := range []string{a.OnSuccess, a.OnFailure} {
		if target != "" && !arn.IsARN(target) {
			return invalid("The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=%s), onFailure=OnFailure(destination=%s)) is invalid.", a.OnSuccess, a.OnFailure)
		}
		if target == "" {
			continue
		}
		if err := s.deliverable("destination", target); err != nil {
			return err
		}
	}
	return nil
}

func (r ref) noAsync(s arn.Scope) error {
	return fault.New("ResourceNotFoundException", "The function %s doesn't have an EventInvokeConfig", r.asyncARN(s))
}

func (s *Service) putEventInvokeConfig(ctx context.Context, in *shapes.PutFunctionEventInvokeConfigRequest) (*shapes.FunctionEventInvokeConfig, error) {
	return s.setAsync(ctx, in.FunctionName, in.Qualifier, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig, true)
}

func (s *Service) updateEventInvokeConfig(ctx context.Context, in *shapes.UpdateFunctionEventInvokeConfigRequest) (*shapes.FunctionEventInvokeConfig, error) {
	return s.setAsync(ctx, in.FunctionName, in.Qualifier, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig, false)
}

func (s *Service) getEventInvokeConfig(ctx context.Context, in *shapes.GetFunctionEventInvokeConfigRequest) (*shapes.FunctionEventInvokeConfig, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	a := f.Async[r.asyncKey()]
	if a == nil {
		return nil, r.noAsync(scope)
	}
	return a.shape(scope, r), nil
}

func (s *Service) deleteEventInvokeConfig(ctx context.Context, in *shapes.DeleteFunctionEventInvokeConfigRequest) (*schema.Empty, error) {
	r, err := parseRef(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.FunctionName, func(_ *kv.Tx, _ space, f *function) error {
		if f.Async[r.asyncKey()] == nil {
			return r.noAsync(awsapi.From(ctx).Scope)
		}
		delete(f.Async, r.asyncKey())
		return nil
	})
	return &schema.Empty{}, err
}

func (s *Service) listEventInvokeConfigs(ctx context.Context, in *shapes.ListFunctionEventInvokeConfigsRequest) (*shapes.ListFunctionEventInvokeConfigsResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListFunctionEventInvokeConfigsResponse{FunctionEventInvokeConfigs: []shapes.FunctionEventInvokeConfig{}}
	scope, last := awsapi.From(ctx).Scope, ""
	for _, q := range slices.Sorted(maps.Keys(f.Async)) {
		if q <= value(in.Marker) {
			continue
		}
		if len(out.FunctionEventInvokeConfigs) == pageSize(in.MaxItems) {
			out.NextMarker = &last
			break
		}
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, *f.Async[q].shape(scope, ref{r.name, q}))
		last = q
	}
	return out, nil
}
