package sqs

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
)

// counting counts what is read of a store.
type counting struct {
	driver.Engine
	reads atomic.Int64
}

func (c *counting) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	s, err := c.Engine.Snapshot(ctx, f)
	return &countingSnapshot{s, c}, err
}

type countingSnapshot struct {
	driver.Snapshot
	c *counting
}

func (s *countingSnapshot) Get(ctx context.Context, k driver.Key) ([]byte, error) {
	s.c.reads.Add(1)
	return s.Snapshot.Get(ctx, k)
}

func (s *countingSnapshot) Scan(ctx context.Context, r driver.Range, o driver.ScanOptions, yield func(driver.Pair) bool) error {
	s.c.reads.Add(1)
	return s.Snapshot.Scan(ctx, r, o, yield)
}

// A FIFO queue of many groups is gone through in steps, none of which looks at all
// of them; what comes in between is not forgotten.
func TestExpiryOfManyGroups(t *testing.T) {
	const groups = 3 * 4096
	engine := &counting{Engine: memkv.New()}
	db := kv.Open(engine)
	defer db.Close()
	model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1772366400, 0)})
	s := New(Options{DB: db, Clock: model, Endpoint: "http://127.0.0.1"})
	ctx := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In("us-east-1", "123456789012"), Actor: awsapi.RootOf("123456789012")})
	made, err := s.createQueue(ctx, &shapes.CreateQueueRequest{QueueName: ptr("q.fifo"), Attributes: map[string]string{"FifoQueue": "true", "MessageRetentionPeriod": "600"}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := queueOf(ctx, made.QueueUrl)
	if err != nil {
		t.Fatal(err)
	}
	begin := s.now()
	put := func(sent millis, names ...string) {
		var ms []*message
		for _, name := range names {
			ms = append(ms, &message{id: "id", sent: sent, group: name, body: "x"})
		}
		if _, _, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error { _, err := s.put(tx, q, sent, ms); return err }); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < groups; i += 1024 { // every other one expires sooner
		for odd := range 2 {
			var names []string
			for g := i + odd; g < i+1024; g += 2 {
				names = append(names, fmt.Sprintf("g%06d", g))
			}
			put(begin+millis(odd)*100_000, names...)
		}
	}
	now := begin + 600_000
	step := func() (next millis, reads int64) {
		before := engine.reads.Load()
		if _, _, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) (err error) { next, err = q.expire(tx, now); return err }); err != nil {
			t.Fatal(err)
		}
		return next, engine.reads.Load() - before
	}
	next, steps := now, 0
	for ; next == now; steps++ {
		var reads int64
		if next, reads = step(); reads > 2*4096 {
			t.Fatalf("step %d read %d times, of %d groups", steps, reads, groups)
		}
		if steps == 3 {
			put(now, "a") // before what has been looked at
		}
	}
	if due := begin + 700_000; next != due {
		t.Errorf("after %d steps the next is due at %d, want %d", steps, next-begin, due-begin)
	}
	out, err := s.getQueueAttributes(ctx, &shapes.GetQueueAttributesRequest{QueueUrl: made.QueueUrl, AttributeNames: []string{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.Attributes["ApproximateNumberOfMessages"], fmt.Sprint(groups/2+1); got != want {
		t.Errorf("%s messages are left, want %s", got, want)
	}
	now = next
	for next = now; next == now; {
		next, _ = step()
	}
	if want := now - 100_000 + 600_000; next != want {
		t.Errorf("the one that came in between is due at %v, want %v", time.Duration(next-begin)*time.Millisecond, time.Duration(want-begin)*time.Millisecond)
	}
}
