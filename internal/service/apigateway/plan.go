package apigateway

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// plan is what one stage serves: its settings and its deployment's routes.
type plan struct {
	api   *api
	stage *shapes.Stage
	deployment
	root *node

	// What only some stages have; all nil or false where it is not needed.
	gates    map[*shapes.Method]*gate
	policy   *policy.Doc              // of the API
	keys     map[string]*subscription // by the key's value
	logging  map[*shapes.Method]*logging
	access   *accessLog
	meter    StageMeter // nil where nothing is measured
	observed bool       // responses are noticed, for logs and meters

	templates sync.Map // text → *vtl.Template
	patterns  sync.Map // text → *regex.Regexp
}

// node is one segment of the paths of an API.
type node struct {
	literal map[string]*node
	param   *node
	greedy  *node
	name    string // of the parameter
	here    *resource
}

func newPlan(a *api, st *shapes.Stage, d *deployment) *plan {
	p := &plan{api: a, stage: st, deployment: *d, root: &node{}}
	for _, r := range d.Resources {
		n := p.root
		for part := range strings.SplitSeq(strings.Trim(r.Path, "/"), "/") {
			if part != "" {
				n = n.child(part)
			}
		}
		n.here = r
	}
	return p
}

func (n *node) child(part string) *node {
	name, isParam := strings.CutPrefix(part, "{")
	if !isParam {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[part] == nil {
			n.literal[part] = &node{}
		}
		return n.literal[part]
	}
	slot := &n.param
	name = strings.TrimSuffix(name, "}")
	if greedy, ok := strings.CutSuffix(name, "+"); ok {
		slot, name = &n.greedy, greedy
	}
	if *slot == nil {
		*slot = &node{name: name}
	}
	return *slot
}

// match finds the resource of an escaped path: literal segments before
// parameters before greedy ones, going back where a branch leads nowhere.
func (n *node) match(path string, params map[string]string) *resource {
	if path == "" {
		if n.here != nil && len(n.here.Methods) > 0 {
			return n.here
		}
		return nil
	}
	part, rest, _ := strings.Cut(path, "/")
	if next := n.literal[part]; next != nil {
		if r := next.match(rest, params); r != nil {
			return r
		}
	}
	if n.param != nil && part != "" {
		if r := n.param.match(rest, params); r != nil {
			params[n.param.name] = unescape(part)
			return r
		}
	}
	if n.greedy != nil && n.greedy.here != nil {
		params[n.greedy.name] = unescape(path)
		return n.greedy.here
	}
	return nil
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// method returns the method that answers, ANY when there is no particular one.
func (r *resource) method(name string) *shapes.Method {
	if m := r.Methods[name]; m != nil {
		return m
	}
	return r.Methods["ANY"]
}

// planCache keeps the plans of stages until anything of API Gateway changes.
type planCache struct {
	mu      sync.RWMutex
	plans   map[planKey]*plan
	sites   map[arn.Scope][]Site
	hosts   map[arn.Scope]hosts
	epoch   uint64
	watched map[arn.Scope]bool
}

type planKey struct {
	scope      arn.Scope
	api, stage string
}

func (c *planCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans, c.sites, c.hosts = nil, nil, nil
	c.epoch++
}

// plan returns what a stage serves; nil when there is no such API or stage.
func (s *Service) plan(ctx context.Context, t edge.Target) (*plan, error) {
	key := planKey{t.Scope, t.API, t.Stage}
	s.plans.mu.RLock()
	p, epoch, watched := s.plans.plans[key], s.plans.epoch, s.plans.watched[t.Scope]
	s.plans.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	if !watched {
		// Whoever sends a request can name a region in its Host: those that have
		// no such stage are not watched, or memory would grow with each.
		if p, err := s.planOf(ctx, t); err != nil || p == nil {
			return nil, err
		}
		s.watch(t.Scope, spaceOf(t.Scope)) // before the read, so that no change is missed
	}
	p, err := s.planOf(ctx, t)
	if err != nil || p == nil {
		return nil, err
	}
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.epoch == epoch {
		if s.plans.plans == nil {
			s.plans.plans = map[planKey]*plan{}
		}
		s.plans.plans[key] = p
	}
	return p, nil
}

// planOf reads what a stage serves; nil when there is no such API or stage.
func (s *Service) planOf(ctx context.Context, t edge.Target) (p *plan, err error) {
	sp := spaceOf(t.Scope)
	err = s.db.View(ctx, func(sn *kv.Snap) error {
		a, err := jsonrow.Load[api](sn, sp.api(t.API))
		if err != nil || a == nil {
			return err
		}
		st, err := jsonrow.Load[shapes.Stage](sn, sp.stage(t.API, t.Stage))
		if err != nil || st == nil {
			return err
		}
		d, err := jsonrow.Load[deployment](sn, sp.deployment(t.API, value(st.DeploymentId)))
		if err != nil || d == nil {
			return err
		}
		p = newPlan(a, st, d)
		if s.meter != nil {
			p.meter = s.meter.Stage(t.Scope, value(a.Name), t.Stage)
		}
		if p.keys, err = readSubscriptions(sn, sp, t.API, t.Stage); err != nil {
			return err
		}
		return p.equip(t)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Service) watch(scope arn.Scope, sp space) {
	s.plans.mu.Lock()
	defer s.plans.mu.Unlock()
	if s.plans.watched[scope] {
		return
	}
	if s.plans.watched == nil {
		s.plans.watched = map[arn.Scope]bool{}
	}
	s.plans.watched[scope] = true
	s.db.WatchFunc(func() { s.plans.drop(); s.quotas.reset() }, sp.changed())
}
