package sqs_test

import (
	"context"
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/sqs"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var _ = flag.Bool("update", false, "write the golden files")

const (
	account  = "123456789012"
	region   = "us-east-1"
	endpoint = "http://127.0.0.1:4566"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:"
)

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// permits is the front, which is made after the service.
type permits struct{ front *awsapi.Front }

func (p *permits) PermitOn(ctx context.Context, m *schema.Model, needs ...awsapi.Access) error {
	return p.front.PermitOn(ctx, m, needs...)
}

// bed is a cloud with SQS and IAM.
type bed struct {
	testing.TB
	db       *kv.DB
	clock    *clock.Model
	ledger   *work.Ledger
	delivery *delivery.Delivery
	settler  *work.Settler
	iam      *iam.Service
	s        *sqs.Service
	front    *awsapi.Front
	ctx      context.Context
	stop     func()
}

func newBed(t testing.TB, change ...func(*sqs.Options)) *bed {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b := makeBed(t, db, clock.Unix(noon, 0), change...)
	t.Cleanup(b.stop)
	return b
}

// makeBed is a bed on a store that may hold something, which somebody must stop.
func makeBed(t testing.TB, db *kv.DB, now clock.Instant, change ...func(*sqs.Options)) *bed {
	b := &bed{TB: t, db: db, clock: clock.NewModel(clock.State{Stopped: true, At: now}), ledger: work.NewLedger()}
	owner := &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: b.clock, Ledger: b.ledger})
	b.delivery = delivery.New(delivery.Options{DB: db, Owner: owner, Timers: timers, Model: b.clock, Ledger: b.ledger})
	late := &permits{}
	o := sqs.Options{DB: db, Clock: b.clock, Timers: timers, Endpoint: endpoint, Permits: late}
	for _, c := range change {
		c(&o)
	}
	b.s = sqs.New(o)
	b.delivery.Receive(b.s)
	var err error
	if b.iam, err = iam.New(context.Background(), iam.Options{DB: db, Clock: b.clock, Account: account, RootKey: "AKIAROOT", Secret: "secret"}); err != nil {
		t.Fatal(err)
	}
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API(), b.iam.API()}, Identities: b.iam, Account: account, Region: region, Model: b.clock, Ledger: b.ledger,
	})
	late.front = b.front
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	b.settler = &work.Settler{Ledger: b.ledger, DB: db, Clock: b.clock, Backlogs: []work.Backlog{timers, b.delivery, b.s}}
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { timers.Run(running) })
	wg.Go(func() { b.delivery.Run(running) })
	b.stop = func() { b.s.Stop(); stop(); wg.Wait() }
	return b
}

// settle waits until nothing is under way.
func (b *bed) settle() work.Report {
	b.Helper()
	r, err := b.settler.Settle(context.Background(), 0, false)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// advance lets time pass, and everything happen that is due until then.
func (b *bed) advance(d time.Duration) {
	b.Helper()
	if _, err := b.settler.Advance(context.Background(), b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
}

// do calls an operation that must succeed.
func do[I, O any](b *bed, op schema.TypedOp[I, O], in I) O {
	b.Helper()
	out, err := awsapi.Do(b.ctx, b.front, op, in)
	if err != nil {
		b.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

// refused calls an operation that must fail with a code.
func refused[I, O any](b *bed, code string, op schema.TypedOp[I, O], in I) {
	b.Helper()
	_, err := awsapi.Do(b.ctx, b.front, op, in)
	if !fault.Is(err, code) {
		b.Errorf("%s: %v, want %s", op.Op.Name, err, code)
	}
}

// create makes a queue, FIFO by its name, and returns its URL.
func (b *bed) create(name string, attributes ...string) *string {
	b.Helper()
	in := &shapes.CreateQueueRequest{QueueName: &name, Attributes: pairs(attributes)}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	return do(b, shapes.CreateQueue, in).QueueUrl
}

func (b *bed) set(queue *string, attributes ...string) {
	b.Helper()
	do(b, shapes.SetQueueAttributes, &shapes.SetQueueAttributesRequest{QueueUrl: queue, Attributes: pairs(attributes)})
}

// redrive is a RedrivePolicy.
func redrive(queue string, max string) string {
	return `{"deadLetterTargetArn":"` + queueARN + queue + `","maxReceiveCount":` + max + `}`
}

func pairs(list []string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

func (b *bed) send(queue *string, body string, more ...func(*shapes.SendMessageRequest)) *shapes.SendMessageResult {
	b.Helper()
	in := &shapes.SendMessageRequest{QueueUrl: queue, MessageBody: &body}
	for _, m := range more {
		m(in)
	}
	return do(b, shapes.SendMessage, in)
}

// to is a message group, and a deduplication id.
func to(group, dedup string) func(*shapes.SendMessageRequest) {
	return func(in *shapes.SendMessageRequest) {
		in.MessageGroupId = &group
		if dedup != "" {
			in.MessageDeduplicationId = &dedup
		}
	}
}

func late(seconds int32) func(*shapes.SendMessageRequest) {
	return func(in *shapes.SendMessageRequest) { in.DelaySeconds = &seconds }
}

// receive receives up to ten messages with all that there is of them.
func (b *bed) receive(queue *string, more ...func(*shapes.ReceiveMessageRequest)) []shapes.Message {
	b.Helper()
	in := &shapes.ReceiveMessageRequest{QueueUrl: queue, MaxNumberOfMessages: ptr(int32(10)), AttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}}
	for _, m := range more {
		m(in)
	}
	return do(b, shapes.ReceiveMessage, in).Messages
}

func most(n int32) func(*shapes.ReceiveMessageRequest) {
	return func(in *shapes.ReceiveMessageRequest) { in.MaxNumberOfMessages = &n }
}

func invisible(seconds int32) func(*shapes.ReceiveMessageRequest) {
	return func(in *shapes.ReceiveMessageRequest) { in.VisibilityTimeout = &seconds }
}

func (b *bed) delete(queue *string, ms ...shapes.Message) {
	b.Helper()
	for _, m := range ms {
		do(b, shapes.DeleteMessage, &shapes.DeleteMessageRequest{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle})
	}
}

func (b *bed) hold(queue *string, m shapes.Message, seconds int32) {
	b.Helper()
	do(b, shapes.ChangeMessageVisibility, &shapes.ChangeMessageVisibilityRequest{QueueUrl: queue, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: &seconds})
}

func (b *bed) attributes(queue *string) map[string]string {
	b.Helper()
	return do(b, shapes.GetQueueAttributes, &shapes.GetQueueAttributesRequest{QueueUrl: queue, AttributeNames: []string{"All"}}).Attributes
}

// counts are the messages that are visible, in flight and delayed.
func (b *bed) counts(queue *string) string {
	b.Helper()
	a := b.attributes(queue)
	return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " + a["ApproximateNumberOfMessagesDelayed"]
}

// bodies are what messages say, with spaces between.
func bodies(ms []shapes.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, *m.Body)
	}
	return strings.Join(out, " ")
}

// sorted is bodies in the order of the alphabet.
func sorted(ms []shapes.Message) string {
	out := strings.Fields(bodies(ms))
	slices.Sort(out)
	return strings.Join(out, " ")
}

// expect checks something that can be compared.
func expect[T comparable](b *bed, what string, got, want T) {
	b.Helper()
	if got != want {
		b.Errorf("%s: %v, want %v", what, got, want)
	}
}

func ptr[T any](v T) *T { return &v }

// seeds is how many seeds a randomised test runs: NUBE_SEEDS, or so many.
func seeds(t *testing.T, otherwise uint64) uint64 {
	if text := os.Getenv("NUBE_SEEDS"); text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return otherwise
}

func limitInFlight(o *sqs.Options) { o.InFlight = 2 }
