package lambda

import (
	"context"
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/kv"
)

func (a *alias) shape(s arn.Scope, function, name string) *shapes.AliasConfiguration {
	out := &shapes.AliasConfiguration{
		AliasArn: ptr(string(s.FunctionVersion(function, name))), Name: &name, FunctionVersion: &a.Version, Description: &a.Description, RevisionId: &a.Revision,
	}
	if len(a.Weights) > 0 {
		out.RoutingConfig = &shapes.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return out
}

// change runs a change of a function's row.
func (s *Service) change(ctx context.Context, name *string, fn func(tx *kv.Tx, sp space, f *function) error) (ref, error) {
	r, err := parseRef(ctx, name, nil)
	if err != nil {
		return r, err
	}
	scope, sp := awsapi.From(ctx).Scope, spaceOf(cell(ctx))
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		f, err := get[function](tx, sp.function(r.name))
		if err != nil {
			return err
		}
		if f == nil {
			return notFound(string(r.unqualified().arn(scope)))
		}
		if err := fn(tx, sp, f); err != nil {
			return err
		}
		return put(tx, sp.function(f.Name), f)
	})
	return r, err
}

// checkRoute checks the versions that an alias leads to.
// https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
func (f *function) checkRoute(ctx context.Context, g getter, sp space, version string, weights map[string]float64) error {
	scope := awsapi.From(ctx).Scope
	c, err := f.config(g, sp, version)
	if err != nil {
		return err
	}
	if c == nil || version == "" {
		return notFound(string(scope.FunctionVersion(f.Name, version)))
	}
	if len(weights) == 0 {
		return nil
	}
	if version == latest {
		return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	if len(weights) > 1 {
		return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	for v := range weights {
		switch c, err := f.config(g, sp, v); {
		case err != nil:
			return err
		case v == version:
			return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", v, v)
		case v == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		case c == nil:
			return notFound(string(scope.FunctionVersion(f.Name, v)))
		}
	}
	return nil
}

func (s *Service) createAlias(ctx context.Context, in *shapes.CreateAliasRequest) (*shapes.AliasConfiguration, error) {
	a := &alias{Version: value(in.FunctionVersion), Description: value(in.Description), Revision: newUUID()}
	if in.RoutingConfig != nil {
		a.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	name, scope := value(in.Name), awsapi.From(ctx).Scope
	r, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		if f.Aliases[name] != nil {
			return conflict("Alias already exists: %s", scope.FunctionVersion(f.Name, name))
		}
		if err := f.checkRoute(ctx, tx, sp, a.Version, a.Weights); err != nil {
			return err
		}
		if f.Aliases == nil {
			f.Aliases = map[string]*alias{}
		}
		f.Aliases[name] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.shape(scope, r.name, name), nil
}

func (s *Service) getAlias(ctx context.Context, in *shapes.GetAliasRequest) (*shapes.AliasConfiguration, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	a := f.Aliases[value(in.Name)]
	if a == nil {
		return nil, noAlias(scope.FunctionVersion(r.name, value(in.Name)))
	}
	return a.shape(scope, r.name, value(in.Name)), nil
}

func (s *Service) updateAlias(ctx context.Context, in *shapes.UpdateAliasRequest) (*shapes.AliasConfiguration, error) {
	name, scope, revision := value(in.Name), awsapi.From(ctx).Scope, newUUID()
	var out *alias
	r, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		a := f.Aliases[name]
		switch {
		case a == nil:
			return noAlias(scope.FunctionVersion(f.Name, name))
		case in.RevisionId != nil && *in.RevisionId != a.Revision:
			return stale()
		}
		if in.FunctionVersion != nil {
			a.Version = *in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.RoutingConfig != nil {
			a.Weights = in.RoutingConfig.AdditionalVersionWeights
		}
		if f.Provisioned[name] != nil && len(a.Weights) > 0 {
			return invalid("Provisioned Concurrency Configs cannot be applied to an alias with a routing configuration.")
		}
		a.Revision, out = revision, a
		return f.checkRoute(ctx, tx, sp, a.Version, a.Weights)
	})
	if err != nil {
		return nil, err
	}
	if err := s.keep(ctx, cell(ctx), r.name); err != nil {
		return nil, err
	}
	return out.shape(scope, r.name, name), nil
}

// deleteAlias succeeds for an alias that does not exist, as Lambda's does.
func (s *Service) deleteAlias(ctx context.Context, in *shapes.DeleteAliasRequest) (*schema.Empty, error) {
	r, err := s.change(ctx, in.FunctionName, func(tx *kv.Tx, sp space, f *function) error {
		f.dropURL(tx, sp, value(in.Name))
		delete(f.Aliases, value(in.Name))
		delete(f.Policies, value(in.Name))
		delete(f.Async, value(in.Name))
		delete(f.Provisioned, value(in.Name))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &schema.Empty{}, s.keep(ctx, cell(ctx), r.name)
}

func (s *Service) listAliases(ctx context.Context, in *shapes.ListAliasesRequest) (*shapes.ListAliasesResponse, error) {
	r, f, _, err := s.view(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	scope := awsapi.From(ctx).Scope
	out := &shapes.ListAliasesResponse{Aliases: []shapes.AliasConfiguration{}}
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		a := f.Aliases[name]
		if name <= value(in.Marker) || in.FunctionVersion != nil && a.Version != *in.FunctionVersion {
			continue
		}
		if len(out.Aliases) == pageSize(in.MaxItems) {
			out.NextMarker = out.Aliases[len(out.Aliases)-1].Name
			break
		}
		out.Aliases = append(out.Aliases, *a.shape(scope, r.name, name))
	}
	return out, nil
}
