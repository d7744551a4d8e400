package events_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	iamshapes "github.com/nube-run/nube/internal/awsapi/shapes/iam"
	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/service/events"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var _ = flag.Bool("update", false, "write the golden files")

const (
	account  = "123456789012"
	other    = "210987654321"
	region   = "us-east-1"
	busARN   = "arn:aws:events:us-east-1:123456789012:event-bus/"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:"
	topicARN = "arn:aws:sns:us-east-1:123456789012:"
	fnARN    = "arn:aws:lambda:us-east-1:123456789012:function:"
	groupARN = "arn:aws:logs:us-east-1:123456789012:log-group:"
	roleARN  = "arn:aws:iam::123456789012:role/"
)

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// taker is a receiver that takes everything, or does what do says, and remembers
// it.
type taker struct {
	scheme string
	do     func(delivery.Effect) delivery.Outcome

	mu    sync.Mutex
	taken []delivery.Effect
}

func (t *taker) Scheme() string { return t.scheme }

func (t *taker) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]delivery.Outcome, len(es))
	for i, e := range es {
		if t.do != nil {
			out[i] = t.do(e)
		}
		if out[i].Err == nil {
			t.taken = append(t.taken, e)
		}
	}
	return out
}

// take returns what was taken since, in the order of targets.
func (t *taker) take() []delivery.Effect {
	t.mu.Lock()
	defer t.mu.Unlock()
	es := t.taken
	t.taken = nil
	slices.SortStableFunc(es, func(a, b delivery.Effect) int { return strings.Compare(a.Target, b.Target) })
	return es
}

// front is the front, with a CloudWatch Logs that remembers what it was told.
type front struct {
	*awsapi.Front
	mu    sync.Mutex
	lines []string
}

func (f *front) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	switch in := in.(type) {
	case *logs.CreateLogStreamRequest:
		return &schema.Empty{}, nil
	case *logs.PutLogEventsRequest:
		f.mu.Lock()
		defer f.mu.Unlock()
		if *in.LogGroupName == "gone" {
			return nil, fault.New("ResourceNotFoundException", "The specified log group does not exist.")
		}
		f.lines = append(f.lines, *in.LogGroupName+": "+*in.LogEvents[0].Message)
		return &logs.PutLogEventsResponse{}, nil
	}
	return f.Front.Call(ctx, m, op, in)
}

// trusts tells which roles trust EventBridge, by IAM.
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

// plain is a sealer that binds and hides nothing but the word secret.
type plain struct{}

func (plain) Seal(_ context.Context, text, associated []byte) ([]byte, error) {
	sealed := slices.Clone(append(append([]byte{}, associated...), text...))
	for i := range sealed {
		sealed[i] ^= 0x55
	}
	return sealed, nil
}

func (plain) Open(_ context.Context, sealed, associated []byte) ([]byte, error) {
	text := slices.Clone(sealed)
	for i := range text {
		text[i] ^= 0x55
	}
	rest, ok := strings.CutPrefix(string(text), string(associated))
	if !ok {
		return nil, fault.New("Sealed", "it is bound to something else")
	}
	return []byte(rest), nil
}

// bed is a cloud with EventBridge, IAM and receivers that take everything.
type bed struct {
	testing.TB
	db       *kv.DB
	clock    *clock.Model
	ledger   *work.Ledger
	delivery *delivery.Delivery
	settler  *work.Settler
	iam      *iam.Service
	s        *events.Service
	front    *front
	ctx      context.Context
	stop     func()

	functions, queues, topics *taker
}

func newBed(t testing.TB) *bed {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := makeBed(t, db, clock.Unix(noon, 0), nil)
	t.Cleanup(b.stop)
	return b
}

// makeBed is a bed on a store that may hold something, which somebody must stop.
// What is to be set before anything runs is set by before.
func makeBed(t testing.TB, db *kv.DB, now clock.Instant, client *http.Client, before ...func(*bed)) *bed {
	b := &bed{
		TB: t, db: db, clock: clock.NewModel(clock.State{Stopped: true, At: now}), ledger: work.NewLedger(),
		functions: &taker{scheme: "lambda"}, queues: &taker{scheme: "sqs"}, topics: &taker{scheme: "sns"},
	}
	owner := &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: b.clock, Ledger: b.ledger})
	b.delivery = delivery.New(delivery.Options{DB: db, Owner: owner, Timers: timers, Model: b.clock, Ledger: b.ledger})
	var err error
	if b.iam, err = iam.New(context.Background(), iam.Options{DB: db, Clock: b.clock, Account: account, RootKey: "AKIAROOT", Secret: "secret"}); err != nil {
		t.Fatal(err)
	}
	b.s = events.New(events.Options{
		DB: db, Clock: b.clock, Emit: b.delivery, Timers: timers, Roles: trusts{b.iam}, Sealer: plain{}, Client: client,
	})
	for _, r := range append(b.s.Receivers(), b.functions, b.queues, b.topics) {
		b.delivery.Receive(r)
	}
	b.front = &front{Front: awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API(), b.iam.API()}, Identities: b.iam, Account: account, Region: region, Model: b.clock, Ledger: b.ledger,
	})}
	b.s.Use(b.front)
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	b.settler = &work.Settler{Ledger: b.ledger, DB: db, Clock: b.clock, Backlogs: []work.Backlog{timers, b.delivery}}
	for _, f := range before {
		f(b)
	}
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { timers.Run(running) })
	wg.Go(func() { b.delivery.Run(running) })
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

// advance lets time pass, and everything happen that is due until then.
func (b *bed) advance(d time.Duration) {
	b.Helper()
	if _, err := b.settler.Advance(context.Background(), b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
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

// rule makes a rule with a pattern, or a schedule, and targets.
func (b *bed) rule(bus, name, expression string, targets ...shapes.Target) string {
	b.Helper()
	in := &shapes.PutRuleRequest{Name: &name, EventBusName: given(bus)}
	if strings.HasPrefix(expression, "{") {
		in.EventPattern = &expression
	} else {
		in.ScheduleExpression = &expression
	}
	out := call(b, shapes.PutRule, in)
	if len(targets) > 0 {
		if got := call(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: &name, EventBusName: given(bus), Targets: targets}); *got.FailedEntryCount > 0 {
			b.Fatalf("targets of %s: %s", name, *got.FailedEntries[0].ErrorMessage)
		}
	}
	return *out.RuleArn
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func to(id, target string, more ...func(*shapes.Target)) shapes.Target {
	t := shapes.Target{Id: &id, Arn: &target}
	for _, f := range more {
		f(&t)
	}
	return t
}

// put puts an event on a bus and returns its id.
func (b *bed) put(bus, source, kind, detail string) string {
	b.Helper()
	out := call(b, shapes.PutEvents, &shapes.PutEventsRequest{Entries: []shapes.PutEventsRequestEntry{
		{EventBusName: given(bus), Source: &source, DetailType: &kind, Detail: &detail},
	}})
	if *out.FailedEntryCount > 0 {
		b.Fatalf("%s: %s", *out.Entries[0].ErrorCode, *out.Entries[0].ErrorMessage)
	}
	return *out.Entries[0].EventId
}

// queued is what arrived in queues: "queue: body", in order.
func (b *bed) queued() (out []string) {
	b.Helper()
	b.settle()
	for _, e := range b.queues.take() {
		m, err := e.Message()
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, strings.TrimPrefix(e.Target, queueARN)+": "+string(m.Body))
	}
	slices.Sort(out)
	return out
}

// role makes a role that trusts a service, with a policy.
func (b *bed) role(name, service, statements string) string {
	b.Helper()
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`
	call(b, iamshapes.CreateRole, &iamshapes.CreateRoleRequest{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if statements != "" {
		doc := `{"Version":"2012-10-17","Statement":[` + statements + `]}`
		call(b, iamshapes.PutRolePolicy, &iamshapes.PutRolePolicyRequest{RoleName: &name, PolicyName: ptr("p"), PolicyDocument: &doc})
	}
	return roleARN + name
}

func ptr[T any](v T) *T { return &v }

// decode reads JSON that must be well-formed.
func decode[T any](t testing.TB, data string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// replaceID puts an event's id into what is expected of it.
func replaceID(text, id string) string { return strings.ReplaceAll(text, `"ID"`, `"`+id+`"`) }
