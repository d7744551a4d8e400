package cloud

import (
	"context"
	"errors"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/dynamodb"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/sts"
	"github.com/nube-run/nube/internal/work"
)

// parts are the services and what holds them together.
type parts struct {
	rootKey, rootSecret string

	iam      *iam.Service
	sts      *sts.Service
	dynamodb *dynamodb.Service
	gateway  *apigateway.Service

	denials  *control.Denials
	edge     *edge.Edge
	backlogs []work.Backlog
}

// services is THE list: every service of the cloud, in the order in which the
// front looks for the one that a request means.
func (p *parts) services() []*awsapi.Service {
	return []*awsapi.Service{
		p.dynamodb.API(),
		p.gateway.API(),
		p.sts.API(),
		p.iam.API(),
	}
}

// openParts makes the services and starts them.
func (c *Cloud) openParts(ctx context.Context) error {
	p := &parts{denials: &control.Denials{}}
	c.parts = p
	caller := &lateCaller{}
	var err error
	if p.rootKey, p.rootSecret, err = c.opts.rootKey(c.place); err != nil {
		return err
	}
	p.iam, err = iam.New(ctx, iam.Options{DB: c.db, Clock: c.model, Account: c.opts.Account, RootKey: p.rootKey, Secret: p.rootSecret})
	if err != nil {
		return err
	}
	p.sts = sts.New(issuer{p.iam}, c.model, p.iam)
	p.dynamodb = dynamodb.New(dynamodb.Options{DB: c.db, Clock: c.model, Work: c.ledger, Meter: &meters{recorder: c.recorder, model: c.model}})
	p.gateway = apigateway.New(apigateway.Options{DB: c.db, Clock: c.model, Log: c.log})

	c.front = awsapi.New(awsapi.Options{
		Services: p.services(), Identities: p.iam, Account: c.opts.Account, Region: c.opts.Region, Model: c.model, Enforcement: c.opts.IAM,
		Denials: p.denials, Observer: record.APICalls{Recorder: c.recorder, Account: c.opts.Account, Region: c.opts.Region}, Ledger: c.ledger, Log: c.log,
	})
	caller.front = c.front
	p.gateway.Use(c.front)
	p.edge = &edge.Edge{APIs: p.gateway, Scope: c.scope, Ledger: c.ledger, Recorder: c.recorder}
	c.settler = &work.Settler{Ledger: c.ledger, DB: c.db, Clock: c.model, Backlogs: p.backlogs}
	return c.startParts(ctx)
}

// startParts starts what goes on by itself.
func (c *Cloud) startParts(ctx context.Context) error {
	cell := keyspace.Cell{Account: c.opts.Account, Region: c.opts.Region}
	if err := c.parts.dynamodb.Start(ctx, cell); err != nil {
		return err
	}
	c.stopping(func(context.Context) error { c.parts.dynamodb.Stop(); return nil })
	return nil
}

// lateCaller is the front for services that are made before it.
type lateCaller struct{ front *awsapi.Front }

// Call implements [awsapi.Caller].
func (l *lateCaller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	if l.front == nil {
		return nil, errors.New("cloud: a service called another before the front was made")
	}
	return l.front.Call(ctx, m, op, in)
}
