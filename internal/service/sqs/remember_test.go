package sqs

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/timer"
	"github.com/nube-run/nube/internal/work"
)

// alone is the service without a cloud around it, and a queue.
func alone(t *testing.T) (context.Context, *Service, *string) {
	db := kv.Open(memkv.New())
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	s := New(Options{DB: db, Clock: clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1772366400, 0)}), Endpoint: "http://127.0.0.1"})
	ctx := awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In("us-east-1", "123456789012"), Actor: awsapi.RootOf("123456789012")})
	made, err := s.createQueue(ctx, &shapes.CreateQueueRequest{QueueName: ptr("q")})
	if err != nil {
		t.Fatal(err)
	}
	return ctx, s, made.QueueUrl
}

// A look at an older snapshot does not replace what is remembered of a queue: who
// waits for messages would not be woken.
func TestOldSnapshotsAreNotRemembered(t *testing.T) {
	ctx, s, url := alone(t)
	n, err := queueOf(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.find(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.purgeQueue(ctx, &shapes.PurgeQueueRequest{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	is, err := s.find(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	if q, err := s.known(n, old.raw); err != nil || q.ID != old.ID {
		t.Errorf("on an older snapshot: %+v, %v", q, err)
	}
	if q, err := s.find(ctx, n); err != nil || q != is {
		t.Errorf("remembered %+v, %v", q, err)
	}
	s.forget(n, old)
	if q, err := s.find(ctx, n); err != nil || q.live != is.live {
		t.Errorf("remembered after a deletion that came before: %+v, %v", q, err)
	}
}

// Of each queue one policy is remembered, and of one that is gone none.
func TestPoliciesInMemory(t *testing.T) {
	ctx, s, url := alone(t)
	kept := func() (n int) {
		s.policies.Range(func(any, any) bool { n++; return true })
		return n
	}
	for i := range 10 {
		text := fmt.Sprintf(`{"Version":"2012-10-17","Id":"%d","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}`, i)
		if _, err := s.setQueueAttributes(ctx, &shapes.SetQueueAttributesRequest{QueueUrl: url, Attributes: map[string]string{"Policy": text}}); err != nil {
			t.Fatal(err)
		}
		if doc, err := s.ResourcePolicy(ctx, "arn:aws:sqs:us-east-1:123456789012:q"); err != nil || doc == nil {
			t.Fatal(doc, err)
		}
	}
	if n := kept(); n != 1 {
		t.Errorf("%d policies of one queue are kept", n)
	}
	if _, err := s.deleteQueue(ctx, &shapes.DeleteQueueRequest{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	if n := kept(); n != 0 {
		t.Errorf("%d policies are kept of queues that are gone", n)
	}
}

// A message that was received too often is not lost when its dead-letter queue goes
// between the look at it and the move.
func TestBuriedNowhere(t *testing.T) {
	ctx, s, url := alone(t)
	dead, err := s.createQueue(ctx, &shapes.CreateQueueRequest{QueueName: ptr("dead")})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":1}`
	if _, err := s.setQueueAttributes(ctx, &shapes.SetQueueAttributesRequest{QueueUrl: url, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.sendMessage(ctx, &shapes.SendMessageRequest{QueueUrl: url, MessageBody: ptr("kept")}); err != nil {
		t.Fatal(err)
	}
	receive := func() int {
		got, err := s.receiveMessage(ctx, &shapes.ReceiveMessageRequest{QueueUrl: url, VisibilityTimeout: ptr(int32(0))})
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Messages)
	}
	if n := receive(); n != 1 {
		t.Fatalf("received %d", n)
	}
	n, err := queueOf(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.find(ctx, n)
	if err != nil {
		t.Fatal(err)
	}
	var seen []spent
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		c, err := q.candidates(tx.Peek(), 1)
		if err != nil {
			return err
		}
		p, err := s.pass(tx, q, c, kv.Stamp{0xff}, want{messages: 1}, 1)
		seen = p.spent
		return err
	})
	if err != nil || len(seen) != 1 {
		t.Fatalf("%d messages were received too often: %v", len(seen), err)
	}
	if _, err := s.deleteQueue(ctx, &shapes.DeleteQueueRequest{QueueUrl: dead.QueueUrl}); err != nil {
		t.Fatal(err)
	}
	if err := s.bury(ctx, q, seen, s.now()); err != nil {
		t.Fatal(err)
	}
	if n := receive(); n != 1 {
		t.Errorf("received %d, of a message that nobody has deleted", n)
	}
}

// Of the tasks of a queue the last ten are kept, as they are all that is listed, and
// none of a queue that is gone.
func TestOldMoveTasks(t *testing.T) {
	ctx, s, url := alone(t)
	s.Timers = timer.New(timer.Options{DB: s.DB, Owner: &timer.Owner{DB: s.DB}, Model: s.Clock, Ledger: work.NewLedger()})
	cat := catalogOf(name{awsapi.From(ctx).Scope, "q"}.cell())
	for i := range 12 {
		dead := fmt.Sprintf("dead%d", i/11) // eleven tasks of the one, the next of the other
		if _, err := s.createQueue(ctx, &shapes.CreateQueueRequest{QueueName: &dead}); err != nil {
			t.Fatal(err)
		}
		arn := "arn:aws:sqs:us-east-1:123456789012:" + dead
		policy := `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":1}`
		if _, err := s.setQueueAttributes(ctx, &shapes.SetQueueAttributesRequest{QueueUrl: url, Attributes: map[string]string{"RedrivePolicy": policy}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Clock.Set(s.Clock.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.startMove(ctx, &shapes.StartMessageMoveTaskRequest{SourceArn: &arn}); err != nil {
			t.Fatal(err)
		}
		kept := 0
		_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
			kept = 0
			for _, m := range readMoves(tx, cat) {
				kept++
				m.Status = completed
				if err := saveMove(tx, cat, &m.move); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case i < 11 && kept != min(i+1, 10):
			t.Errorf("after %d tasks %d are kept", i+1, kept)
		case i == 11 && kept != 1:
			t.Errorf("%d are kept, and those of a queue that is gone", kept)
		}
		if i == 10 {
			if _, err := s.deleteQueue(ctx, &shapes.DeleteQueueRequest{QueueUrl: ptr("dead0")}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
