package scheduler_test

import (
	"context"
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/events"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/lambda"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/scheduler"
	"github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/scheduler"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var _ = flag.Bool("update", false, "write the golden files")

const (
	account  = "123456789012"
	region   = "us-east-1"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:"
	topicARN = "arn:aws:sns:us-east-1:123456789012:"
	fnARN    = "arn:aws:lambda:us-east-1:123456789012:function:"
	busARN   = "arn:aws:events:us-east-1:123456789012:event-bus/"
	roleARN  = "arn:aws:iam::123456789012:role/"
)

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// front is the front, with services that remember what they were told.
type front struct {
	*awsapi.Front
	clock *clock.Model
	fail  func() error

	mu    sync.Mutex
	calls []string
}

func (f *front) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	var said string
	switch in := in.(type) {
	case *lambda.InvocationRequest:
		said = strings.TrimPrefix(*in.FunctionName, fnARN) + " " + *in.InvocationType + " " + string(in.Payload)
	case *sns.PublishInput:
		said = strings.TrimPrefix(*in.TopicArn, topicARN) + " " + *in.Message
	case *sqs.SendMessageRequest:
		said = *in.QueueUrl + " " + *in.MessageBody
		if in.MessageGroupId != nil {
			said += " in " + *in.MessageGroupId
		}
	case *events.PutEventsRequest:
		e := in.Entries[0]
		said = *e.EventBusName + " " + *e.Source + " " + *e.DetailType + " " + *e.Detail
	default:
		return f.Front.Call(ctx, m, op, in)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		if err := f.fail(); err != nil {
			return nil, err
		}
	}
	who := awsapi.From(ctx).Actor.Principal
	f.calls = append(f.calls, f.clock.Now().Time().Format("02 15:04:05 ")+who.Issuer.Name()+" "+op.Name+" "+said)
	return op.NewOutput(), nil
}

// made returns the calls that were made since.
func (f *front) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.calls
	f.calls = nil
	return out
}

// trusts tells which roles trust Scheduler, by IAM.
type trusts struct{ iam *iam.Service }

func (r trusts) AssumableBy(ctx context.Context, role arn.ARN, service string, source arn.ARN) (bool, error) {
	is, err := r.iam.Role(ctx, role)
	if err != nil || is == nil {
		return false, err
	}
	set := policy.Set{Resource: []*policy.Doc{is.Trust}, ResourceDecides: true}
	req := policy.Request{
		Principal: policy.Principal{Service: service}, Action: "sts:AssumeRole", Resource: role, ResourceAccount: role.Account(),
		Keys: policy.KeyMap{"aws:sourcearn": policy.One(source.String()), "aws:sourceaccount": policy.One(source.Account())},
	}
	return set.Evaluate(&req).Allowed(), nil
}

// taker is a receiver that takes everything and remembers it.
type taker struct {
	scheme string

	mu    sync.Mutex
	taken []delivery.Effect
}

func (t *taker) Scheme() string { return t.scheme }

func (t *taker) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = append(t.taken, es...)
	return make([]delivery.Outcome, len(es))
}

// bed is a cloud with Scheduler and IAM, and other services that take everything.
type bed struct {
	testing.TB
	db      *kv.DB
	clock   *clock.Model
	settler *work.Settler
	front   *front
	queues  *taker
	ctx     context.Context
	stop    func()
}

func newBed(t testing.TB) *bed {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := makeBed(t, db, clock.Unix(noon, 0))
	t.Cleanup(b.stop)
	b.role("runner", "scheduler.amazonaws.com", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
	return b
}

// makeBed is a bed on a store that may hold something, which somebody must stop.
func makeBed(t testing.TB, db *kv.DB, now clock.Instant) *bed {
	b := &bed{TB: t, db: db, clock: clock.NewModel(clock.State{Stopped: true, At: now}), queues: &taker{scheme: "sqs"}}
	ledger, owner := work.NewLedger(), &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: b.clock, Ledger: ledger})
	d := delivery.New(delivery.Options{DB: db, Owner: owner, Timers: timers, Model: b.clock, Ledger: ledger})
	ids, err := iam.New(context.Background(), iam.Options{DB: db, Clock: b.clock, Account: account, RootKey: "AKIAROOT", Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.New(scheduler.Options{DB: db, Clock: b.clock, Emit: d, Timers: timers, Roles: trusts{ids}})
	for _, r := range append(s.Receivers(), b.queues, &taker{scheme: "lambda"}, &taker{scheme: "sns"}) {
		d.Receive(r)
	}
	b.front = &front{clock: b.clock, Front: awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{s.API(), ids.API()}, Identities: ids, Account: account, Region: region, Model: b.clock, Ledger: ledger,
	})}
	s.Use(b.front)
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	b.settler = &work.Settler{Ledger: ledger, DB: db, Clock: b.clock, Backlogs: []work.Backlog{timers, d}}
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { timers.Run(running) })
	wg.Go(func() { d.Run(running) })
	b.stop = func() { stop(); wg.Wait() }
	return b
}

// settle waits until nothing is under way.
func (b *bed) settle() {
	b.Helper()
	if _, err := b.settler.Settle(context.Background(), 0, false); err != nil {
		b.Fatal(err)
	}
}

// advance lets time pass, and everything happen that is due until then, and
// returns the calls.
func (b *bed) advance(d time.Duration) []string {
	b.Helper()
	if _, err := b.settler.Advance(context.Background(), b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
	return b.front.made()
}

// call calls an operation that must succeed.
func call[I, O any](b *bed, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(b.ctx, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

// fails calls an operation that must fail with an error of AWS's.
func fails[I, O any](b *bed, op schema.TypedOp[I, O], in I, code, message string) {
	b.Helper()
	_, err := awsapi.Do(b.ctx, b.front, op, in)
	e, ok := fault.As(err)
	if !ok || e.Code != code || message != "" && e.Message != message {
		b.Errorf("%s: %v; want %s: %s", op.Op.Name, err, code, message)
	}
}

// wish is a schedule of a function, and what differs.
func wish(name, expression string, more ...func(*shapes.CreateScheduleInput)) *shapes.CreateScheduleInput {
	in := &shapes.CreateScheduleInput{
		Name: &name, ScheduleExpression: &expression, FlexibleTimeWindow: &shapes.FlexibleTimeWindow{Mode: ptr("OFF")},
		Target: &shapes.Target{Arn: ptr(fnARN + "f"), RoleArn: ptr(roleARN + "runner"), Input: ptr("1")},
	}
	for _, f := range more {
		f(in)
	}
	return in
}

func zone(name string) func(*shapes.CreateScheduleInput) {
	return func(in *shapes.CreateScheduleInput) { in.ScheduleExpressionTimezone = &name }
}

func (b *bed) create(name, expression string, more ...func(*shapes.CreateScheduleInput)) {
	b.Helper()
	call(b, shapes.CreateSchedule, wish(name, expression, more...))
}

// role makes a role that trusts a service, with a policy.
func (b *bed) role(name, service, statements string) {
	b.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`
	call(b, iamshapes.CreateRole, &iamshapes.CreateRoleRequest{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if statements != "" {
		doc := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
		call(b, iamshapes.PutRolePolicy, &iamshapes.PutRolePolicyRequest{RoleName: &name, PolicyName: ptr("p"), PolicyDocument: &doc})
	}
}

// names are the names of the schedules that there are.
func (b *bed) names() (out []string) {
	b.Helper()
	for _, s := range call(b, shapes.ListSchedules, &shapes.ListSchedulesInput{}).Schedules {
		out = append(out, *s.GroupName+"/"+*s.Name)
	}
	slices.Sort(out)
	return out
}

func ptr[T any](v T) *T { return &v }

// cmpSorted compares lists without their order.
func cmpSorted(less func(a, b string) bool) cmp.Option {
	return cmp.Transformer("sorted", func(in []string) []string {
		out := slices.Clone(in)
		slices.SortFunc(out, func(a, b string) int {
			if less(a, b) {
				return -1
			}
			return 1
		})
		return out
	})
}
