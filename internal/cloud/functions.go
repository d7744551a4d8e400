package cloud

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/runner"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/apigatewayv2"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/lambda"
	"github.com/nube-run/nube/internal/service/logs"
	"github.com/nube-run/nube/internal/work"
)

// sessionLife is how long the credentials of an instance are good for.
const sessionLife = 12 * time.Hour

// roleKeys gives instances the credentials of their function's role.
type roleKeys struct {
	iam   *iam.Service
	model *clock.Model
}

// Credentials implements [runner.Credentials].
func (k roleKeys) Credentials(ctx context.Context, role arn.ARN, session string) (runner.Keys, error) {
	r, err := k.iam.Role(ctx, role)
	if err != nil {
		return runner.Keys{}, err
	}
	if r == nil {
		return runner.Keys{}, fmt.Errorf("role %s does not exist", role)
	}
	creds, _, err := k.iam.Issue(iam.Grant{Role: role, RoleID: r.ID, Name: session, Expires: k.model.Now().Add(sessionLife)})
	if err != nil {
		return runner.Keys{}, err
	}
	return runner.Keys{ID: creds.AccessKeyID, Secret: creds.SecretAccessKey, Token: creds.SessionToken, Expires: creds.Expires}, nil
}

// assumable lets lambda ask whether it may assume a role.
type assumable struct{ iam *iam.Service }

// AssumableBy implements [lambda.Roles]. The resource for which a service assumes a
// role is what the conditions of its trust policy are about.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
func (a assumable) AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error) {
	r, err := a.iam.Role(ctx, role)
	if err != nil || r == nil {
		return false, err
	}
	set := policy.Set{Resource: []*policy.Doc{r.Trust}, ResourceDecides: true}
	req := policy.Request{
		Principal: policy.Principal{Service: service}, Action: "sts:AssumeRole", Resource: role, ResourceAccount: role.Account(),
		Keys: policy.KeyMap{"aws:sourcearn": policy.One(source.String()), "aws:sourceaccount": policy.One(source.Account())},
	}
	return set.Evaluate(&req).Allowed(), nil
}

// invoker lets API Gateway call functions.
type invoker struct{ lambda *lambda.Service }

// Invoke implements [apigateway.Invoker].
func (i invoker) Invoke(ctx context.Context, in apigateway.Invocation) (apigateway.Outcome, error) {
	if in.Async {
		return apigateway.Outcome{}, i.lambda.Enqueue(ctx, in.Function, in.Payload)
	}
	r, err := i.lambda.Invoke(ctx, in.Function, in.Payload)
	if fault.Is(err, "TooManyRequestsException") {
		return apigateway.Outcome{Throttle: true}, nil
	}
	return apigateway.Outcome{Payload: r.Payload, Failed: r.Failed}, err
}

// httpInvoker lets HTTP APIs call functions.
type httpInvoker struct{ lambda *lambda.Service }

// Invoke implements [apigatewayv2.Invoker].
func (i httpInvoker) Invoke(ctx context.Context, fn arn.ARN, payload []byte) (apigatewayv2.Outcome, error) {
	r, err := i.lambda.Invoke(ctx, fn, payload)
	return apigatewayv2.Outcome{Payload: r.Payload, Failed: r.Failed}, err
}

// functionLogs puts what functions write where CloudWatch Logs finds it.
type functionLogs struct {
	c *Cloud

	mu      sync.Mutex
	missing map[record.Stream]struct{} // that an errand is about to make
}

// Append implements [runner.Logs]. It does not wait for the group and the
// stream to be made: what is in them is kept without.
func (l *functionLogs) Append(s runner.LogStream, events []runner.LogEvent) {
	stream := record.Stream{Account: s.Account, Region: s.Region, Group: s.Group, Name: s.Name}
	l.ensure(stream)
	w := l.c.recorder.Logs.Writer(stream)
	now := l.c.model.Now()
	written := make([]logs.Written, len(events))
	for i, e := range events {
		// What the disk would not take is counted by the recorder.
		pos, _ := w.Append(e.At, now, []byte(e.Message))
		written[i] = logs.Written{At: e.At, Pos: pos, Message: e.Message}
	}
	l.derive(stream, written)
}

// derive makes of what was written what follows of it. What is committed does not
// hold up whoever writes.
func (l *functionLogs) derive(stream record.Stream, written []logs.Written) {
	service := l.c.parts.logs
	derive := func() {
		if err := service.Derive(context.Background(), stream, written); err != nil {
			l.c.log.Error("what follows of log events", "group", stream.Group, "stream", stream.Name, "err", err)
		}
	}
	if !service.Derives(stream) {
		derive()
		return
	}
	token := l.c.ledger.Begin(work.Derivation, stream.Group)
	if !l.c.errands.Go(func() { defer token.End(); derive() }) {
		token.End()
	}
}

// ensureAfter is how long a stream that is not there waits for others: instances
// that start together should have the processors for themselves, and what they log
// is made with one commit.
const ensureAfter = 25 * time.Millisecond

// ensure makes a stream that is not there, beside what goes on.
func (l *functionLogs) ensure(stream record.Stream) {
	if l.c.parts.logs.Known(stream) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.missing[stream]; ok {
		return
	}
	if l.missing == nil {
		token := l.c.ledger.Begin(work.Derivation, stream.Group)
		begun := l.c.errands.Go(func() {
			defer token.End()
			_ = clock.Machine{}.Wait(context.Background(), ensureAfter) // nothing ends it
			l.makeMissing()
		})
		if !begun {
			token.End()
			return
		}
		l.missing = map[record.Stream]struct{}{}
	}
	l.missing[stream] = struct{}{}
}

// makeMissing makes the streams that are missing. One that cannot be made is
// missing again when the next event comes.
func (l *functionLogs) makeMissing() {
	l.mu.Lock()
	missing := slices.Collect(maps.Keys(l.missing))
	l.missing = nil
	l.mu.Unlock()
	if err := l.c.parts.logs.Ensure(context.Background(), missing...); err != nil {
		l.c.log.Error("making log streams", "streams", len(missing), "err", err)
	}
}

// Invoked implements [runner.Meter].
func (m *meters) Invoked(u runner.Use) {
	p, now := u.Function.Parts(), m.model.Now()
	meter := func(what string, n float64) {
		m.recorder.Metrics.Meter(p.Account, p.Region, string(u.Function), what).Observe(now, n)
	}
	m.platform.invoked(&u)
	meter(record.Requests, 1)
	meter(record.GBSeconds, u.GBSeconds())
	if u.Provisioned {
		m.lambdaMetric(u.Function, "ProvisionedConcurrencyInvocations")
	}
	if u.Spilled {
		m.lambdaMetric(u.Function, "ProvisionedConcurrencySpilloverInvocations")
	}
	if u.Init > 0 {
		meter(record.InitGBSeconds, u.Init.Seconds()*float64(u.MemoryMB)/1024)
	}
}

// Throttled implements [runner.Refusals].
func (m *meters) Throttled(function arn.ARN) { m.platform.throttled(function) }

// lambdaMetric counts one in a metric of Lambda's own.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (m *meters) lambdaMetric(fn arn.ARN, name string) {
	p := fn.Parts()
	m.recorder.Metrics.Series(record.Metric{
		Account: p.Account, Region: p.Region, Namespace: "AWS/Lambda", Name: name, Unit: countUnit, Dims: []record.Attr{{Key: "FunctionName", Value: fn.Name()}},
	}).Observe(m.model.Now(), 1)
}
