package sns_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/awstest"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/sns"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	account  = "123456789012"
	region   = "us-east-1"
	endpoint = "http://127.0.0.1:4566"
	topicARN = "arn:aws:sns:us-east-1:123456789012:"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:"
	fnARN    = "arn:aws:lambda:us-east-1:123456789012:function:"
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

// take returns what was taken since.
func (t *taker) take() []delivery.Effect {
	t.mu.Lock()
	defer t.mu.Unlock()
	es := t.taken
	t.taken = nil
	return es
}

// caller is the front, which is made after the service.
type caller struct {
	front *awsapi.Front
	fail  error // of all calls, if it is set
}

func (c *caller) Call(ctx context.Context, m *schema.Model, op *schema.Op, in any) (any, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	return c.front.Call(ctx, m, op, in)
}

// bed is a cloud with SNS, IAM and receivers that take everything.
type bed struct {
	testing.TB
	db       *kv.DB
	clock    *clock.Model
	ledger   *work.Ledger
	delivery *delivery.Delivery
	settler  *work.Settler
	iam      *iam.Service
	s        *sns.Service
	front    *awsapi.Front
	caller   *caller // of what other services publish
	ctx      context.Context
	stop     func()

	functions, queues, mails *taker
}

func newBed(t testing.TB) *bed {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return newBedOn(t, db)
}

// newBedOn is a bed on a store that may hold something.
func newBedOn(t testing.TB, db *kv.DB) *bed {
	b := makeBed(t, db, clock.Unix(noon, 0), nil)
	t.Cleanup(b.stop)
	return b
}

// makeBed is such a bed, which somebody must stop, with its own client for HTTP
// endpoints or the usual one. What is to be set before anything runs is set by
// before: a store may hold effects that are delivered at once.
func makeBed(t testing.TB, db *kv.DB, now clock.Instant, client *http.Client, before ...func(*bed)) *bed {
	b := &bed{
		TB: t, db: db, clock: clock.NewModel(clock.State{Stopped: true, At: now}), ledger: work.NewLedger(),
		functions: &taker{scheme: "lambda"}, queues: &taker{scheme: "sqs"}, mails: &taker{scheme: "mailto"},
	}
	owner := &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: b.clock, Ledger: b.ledger})
	b.delivery = delivery.New(delivery.Options{DB: db, Owner: owner, Timers: timers, Model: b.clock, Ledger: b.ledger})
	late := &caller{}
	b.s = sns.New(sns.Options{
		DB: db, Clock: b.clock, Emit: b.delivery, Endpoint: endpoint, Home: keyspace.Cell{Account: account, Region: region}, Caller: late, Client: client,
	})
	for _, r := range []delivery.Receiver{b.functions, b.queues, b.mails, b.s, b.s.HTTP("http"), b.s.HTTP("https"), sns.Redrive{}} {
		b.delivery.Receive(r)
	}
	var err error
	if b.iam, err = iam.New(context.Background(), iam.Options{DB: db, Clock: b.clock, Account: account, RootKey: "AKIAROOT", Secret: "secret"}); err != nil {
		t.Fatal(err)
	}
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API(), b.iam.API()}, Identities: b.iam, Account: account, Region: region, Model: b.clock, Ledger: b.ledger,
	})
	late.front, b.caller = b.front, late
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

func (b *bed) createTopic(name string, attributes ...string) string {
	b.Helper()
	in := &shapes.CreateTopicInput{Name: &name, Attributes: pairs(attributes)}
	if strings.HasSuffix(name, ".fifo") {
		if in.Attributes == nil {
			in.Attributes = map[string]string{}
		}
		in.Attributes["FifoTopic"] = "true"
	}
	out, err := awsapi.Do(b.ctx, b.front, shapes.CreateTopic, in)
	if err != nil {
		b.Fatal(err)
	}
	return *out.TopicArn
}

func pairs(list []string) map[string]string {
	var out map[string]string
	for i := 0; i < len(list); i += 2 {
		if out == nil {
			out = map[string]string{}
		}
		out[list[i]] = list[i+1]
	}
	return out
}

func (b *bed) subscribe(topic, protocol, endpoint string, attributes ...string) string {
	b.Helper()
	out, err := awsapi.Do(b.ctx, b.front, shapes.Subscribe, &shapes.SubscribeInput{
		TopicArn: &topic, Protocol: &protocol, Endpoint: &endpoint, Attributes: pairs(attributes), ReturnSubscriptionArn: ptr(true),
	})
	if err != nil {
		b.Fatal(err)
	}
	return *out.SubscriptionArn
}

func (b *bed) publish(topic, text string, more ...func(*shapes.PublishInput)) *shapes.PublishResponse {
	b.Helper()
	out, err := b.tryPublish(topic, text, more...)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

func (b *bed) tryPublish(topic, text string, more ...func(*shapes.PublishInput)) (*shapes.PublishResponse, error) {
	in := &shapes.PublishInput{TopicArn: &topic, Message: &text}
	for _, m := range more {
		m(in)
	}
	return awsapi.Do(b.ctx, b.front, shapes.Publish, in)
}

func with(name, kind, text string) func(*shapes.PublishInput) {
	return func(in *shapes.PublishInput) {
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]shapes.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = shapes.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
}

func ptr[T any](v T) *T { return &v }

// decode reads JSON that must be well-formed.
func decode[T any](t testing.TB, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return v
}

// queued is the messages that arrived in queues.
func (b *bed) queued() (out []*delivery.Message) {
	b.Helper()
	for _, e := range b.queues.take() {
		m, err := e.Message()
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// TestScripts holds conversations with SNS, each call signed, decided and
// encoded as any client's is, against what was answered when somebody looked.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b := newBed(t)
			script := awstest.Script{
				Client:   awstest.Client{Handler: b.front, Region: region, Key: "AKIAROOT", Secret: "secret"},
				Versions: map[string]string{"sns": "2010-03-31", "iam": "2010-05-08"}, Default: "sns", Clock: b.clock,
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := script.Run(string(want))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(want), got); d != "" && !*update {
				t.Error(d)
			}
		})
	}
}

// get fetches a URL of the AWS endpoint without credentials, as a link does.
func (b *bed) get(url string) awstest.Answer {
	b.Helper()
	path, ok := strings.CutPrefix(url, endpoint)
	if !ok {
		b.Fatalf("%s is elsewhere", url)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sns.IsCertificate(r) {
			b.s.ServeCertificate(w, r)
			return
		}
		b.front.ServeHTTP(w, r)
	})
	return awstest.Client{Handler: handler}.Send("sns", http.MethodGet, path, nil, nil)
}

// follow follows a link that must work.
func (b *bed) follow(url string) awstest.Answer {
	b.Helper()
	a := b.get(url)
	if a.Status != http.StatusOK {
		b.Fatalf("%s: %d %s", url, a.Status, a.Body)
	}
	return a
}

// rows returns the keys of the service's rows.
func (b *bed) rows() (out []string) {
	b.Helper()
	err := b.db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(keyspace.Service(keyspace.Cell{Account: account, Region: region}, "sns", 0).Range(), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			out = append(out, p.Key.String())
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return out
}
