package apigateway

import (
	"context"
	"maps"
	"slices"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/service/apigateway/jsonschema"
)

// gate is what a method asks of requests before its integration sees them.
// Methods that ask nothing have none.
type gate struct {
	iam        bool
	authorizer *authorizer
	keyed      bool
	name       string // as throttles name the method: /users/{id}/GET
	limit      *limit // of all requests to the method in this stage

	required []string // parameters, as method.request.{place}.{name}
	bodies   map[string]*jsonschema.Schema
	body     bool // bodies are validated
}

// equip adds to a plan what a stage has beside its routes.
func (p *plan) equip(t edge.Target) (err error) {
	if p.Policy != "" {
		if p.policy, err = parsePolicy(t.Scope, t.API, p.Policy); err != nil {
			return err
		}
	}
	if err := p.makeGates(); err != nil {
		return err
	}
	p.access = newAccessLog(t.API, p.stage)
	for _, r := range p.Resources {
		for verb, m := range r.Methods {
			s := p.settings(r.Path, verb)
			if level := value(s.LoggingLevel); level == levelError || level == levelInfo {
				if p.logging == nil {
					p.logging = map[*shapes.Method]*logging{}
				}
				p.logging[m] = &logging{level: level, data: value(s.DataTraceEnabled), stream: executionStream(t.Scope, t.API, t.Stage)}
			}
		}
	}
	p.observed = p.access != nil || p.logging != nil || p.meter != nil
	return nil
}

// makeGates compiles what the methods of a stage ask of requests.
func (p *plan) makeGates() error {
	for _, r := range p.Resources {
		for verb, m := range r.Methods {
			g, err := p.makeGate(r, verb, m)
			if err != nil {
				return err
			}
			if g != nil {
				if p.gates == nil {
					p.gates = map[*shapes.Method]*gate{}
				}
				p.gates[m] = g
			}
		}
	}
	return nil
}

func (p *plan) makeGate(r *resource, verb string, m *shapes.Method) (g *gate, err error) {
	g = &gate{name: strings.TrimSuffix(r.Path, "/") + "/" + verb, keyed: value(m.ApiKeyRequired)}
	switch value(m.AuthorizationType) {
	case "AWS_IAM":
		g.iam = true
	case "CUSTOM", userPools:
		if g.authorizer, err = newAuthorizer(p.Authorizers[value(m.AuthorizerId)]); err != nil {
			return nil, err
		}
	}
	s := p.settings(r.Path, verb)
	g.limit = limitOf(s.ThrottlingRateLimit, s.ThrottlingBurstLimit)
	if v := p.Validators[value(m.RequestValidatorId)]; v != nil {
		if value(v.ValidateRequestParameters) {
			for _, name := range slices.Sorted(maps.Keys(m.RequestParameters)) {
				if m.RequestParameters[name] {
					g.required = append(g.required, name)
				}
			}
		}
		if g.body = value(v.ValidateRequestBody) && len(m.RequestModels) > 0; g.body {
			if g.bodies, err = p.compileBodies(m); err != nil {
				return nil, err
			}
		}
	}
	if !g.iam && g.authorizer == nil && !g.keyed && g.limit == nil && g.required == nil && !g.body {
		return nil, nil
	}
	return g, nil
}

// compileBodies compiles the models of a method's bodies, by media type.
func (p *plan) compileBodies(m *shapes.Method) (map[string]*jsonschema.Schema, error) {
	out := map[string]*jsonschema.Schema{}
	for media, name := range m.RequestModels {
		model := p.Models[name]
		if model == nil {
			continue // deleted; supportedMethod would not let it be
		}
		s, err := compileModel(*model.Schema, *p.api.Id, func(name string) (*shapes.ModelShape, error) { return p.Models[name], nil })
		if err != nil {
			return nil, err
		}
		out[strings.ToLower(media)] = s
	}
	return out, nil
}

// admit asks a request for what its method wants, in API Gateway's order: who
// calls, whether they may, how often they may, and whether what they say is
// what the method takes.
func (x *exchange) admit(ctx context.Context) *failure {
	g := x.plan.gates[x.method]
	if g == nil {
		if x.plan.policy == nil {
			return nil
		}
		return x.permit(ctx, nil)
	}
	if fail := x.authorize(ctx, g); fail != nil {
		return fail
	}
	if g.keyed {
		if fail := x.subscribe(ctx, g); fail != nil {
			return fail
		}
	}
	if g.limit != nil {
		k := bucketKey{scope: x.target.Scope, api: x.target.API, stage: x.target.Stage, method: g.name}
		if !x.s.buckets.take(k, *g.limit, x.at) {
			return throttled()
		}
	}
	return x.validate(g)
}

// authorize finds out who calls, and whether they may.
func (x *exchange) authorize(ctx context.Context, g *gate) *failure {
	switch {
	case g.authorizer != nil:
		return x.askAuthorizer(ctx, g.authorizer)
	case g.iam:
		return x.authenticate(ctx)
	case x.plan.policy != nil:
		return x.permit(ctx, nil)
	}
	return nil
}

// documents are the policies that stand beside the caller's own.
func (p *plan) documents(more ...*policy.Doc) []*policy.Doc {
	if p.policy == nil {
		return more
	}
	return append(more, p.policy)
}
