package apigatewayv2

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
	"github.com/nube-run/nube/internal/edge"
)

// Has implements [edge.HTTPAPIs].
func (s *Service) Has(ctx context.Context, scope arn.Scope, api string) (bool, error) {
	all, err := s.served(ctx, scope)
	return err == nil && all.sites[api] != nil, err
}

// main is the stage by which the gateway serves an API: $default, else the
// oldest.
func (st *site) main() *plan {
	if p := st.stages[defaultStage]; p != nil {
		return p
	}
	var out *plan
	for _, p := range st.stages {
		if out == nil || value(p.stage.CreatedDate) < value(out.stage.CreatedDate) ||
			value(p.stage.CreatedDate) == value(out.stage.CreatedDate) && *p.stage.StageName < *out.stage.StageName {
			out = p
		}
	}
	return out
}

// order lists the APIs that serve anything, the oldest first.
func (all *served) order() {
	for _, st := range all.sites {
		if len(st.stages) > 0 {
			all.ordered = append(all.ordered, st)
		}
	}
	slices.SortFunc(all.ordered, func(a, b *site) int {
		if c := value(a.api.CreatedDate) - value(b.api.CreatedDate); c != 0 {
			return int(min(max(c, -1), 1))
		}
		return strings.Compare(*a.api.ApiId, *b.api.ApiId)
	})
}

// Best implements [edge.HTTPAPIs].
func (s *Service) Best(ctx context.Context, scope arn.Scope, method, path string) (best edge.Route, ok bool, err error) {
	all, err := s.served(ctx, scope)
	if err != nil {
		return best, false, err
	}
	for _, st := range all.ordered {
		p := st.main()
		r := edge.Route{API: *st.api.ApiId, Stage: *p.stage.StageName, Created: value(st.api.CreatedDate), Fit: p.fit(method, path)}
		if !ok || r.Fit > best.Fit {
			best, ok = r, true
		}
	}
	return best, ok, nil
}

// fit is how closely the stage's routes fit a request. A preflight request is
// answered where its own request would be.
func (p *plan) fit(method, path string) edge.Fit {
	r, _ := p.match(method, path)
	if (r == nil || r == p.fallback) && method == "OPTIONS" && p.cors != nil {
		for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} {
			if other, _ := p.match(m, path); other != nil && other != p.fallback {
				return edge.FitOf(other.path)
			}
		}
	}
	switch {
	case r == nil:
		return edge.NoRoute
	case r == p.fallback:
		return edge.CatchAll
	}
	return edge.FitOf(r.path)
}

// Domain implements [edge.HTTPAPIs]: the longest key of a mapping that the path
// begins with.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-mappings.html
func (s *Service) Domain(ctx context.Context, scope arn.Scope, domain, path string) (t edge.Target, ok bool, err error) {
	all, err := s.served(ctx, scope)
	if err != nil {
		return t, false, err
	}
	var best *shapes.ApiMapping
	for _, m := range all.domains[strings.ToLower(domain)] {
		key := value(m.ApiMappingKey)
		fits := key == "" || path == "/"+key || strings.HasPrefix(path, "/"+key+"/")
		if fits && (best == nil || len(key) > len(value(best.ApiMappingKey))) {
			best = m
		}
	}
	if best == nil {
		return t, false, nil
	}
	t = edge.Target{Kind: edge.HTTP, Scope: scope, API: *best.ApiId, Stage: *best.Stage, Path: path}
	if key := value(best.ApiMappingKey); key != "" {
		t.Base, t.Mapped, t.Path = "/"+key, "/"+key, strings.TrimPrefix(path, "/"+key)
	}
	if t.Path == "" {
		t.Path = "/"
	}
	if all.sites[t.API] == nil {
		t.Kind = edge.REST
	}
	return t, true, nil
}

// Route is a route that leads to a function.
type Route struct {
	Method, Path string
	Function     arn.ARN
}

// Routes lists the routes of a scope that lead to functions, as the gateway
// serves them.
func (s *Service) Routes(ctx context.Context, scope arn.Scope) ([]Route, error) {
	all, err := s.served(ctx, scope)
	if err != nil {
		return nil, err
	}
	var out []Route
	for _, st := range all.ordered {
		p := st.main()
		for _, r := range p.deployment.Routes {
			id, _ := strings.CutPrefix(value(r.Target), "integrations/")
			i := p.deployment.Integrations[id]
			if i == nil {
				continue
			}
			fn, ok := functionOf(value(i.IntegrationUri))
			if !ok {
				continue
			}
			method, path, ok := strings.Cut(*r.RouteKey, " ")
			if !ok {
				method, path = "ANY", "/*"
			}
			out = append(out, Route{method, path, fn})
		}
	}
	return out, nil
}
