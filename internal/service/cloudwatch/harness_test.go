package cloudwatch

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	account = "123456789012"
	region  = "us-east-1"
	topic   = "arn:aws:sns:us-east-1:123456789012:pager"
	hook    = "arn:aws:lambda:us-east-1:123456789012:function:hook"
)

var home = keyspace.Cell{Account: account, Region: region}

// noon is where the model clock of the tests stands: 2026-03-01T12:00:00Z.
const noon = 1772366400

// taker is a receiver that remembers what it takes.
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

func (t *taker) take() []delivery.Effect {
	t.mu.Lock()
	defer t.mu.Unlock()
	es := t.taken
	t.taken = nil
	return es
}

// bed is CloudWatch with receivers that take everything.
type bed struct {
	testing.TB
	db      *kv.DB
	rec     *record.Recorder
	clock   *clock.Model
	s       *Service
	front   *awsapi.Front
	settler *work.Settler
	ctx     context.Context
	stop    func()

	topics, functions, buses *taker
}

func newBed(t testing.TB) *bed {
	db := kv.Open(memkv.New())
	rec, err := record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	b := newBedOn(t, db, rec, clock.Unix(noon, 0))
	t.Cleanup(func() {
		b.stop()
		if err := rec.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newBedOn(t testing.TB, db *kv.DB, rec *record.Recorder, now clock.Instant) *bed {
	b := &bed{
		TB: t, db: db, rec: rec, clock: clock.NewModel(clock.State{Stopped: true, At: now}),
		topics: &taker{scheme: "sns"}, functions: &taker{scheme: "lambda"}, buses: &taker{scheme: "events"},
	}
	ledger, owner := work.NewLedger(), &timer.Owner{DB: db}
	timers := timer.New(timer.Options{DB: db, Owner: owner, Model: b.clock, Ledger: ledger})
	deliveries := delivery.New(delivery.Options{DB: db, Owner: owner, Timers: timers, Model: b.clock, Ledger: ledger})
	for _, r := range []delivery.Receiver{b.topics, b.functions, b.buses} {
		deliveries.Receive(r)
	}
	b.s = New(Options{DB: db, Clock: b.clock, Metrics: b.rec.Metrics, Emit: deliveries, Timers: timers})
	b.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{b.s.API()}, Account: account, Region: region, Model: b.clock, Ledger: ledger, Enforcement: awsapi.Off,
	})
	b.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(region, account), Actor: awsapi.RootOf(account)})
	b.settler = &work.Settler{Ledger: ledger, DB: db, Clock: b.clock, Backlogs: []work.Backlog{timers, deliveries}}
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { timers.Run(running) })
	wg.Go(func() { deliveries.Run(running) })
	b.stop = func() { stop(); wg.Wait() }
	return b
}

// advance lets time pass, and everything happen that is due until then.
func (b *bed) advance(d time.Duration) {
	b.Helper()
	if _, err := b.settler.Advance(context.Background(), b.clock.Now().Add(d)); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) settle() {
	b.Helper()
	if _, err := b.settler.Settle(context.Background(), 0, false); err != nil {
		b.Fatal(err)
	}
}

// try makes a call in JSON; an error is "Code: message".
func (b *bed) try(operation, request string) string {
	b.Helper()
	op := shapes.Model.Op(operation)
	if op == nil || !op.Declared {
		b.Fatalf("no operation %s", operation)
	}
	in := op.NewInput()
	if err := wire.DecodeJSON(&shapes.Model, op.Input, []byte(request), in); err != nil {
		b.Fatalf("%s %s: %v", operation, request, err)
	}
	out, err := b.front.Call(b.ctx, &shapes.Model, op, in)
	if err != nil {
		e, ok := fault.As(err)
		if !ok {
			b.Fatalf("%s %s: an error without a code: %v", operation, request, err)
		}
		return e.Code + ": " + e.Message
	}
	if op.Output == schema.None {
		return "{}"
	}
	return string(wire.AppendJSON(nil, &shapes.Model, op.Output, out))
}

// do makes a call that must succeed.
func (b *bed) do(operation, request string, out any) {
	b.Helper()
	answer := b.try(operation, request)
	if !strings.HasPrefix(answer, "{") {
		b.Fatalf("%s %s: %s", operation, request, answer)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			b.Fatal(err)
		}
	}
}

// put records values of the metric App/m, at an age before now.
func (b *bed) put(age time.Duration, values ...float64) {
	b.Helper()
	for _, v := range values {
		b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":"m","Value":%v,"Timestamp":%d}]}`, v, b.clock.Now().Add(-age).Unix()), nil)
	}
}
