package cloud

import (
	"context"
	"errors"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/edge"
	"github.com/nube-run/nube/internal/inject"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/resource"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
	"github.com/nube-run/nube/internal/service/cloudformation"
	"github.com/nube-run/nube/internal/service/cloudwatch"
	"github.com/nube-run/nube/internal/service/dynamodb"
	"github.com/nube-run/nube/internal/service/events"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/kms"
	"github.com/nube-run/nube/internal/service/lambda"
	"github.com/nube-run/nube/internal/service/logs"
	"github.com/nube-run/nube/internal/service/scheduler"
	"github.com/nube-run/nube/internal/service/secretsmanager"
	"github.com/nube-run/nube/internal/service/ses"
	"github.com/nube-run/nube/internal/service/sns"
	"github.com/nube-run/nube/internal/service/sqs"
	"github.com/nube-run/nube/internal/service/ssm"
	"github.com/nube-run/nube/internal/service/sts"
	"github.com/nube-run/nube/internal/sources"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// parts are the services and what holds them together.
type parts struct {
	rootKey, rootSecret string

	iam       *iam.Service
	sts       *sts.Service
	dynamodb  *dynamodb.Service
	lambda    *lambda.Service
	logs      *logs.Service
	sns       *sns.Service
	sqs       *sqs.Service
	events    *events.Service
	scheduler *scheduler.Service
	gateway   *apigateway.Service
	httpAPIs  *apigatewayv2.Service
	formation *cloudformation.Service
	ses       *ses.Service
	kms       *kms.Service
	ssm       *ssm.Service
	watch     *cloudwatch.Service
	platform  *platform
	addresses *addresses
	secrets   *secretsmanager.Service

	owner    *timer.Owner
	timers   *timer.Timers
	delivery *delivery.Delivery
	mappings *sources.Engine
	runner   *runner.Runner
	stacks   *stack.Engine
	denials  *control.Denials
	edge     *edge.Edge
}

// services is THE list: every service of the cloud, in the order in which the
// front looks for the one that a request means.
func (p *parts) services() []*awsapi.Service {
	return []*awsapi.Service{
		p.dynamodb.API(),
		p.dynamodb.Streams(),
		p.lambda.API(),
		p.gateway.API(),
		p.httpAPIs.API(),
		p.logs.API(),
		p.sns.API(),
		p.sqs.API(),
		p.events.API(),
		p.scheduler.API(),
		p.sts.API(),
		p.iam.API(),
		p.formation.API(),
		p.ses.API(),
		p.ses.APIv2(),
		p.kms.API(),
		p.ssm.API(),
		p.watch.API(),
		p.secrets.API(),
	}
}

// backlogs is what may be committed but not done.
func (p *parts) backlogs() []work.Backlog {
	return []work.Backlog{p.delivery, p.mappings, p.sqs, p.timers}
}

// openParts makes the services and starts them.
func (c *Cloud) openParts(ctx context.Context) error {
	caller := &lateCaller{}
	p := &parts{denials: &control.Denials{}, platform: &platform{metrics: c.recorder.Metrics, model: c.model}}
	p.addresses = &addresses{account: c.opts.Account, now: c.Endpoint()}
	p.stacks = stack.New(stack.Options{DB: c.db, Types: resource.Types(caller), Dynamic: resource.Dynamic(caller), Current: p.addresses.current, Model: c.model, Ledger: c.ledger, Log: c.log})
	c.parts, c.errands = p, &errands{}
	err := p.addresses.note(ctx, c.db, c.addressesKey())
	if err != nil {
		return err
	}
	if p.rootKey, p.rootSecret, err = c.opts.rootKey(c.place); err != nil {
		return fmt.Errorf("root key: %w", err)
	}
	if c.builds, err = build.Open(c.codeDir()); err != nil {
		return fmt.Errorf("code store: %w", err)
	}
	c.makeFloor(p)
	if err := c.makeServices(ctx, p, caller); err != nil {
		return err
	}
	c.front = awsapi.New(awsapi.Options{
		Services: p.services(), Identities: p.iam, Account: c.opts.Account, Region: c.opts.Region, Model: c.model, Enforcement: c.opts.IAM,
		Denials: p.denials, Observer: record.APICalls{Recorder: c.recorder, Account: c.opts.Account, Region: c.opts.Region}, CauseOf: p.runner.CauseOf,
		Ledger: c.ledger, Disturber: inject.Calls{Set: c.faults}, Meter: p.platform, Log: c.log,
	})
	caller.front = c.front
	p.gateway.Use(c.front)
	p.httpAPIs.Use(c.front)
	p.events.Use(c.front)
	p.scheduler.Use(c.front)
	p.edge = edge.New(p.gateway, c.scope, c.ledger, c.recorder)
	p.edge.Add(p.httpAPIs, p.lambda.URLs(c.front))
	c.settler = &work.Settler{Ledger: c.ledger, DB: c.db, Clock: c.model, Backlogs: p.backlogs()}
	c.clock = &modelClock{account: c.opts.Account, db: c.db, model: c.model, settler: c.settler}
	c.settler.Move = c.clock.move
	return c.startParts(ctx)
}

// makeFloor makes what the services stand on.
func (c *Cloud) makeFloor(p *parts) {
	// No name: the store's files are this process's alone, so what an earlier one
	// held is taken at once, not when it has been silent for long enough.
	p.owner = &timer.Owner{DB: c.db, Log: c.log}
	p.timers = timer.New(timer.Options{DB: c.db, Owner: p.owner, Model: c.model, Ledger: c.ledger, Log: c.log})
	p.delivery = delivery.New(delivery.Options{DB: c.db, Owner: p.owner, Timers: p.timers, Model: c.model, Ledger: c.ledger, Recorder: c.recorder, Log: c.log, Disturber: inject.Deliveries{Set: c.faults}, Settled: p.platform.delivered})
}

// makeServices makes each service with what it needs of the others.
func (c *Cloud) makeServices(ctx context.Context, p *parts, caller *lateCaller) (err error) {
	meter := &meters{recorder: c.recorder, model: c.model, platform: p.platform}
	p.iam, err = iam.New(ctx, iam.Options{DB: c.db, Clock: c.model, Account: c.opts.Account, RootKey: p.rootKey, Secret: p.rootSecret})
	if err != nil {
		return err
	}
	p.sts = sts.New(issuer{p.iam}, c.model)
	p.kms = kms.New(kms.Options{DB: c.db, Clock: c.model, Sealer: c.vault, Timers: p.timers})
	p.ssm = ssm.New(ssm.Options{DB: c.db, Clock: c.model, Timers: p.timers, Caller: caller, Events: (&parameterEvents{p.delivery, c.model}).tell})
	p.secrets = secretsmanager.New(secretsmanager.Options{DB: c.db, Clock: c.model, Timers: p.timers, Emit: p.delivery, Caller: caller})
	p.delivery.Receive(p.secrets)
	p.dynamodb = dynamodb.New(dynamodb.Options{DB: c.db, Clock: c.model, Work: c.ledger, Meter: meter, Timers: p.timers})
	p.logs = logs.New(logs.Options{DB: c.db, Logs: c.recorder.Logs, Clock: c.model, Metrics: c.recorder.Metrics, Emit: p.delivery})
	runs := runner.Options{
		Sandbox: c.sandbox, Model: c.model, Ledger: c.ledger, Logs: &functionLogs{c: c}, Meter: meter, Dir: c.workDir("run/instances"),
		Credentials: roleKeys{c.parts.iam, c.model}, Endpoint: c.Endpoint(), Current: p.addresses.current, Telemetry: c.OTLP(), Disturber: inject.Functions{Set: c.faults},
		Hold: c.debug.holding(),
	}
	if c.debug != nil {
		runs.Debugger, runs.Unconfined = c.debug, c.debug.unconfined
	}
	p.runner, err = runner.Open(runs)
	if err != nil {
		return err
	}
	// Instances log until they are gone.
	c.stopping(func(context.Context) error { c.errands.end(); return nil })
	c.stopping(func(context.Context) error { return p.runner.Close() })
	p.lambda = lambda.New(lambda.Options{
		Debug: c.debug.on,
		DB:    c.db, Clock: c.model, Runner: p.runner, Artifacts: c.builds, Emit: p.delivery, Recorder: c.recorder, Roles: assumable{p.iam}, Caller: caller,
		Permits: caller, Delivers: p.delivery.Delivers,
	})
	p.delivery.Receive(p.lambda)
	p.sns = sns.New(sns.Options{
		DB: c.db, Clock: c.model, Emit: p.delivery, Endpoint: c.Endpoint(), Home: keyspace.Cell{Account: c.opts.Account, Region: c.opts.Region}, Caller: caller,
		Meter: p.platform,
	})
	p.sqs = sqs.New(sqs.Options{DB: c.db, Clock: c.model, Timers: p.timers, Endpoint: c.Endpoint(), Permits: caller, Caller: caller, Meter: meter, Disturb: c.faults})
	c.stopping(func(context.Context) error { p.sqs.Stop(); return nil })
	for _, r := range []delivery.Receiver{p.sns, p.sns.HTTP("http"), p.sns.HTTP("https"), sns.Redrive{}, p.sqs} {
		p.delivery.Receive(r)
	}
	p.events = events.New(events.Options{DB: c.db, Clock: c.model, Emit: p.delivery, Timers: p.timers, Roles: assumable{p.iam}, Sealer: c.vault, Meter: p.platform})
	p.scheduler = scheduler.New(scheduler.Options{DB: c.db, Clock: c.model, Emit: p.delivery, Timers: p.timers, Roles: assumable{p.iam}})
	for _, r := range append(p.events.Receivers(), p.scheduler.Receivers()...) {
		p.delivery.Receive(r)
	}
	p.watch = cloudwatch.New(cloudwatch.Options{DB: c.db, Clock: c.model, Metrics: c.recorder.Metrics, Emit: p.delivery, Timers: p.timers, Gauges: gauges{p.sqs}})
	p.mappings = sources.New(sources.Options{
		DB: c.db, Owner: p.owner, Timers: p.timers, Model: c.model, Ledger: c.ledger, Emit: p.delivery, Functions: twiceRead{p.lambda.Functions(), c.faults, c.recorder}, Meter: p.platform, Log: c.log,
	})
	p.mappings.Read(p.dynamodb.Source())
	p.mappings.Read(p.sqs.Queues())
	p.lambda.Map(p.mappings)
	if err := c.makeMail(p, meter); err != nil {
		return err
	}
	p.formation = cloudformation.New(p.stacks, cloudformation.STS{Caller: caller, Identities: p.iam})
	p.gateway = apigateway.New(apigateway.Options{
		Hold: c.debug.holding(), Meter: p.platform,
		DB: c.db, Clock: c.model, Invoke: invoker{p.lambda}, Roles: assumable{p.iam}, Pools: newUserPools(), Logs: &gatewayLogs{functionLogs{c: c}}, Log: c.log,
	})
	p.httpAPIs = apigatewayv2.New(apigatewayv2.Options{
		Hold: c.debug.holding(), Meter: p.platform,
		DB: c.db, Clock: c.model, Invoke: httpInvoker{p.lambda}, Logs: &gatewayLogs{functionLogs{c: c}}, Roles: assumable{p.iam}, Caller: caller, Log: c.log,
	})
	return nil
}

// startParts starts what goes on by itself, and takes up what a crash
// interrupted.
func (c *Cloud) startParts(ctx context.Context) error {
	p := c.parts
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	for _, run := range []func(context.Context){p.timers.Run, p.delivery.Run, p.mappings.Run} {
		c.goes.Go(func() { run(running) })
	}
	c.stopping(func(context.Context) error { stop(); c.goes.Wait(); return nil })
	if err := p.dynamodb.Start(ctx); err != nil {
		return err
	}
	c.stopping(func(context.Context) error { p.dynamodb.Stop(); return nil })
	if err := p.lambda.Start(ctx); err != nil {
		return err
	}
	if err := p.stacks.Start(ctx); err != nil {
		return err
	}
	c.stopping(func(context.Context) error { p.stacks.Close(); return nil })
	return c.recall(ctx)
}

// lateCaller is the front for services that are made before it.
type lateCaller struct{ front *awsapi.Front }

// Permit implements [lambda.Permits].
func (l *lateCaller) Permit(ctx context.Context, needs ...awsapi.Access) error {
	return l.front.Permit(ctx, needs...)
}

// PermitOn implements [sqs.Permits].
func (l *lateCaller) PermitOn(ctx context.Context, m *schema.Model, needs ...awsapi.Access) error {
	return l.front.PermitOn(ctx, m, needs...)
}

// Call implements [awsapi.Caller].
func (l *lateCaller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	if l.front == nil {
		return nil, errors.New("cloud: a service called another before the front was made")
	}
	return l.front.Call(ctx, m, op, in)
}
