package sqs

import (
	"context"
	"fmt"
	"testing"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
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
