package sources_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/sources"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

const start = clock.Instant(1_700_000_000_000_000_000)

var here = keyspace.Cell{Account: "123456789012", Region: "eu-west-1"}

// A stream of the tests lies in the store, at these keys:
//
//	"shard" stream shard       → parent, or parent and "!" once it is closed
//	"log" stream shard stamp   → a record: time of its creation, order, text
func streamKeys() keyspace.Subspace { return keyspace.Service(here, "teststream", 0) }
func shardKey(stream, shard string) kv.Key {
	return streamKeys().Key().Str("shard").Str(stream).Str(shard).Done()
}
func logKey(stream, shard string) kv.Key {
	return streamKeys().Key().Str("log").Str(stream).Str(shard).Stamped()
}

// stream is a [sources.Stream] over those keys.
type stream struct{}

func (stream) Service() string   { return "test" }
func (stream) BatchInfo() string { return "TestBatchInfo" }
func (stream) Needs(a arn.ARN) []awsapi.Access {
	return []awsapi.Access{{Action: "test:Read", Resource: a}}
}

func (stream) Shards(s *kv.Snap, a arn.ARN) ([]sources.Shard, error) {
	var shards []sources.Shard
	keys := streamKeys().Sub("shard", a.Resource())
	for p, err := range s.Scan(keys.Range(), kv.ScanOptions{}) {
		if err != nil {
			return nil, err
		}
		parent, closed := strings.CutSuffix(string(p.Value), "!")
		id := keys.Decode(p.Key).Str()
		shards = append(shards, sources.Shard{ID: id, Parent: parent, Closed: closed, Topic: logKey(a.Resource(), id)})
	}
	if shards == nil {
		return nil, fmt.Errorf("%w: %s", sources.ErrNoSource, a)
	}
	return shards, nil
}

func (stream) Seek(s *kv.Snap, a arn.ARN, shard string, p sources.Position) (sources.Cursor, error) {
	prefix := logKey(a.Resource(), shard)
	var at sources.Cursor
	for pair, err := range s.Scan(keyspace.PrefixRange(prefix), kv.ScanOptions{}) {
		if err != nil {
			return "", err
		}
		if when, _, _ := parse(pair.Value); p.From == sources.TrimHorizon || p.From == sources.AtTimestamp && when >= p.Time {
			break
		}
		at = sources.Cursor(pair.Key[len(prefix):])
	}
	return at, nil
}

func (st stream) Fetch(s *kv.Snap, a arn.ARN, shard string, after sources.Cursor, want sources.Want) (sources.Page, error) {
	row, err := s.Get(shardKey(a.Resource(), shard))
	if err != nil {
		return sources.Page{}, err
	}
	if row == nil {
		return sources.Page{}, fmt.Errorf("%w: %s", sources.ErrNoSource, a)
	}
	prefix := logKey(a.Resource(), shard)
	r := keyspace.PrefixRange(prefix)
	if after != "" {
		r.Start = kv.Next(append(bytes.Clone(prefix), after...))
	}
	p := sources.Page{Next: after, End: bytes.HasSuffix(row, []byte("!"))}
	size := 0
	for pair, err := range s.Scan(r, kv.ScanOptions{}) {
		if err != nil {
			return p, err
		}
		if len(p.Records) == want.Records || size >= want.Bytes {
			p.End = false
			break
		}
		at := sources.Cursor(pair.Key[len(prefix):])
		p.Next = at
		when, order, text := parse(pair.Value)
		if want.Keep != nil && !want.Keep([]byte(order)) {
			continue
		}
		event, err := json.Marshal(map[string]string{"key": order, "text": text})
		if err != nil {
			return p, err
		}
		size += len(event)
		p.Records = append(p.Records, sources.Record{Cursor: at, Sequence: "s" + text, Order: []byte(order), At: when, Event: event})
	}
	return p, nil
}

func parse(v []byte) (at clock.Instant, order, text string) {
	var ms int64
	parts := strings.SplitN(string(v), " ", 3)
	fmt.Sscan(parts[0], &ms)
	return clock.UnixMilli(ms), parts[1], parts[2]
}

// function is a function of the tests: it does what do says, and remembers.
type function struct {
	do func(call) (sources.Answer, error)
	// denied says why the role may not read.
	denied func() error

	mu    sync.Mutex
	calls []call
	ages  []string // of batches
}

// call is one invocation.
type call struct {
	mapping string
	texts   []string // of its records
	keys    []string
	at      clock.Instant
	n       int // from 1
	ctx     context.Context
	window  window
}

// window is what an event has besides its records where there are windows.
type window struct {
	Window      struct{ Start, End string }
	State       json.RawMessage
	ShardID     string
	EventSource string `json:"eventSourceARN"`
	IsFinal     bool   `json:"isFinalInvokeForWindow"`
	IsEarly     bool   `json:"isWindowTerminatedEarly"`
}

func (c call) String() string { return strings.Join(c.texts, "") }

func (c call) has(text string) bool { return slices.Contains(c.texts, text) }

func ok() (sources.Answer, error) { return sources.Answer{Request: "r", Version: "1"}, nil }
func failed() (sources.Answer, error) {
	return sources.Answer{Request: "r", Version: "1", Failed: true, Payload: []byte(`{"errorMessage":"no"}`)}, nil
}
func report(ids ...string) (sources.Answer, error) {
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"itemIdentifier":%q}`, id))
	}
	return answer(`{"batchItemFailures":[` + strings.Join(items, ",") + `]}`)
}
func answer(payload string) (sources.Answer, error) {
	return sources.Answer{Request: "r", Version: "1", Payload: []byte(payload)}, nil
}

func (f *function) Reader(context.Context, *sources.Mapping, []awsapi.Access) (delivery.ActorRef, error) {
	if f.denied != nil {
		if err := f.denied(); err != nil {
			return delivery.ActorRef{}, err
		}
	}
	return delivery.ActorRef{Account: here.Account, ARN: "arn:aws:sts::123456789012:assumed-role/doer/f"}, nil
}

func (f *function) invoke(ctx context.Context, now clock.Instant, m *sources.Mapping, payload []byte) (sources.Answer, error) {
	var event struct {
		Records []struct{ Key, Text string }
		window
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return sources.Answer{}, err
	}
	c := call{mapping: m.ID, at: now, ctx: ctx, window: event.window}
	for _, r := range event.Records {
		c.texts, c.keys = append(c.texts, r.Text), append(c.keys, r.Key)
	}
	f.mu.Lock()
	c.n = len(f.calls) + 1
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.do == nil {
		return ok()
	}
	return f.do(c)
}

// Read implements [sources.Meter].
func (f *function) Read(m *sources.Mapping, age time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ages = append(f.ages, m.ID+" "+age.String())
}

// took returns what the function was called with, and forgets it.
func (f *function) took() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.String())
	}
	f.calls = nil
	return strings.Join(out, " ")
}

// times returns when the function was called, in seconds, and forgets it.
func (f *function) times() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, c := range f.calls {
		out = append(out, c.String()+"@"+c.at.Sub(start).String())
	}
	f.calls = nil
	return strings.Join(out, " ")
}

// mailbox takes what is said of batches that failed.
type mailbox struct {
	mu  sync.Mutex
	got []delivery.Effect
}

func (*mailbox) Scheme() string { return "box" }
func (m *mailbox) Accept(_ context.Context, es []delivery.Effect) []delivery.Outcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, es...)
	return make([]delivery.Outcome, len(es))
}

// bed is a cloud that has nothing but a stream and mappings.
type bed struct {
	t        testing.TB
	db       *kv.DB
	model    *clock.Model
	ledger   *work.Ledger
	timers   *timer.Timers
	delivery *delivery.Delivery
	engine   *sources.Engine
	settle   *work.Settler
	fn       *function
	box      *mailbox
	stop     func()
}

// functions gives a bed's function the time.
type functions struct {
	*function
	model *clock.Model
}

func (f functions) Invoke(ctx context.Context, c sources.Call) (sources.Answer, error) {
	return f.invoke(ctx, f.model.Now(), c.Mapping, c.Payload)
}

func newBed(t testing.TB, db *kv.DB, model *clock.Model, fn *function) *bed {
	return newBedOf(t, db, model, fn, queues{db, model})
}

func newBedOf(t testing.TB, db *kv.DB, model *clock.Model, fn *function, q sources.Queue) *bed {
	b := &bed{t: t, db: db, model: model, ledger: work.NewLedger(), fn: fn, box: &mailbox{}}
	owner := &timer.Owner{DB: db}
	b.timers = timer.New(timer.Options{DB: db, Owner: owner, Model: model, Ledger: b.ledger})
	b.delivery = delivery.New(delivery.Options{DB: db, Owner: owner, Timers: b.timers, Model: model, Ledger: b.ledger})
	b.delivery.Receive(b.box)
	b.engine = sources.New(sources.Options{
		DB: db, Owner: owner, Timers: b.timers, Model: model, Ledger: b.ledger, Emit: b.delivery, Functions: functions{fn, model}, Meter: fn,
	})
	b.engine.Read(stream{})
	b.engine.Read(q)
	b.settle = &work.Settler{Ledger: b.ledger, DB: db, Clock: model, Backlogs: []work.Backlog{b.timers, b.delivery, b.engine}}
	return b
}

// start runs the cloud until stop or the end of the test.
func (b *bed) start() *bed {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context){b.timers.Run, b.delivery.Run, b.engine.Run} {
		wg.Go(func() { run(ctx) })
	}
	b.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	b.t.Cleanup(b.stop)
	return b
}

func openMem(t testing.TB) *kv.DB {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func stopped(at clock.Instant) *clock.Model {
	return clock.NewModel(clock.State{Stopped: true, At: at})
}

// memBed is a bed in memory whose clock stands still, with the stream "s" of one
// shard "a".
func memBed(t testing.TB, fn *function) *bed {
	b := newBed(t, openMem(t), stopped(start), fn).start()
	b.shard("s", "a", "")
	return b
}

func (b *bed) update(fn func(tx *kv.Tx) error) {
	b.t.Helper()
	tok := b.ledger.Begin(work.Request, "test")
	defer tok.End()
	if _, err := b.db.Update(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// shard adds a shard to a stream.
func (b *bed) shard(stream, id, parent string) {
	b.t.Helper()
	b.update(func(tx *kv.Tx) error { tx.Set(shardKey(stream, id), []byte(parent)); return nil })
}

// split closes a shard; its children are made in the same transaction.
func (b *bed) split(stream, id, parent string, children ...string) {
	b.t.Helper()
	b.update(func(tx *kv.Tx) error {
		tx.Set(shardKey(stream, id), []byte(parent+"!"))
		for _, c := range children {
			tx.Set(shardKey(stream, c), []byte(id))
		}
		tx.Signal(logKey(stream, id))
		return nil
	})
}

// put appends records to shard "a" of stream "s": "k1=a" is the text a of the
// order k1, "a" of an order of its own name. All of a call are of one commit.
func (b *bed) put(records ...string) {
	b.t.Helper()
	b.putTo("s", "a", records...)
}

func (b *bed) putTo(stream, shard string, records ...string) {
	b.t.Helper()
	now := b.model.Now()
	b.update(func(tx *kv.Tx) error {
		for _, r := range records {
			order, text, ok := strings.Cut(r, "=")
			if !ok {
				text = r
			}
			tx.Append(logKey(stream, shard), nil, fmt.Appendf(nil, "%d %s %s", now.UnixMilli(), order, text))
		}
		tx.Signal(logKey(stream, shard))
		return nil
	})
}

// mapping is one of stream "s" with Lambda's defaults.
func mapping(id string) *sources.Mapping {
	return &sources.Mapping{
		Cell: here, ID: id, Source: "arn:aws:test:eu-west-1:123456789012:s", Function: "arn:aws:lambda:eu-west-1:123456789012:function:f",
		Enabled: true, BatchSize: 100, MaxRetries: -1,
	}
}

// keep puts a mapping as changed says.
func (b *bed) keep(m *sources.Mapping, change func(*sources.Mapping)) {
	b.t.Helper()
	if change != nil {
		change(m)
	}
	b.update(func(tx *kv.Tx) error { return b.engine.Put(tx, m) })
}

func (b *bed) settled() work.Report {
	b.t.Helper()
	r, err := b.settle.Settle(context.Background(), 0, false)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// advance moves the clock, stopping at everything that is due on the way.
func (b *bed) advance(d time.Duration) work.Report {
	b.t.Helper()
	r, err := b.settle.Advance(context.Background(), b.model.Now().Add(d))
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// result is the LastProcessingResult of a mapping.
func (b *bed) result(id string) (result string) {
	b.t.Helper()
	if err := b.db.View(context.Background(), func(s *kv.Snap) (err error) {
		result, err = b.engine.LastResult(s, here, id)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return result
}

// letters returns a, b, c … as records, each of an order of its own.
func letters(n int) []string {
	var out []string
	for i := range n {
		out = append(out, string(rune('a'+i)))
	}
	return out
}

func expect[T cmp.Ordered](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
