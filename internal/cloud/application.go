package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	lambda "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/stack"
)

// application is what was deployed last: the gateway serves its region.
type application struct {
	Stack, Region, Stage, Dir string
}

// applicationKey is where it is kept, in the account's cell without a region.
func (c *Cloud) applicationKey() kv.Key {
	return keyspace.Service(keyspace.Cell{Account: c.opts.Account}, "nube", 0).Key().Str("application").Done()
}

// remember stores what was deployed, and turns the gateway to its region.
func (c *Cloud) remember(ctx context.Context, app application) error {
	text, err := json.Marshal(app)
	if err != nil {
		return err
	}
	key := c.applicationKey()
	_, err = c.db.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(key)
		if err == nil && string(had) != string(text) {
			tx.Set(key, text)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remembering the application: %w", err)
	}
	c.parts.edge.Move(arn.In(app.Region, c.opts.Account))
	return nil
}

// recall turns the gateway to the region of what was deployed last.
func (c *Cloud) recall(ctx context.Context) error {
	return c.db.View(ctx, func(s *kv.Snap) error {
		text, err := s.Get(c.applicationKey())
		if err != nil || text == nil {
			return err
		}
		var app application
		if err := json.Unmarshal(text, &app); err != nil {
			return fmt.Errorf("recalling the application: %w", err)
		}
		c.parts.edge.Move(arn.In(app.Region, c.opts.Account))
		return nil
	})
}

// deployment is what stands after a deployment.
func (c *Cloud) deployment(ctx context.Context, app application, st *stack.Stack, changed bool, resources int) (*control.Deployment, error) {
	d := &control.Deployment{Stack: app.Stack, Stage: app.Stage, Region: app.Region, Changed: changed, Outputs: map[string]string{}, Resources: resources}
	for _, o := range st.Outputs {
		d.Outputs[o.Key] = o.Value
	}
	scope := arn.In(app.Region, c.opts.Account)
	var err error
	d.Functions, d.Beside, err = c.shown(ctx, scope)
	return d, err
}

// shown are the functions of a region with what calls them, and what its stacks have
// beside them.
func (c *Cloud) shown(ctx context.Context, scope arn.Scope) (fns []control.Function, others []control.Resource, err error) {
	stacks, err := c.parts.stacks.Stacks(ctx, scope, false)
	if err != nil {
		return nil, nil, err
	}
	var all []*stack.Resource
	for _, s := range stacks {
		_, of, err := c.parts.stacks.Resources(ctx, scope, s.ID)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, of...)
	}
	if fns, err = c.functions(ctx, scope); err != nil {
		return nil, nil, err
	}
	calls := callers(all)
	for i := range fns {
		fns[i].Callers = calls[fns[i].Name]
	}
	return fns, beside(all), nil
}

// asRoot is a context in which the platform calls services as the account's
// root.
func (c *Cloud) asRoot(ctx context.Context, scope arn.Scope) context.Context {
	return awsapi.With(ctx, &awsapi.Call{ID: awsapi.NewID(), Scope: scope, Actor: awsapi.RootOf(c.opts.Account)})
}

// functions lists the functions of a region with the routes that lead to them.
func (c *Cloud) functions(ctx context.Context, scope arn.Scope) ([]control.Function, error) {
	ctx = record.Aside(c.asRoot(ctx, scope))
	routes, err := c.parts.gateway.Routes(ctx, scope)
	if err != nil {
		return nil, err
	}
	more, err := c.parts.httpAPIs.Routes(ctx, scope)
	if err != nil {
		return nil, err
	}
	for _, r := range more {
		routes = append(routes, apigateway.Route{Method: r.Method, Path: r.Path, Function: r.Function})
	}
	out := []control.Function{}
	in := &lambda.ListFunctionsRequest{}
	for {
		page, err := awsapi.Do(ctx, c.front, lambda.ListFunctions, in)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			fn := control.Function{Name: *f.FunctionName}
			if f.Runtime != nil {
				fn.Runtime = *f.Runtime
			}
			for _, r := range routes {
				if name, _, _ := strings.Cut(strings.TrimPrefix(r.Function.Resource(), "function:"), ":"); name == fn.Name {
					fn.Routes = append(fn.Routes, r.Method+" "+c.GatewayURL()+r.Path)
				}
			}
			slices.Sort(fn.Routes)
			urls, err := awsapi.Do(ctx, c.front, lambda.ListFunctionUrlConfigs, &lambda.ListFunctionUrlConfigsRequest{FunctionName: f.FunctionName})
			if err != nil {
				return nil, err
			}
			for _, u := range urls.FunctionUrlConfigs {
				id, _, _ := strings.Cut(strings.TrimPrefix(*u.FunctionUrl, "https://"), ".")
				fn.Routes = append(fn.Routes, "URL "+c.Endpoint()+edge.FunctionURLs+id+"/")
			}
			out = append(out, fn)
		}
		if page.NextMarker == nil {
			return out, nil
		}
		in.Marker = page.NextMarker
	}
}
