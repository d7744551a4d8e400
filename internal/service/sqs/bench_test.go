package sqs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
)

// BenchmarkSendReceiveDelete is the whole life of a message, with what is
// acknowledged on the disk, by one client and by sixteen, on a queue that is empty
// and on one that has a million messages in front. Depth should cost nothing.
func BenchmarkSendReceiveDelete(b *testing.B) {
	for _, name := range []string{"q", "q.fifo"} {
		for _, depth := range []int{0, 1_000_000} {
			for _, clients := range []int{1, 16} {
				b.Run(fmt.Sprintf("%s/depth=%d/clients=%d", name, depth, clients), func(b *testing.B) { life(b, name, depth, clients) })
			}
		}
	}
}

func life(b *testing.B, name string, depth, clients int) {
	engine, err := pebblekv.Open(b.TempDir(), pebblekv.Options{})
	if err != nil {
		b.Fatal(err)
	}
	db := kv.Open(engine)
	defer db.Close()
	s := New(Options{DB: db, Clock: clock.NewModel(clock.State{}), Endpoint: "http://127.0.0.1"})
	ctx := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In("us-east-1", "123456789012"), Actor: awsapi.RootOf("123456789012")})
	attributes := map[string]string{}
	if strings.HasSuffix(name, fifoSuffix) {
		attributes["FifoQueue"] = "true"
	}
	made, err := s.createQueue(ctx, &shapes.CreateQueueRequest{QueueName: &name, Attributes: attributes})
	if err != nil {
		b.Fatal(err)
	}
	url := made.QueueUrl
	fill(b, ctx, s, url, depth)
	body := strings.Repeat("x", 256)
	var next atomic.Int64
	b.ResetTimer()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				in := &shapes.SendMessageRequest{QueueUrl: url, MessageBody: &body}
				if attributes["FifoQueue"] != "" {
					in.MessageGroupId, in.MessageDeduplicationId = ptr(fmt.Sprint(n%1000)), ptr(fmt.Sprint("id", n))
				}
				if _, err := s.sendMessage(ctx, in); err != nil {
					b.Error(err)
					return
				}
				got, err := s.receiveMessage(ctx, &shapes.ReceiveMessageRequest{QueueUrl: url})
				if err != nil {
					b.Error(err)
					return
				}
				for _, m := range got.Messages {
					if _, err := s.deleteMessage(ctx, &shapes.DeleteMessageRequest{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
}

// fill puts messages into a queue, many at a time.
func fill(b *testing.B, ctx context.Context, s *Service, url *string, depth int) {
	b.Helper()
	n, err := queueOf(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 1000
	body := strings.Repeat("x", 256)
	for done := 0; done < depth; done += batch {
		_, _, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
			now := q.live.now()
			ms := make([]*message, batch)
			for i := range ms {
				ms[i] = &message{id: awsapi.NewID(), sent: now, body: body}
				if q.settings.fifo {
					ms[i].group, ms[i].dedup = fmt.Sprint((done+i)%1000), fmt.Sprint(done+i)
				}
			}
			_, err := s.put(tx, q, now, ms)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
