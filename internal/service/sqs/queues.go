package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
func (s *Service) createQueue(ctx context.Context, in *shapes.CreateQueueRequest) (*shapes.CreateQueueResult, error) {
	n := name{awsapi.From(ctx).Scope, value(in.QueueName)}
	if err := checkName(n.queue); err != nil {
		return nil, err
	}
	switch kind := in.Attributes["FifoQueue"]; {
	case n.fifo() && kind != "true":
		return nil, invalid("The name of a FIFO queue can only end with the .fifo suffix when the attribute FifoQueue is true.")
	case kind == "false":
		return nil, fault.New("InvalidAttributeName", "Unknown Attribute FifoQueue.")
	case !n.fifo() && kind == "true":
		return nil, invalid("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
	}
	if err := checkAttributes(in.Attributes, n.fifo()); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	attributes, err := merged(nil, in.Attributes)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	s.cells.know(n.cell())
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		had, err := tx.Get(catalogOf(n.cell()).queue(n.queue))
		if err != nil {
			return err
		}
		if had != nil {
			return same(n, had, attributes)
		}
		if err := s.checkRedrive(tx, n, in.Attributes); err != nil {
			return err
		}
		r := row{Created: now, Modified: now, Attributes: attributes, Tags: maps.Clone(in.Tags)}
		if r.ID, err = newID(tx, catalogOf(n.cell())); err != nil {
			return err
		}
		return save(tx, n, &r)
	})
	if err != nil {
		return nil, err
	}
	q, err := s.reload(ctx, n)
	if err != nil {
		return nil, err
	}
	s.touch(ctx, q)
	return &shapes.CreateQueueResult{QueueUrl: s.url(ctx, n)}, nil
}

// same says whether a queue that is there is the one that is asked for: the
// attributes that are given are what it has.
func same(n name, had []byte, given map[string]string) error {
	q := &queue{name: n}
	if err := json.Unmarshal(had, &q.row); err != nil {
		return fmt.Errorf("sqs: row of queue %s: %w", n.queue, err)
	}
	q.settings = settingsOf(q.Attributes, n)
	has := q.described()
	for _, k := range sortedKeys(given) {
		if given[k] != has[k] {
			return fault.New("QueueNameExists", "A queue already exists with the same name and a different value for attribute %s", k)
		}
	}
	return nil
}

func (s *Service) deleteQueue(ctx context.Context, in *shapes.DeleteQueueRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	known, _ := s.queues.Load(n)
	_, q, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
		tx.Delete(q.key)
		tx.Signal(q.key)
		return q.clear(tx)
	})
	if err != nil {
		return nil, err
	}
	s.forget(n, known)
	q.live.end()
	return &schema.Empty{}, nil
}

// clear takes a queue's messages away, and all that belongs to them. What has the
// ID of a generation that is gone finds nothing.
func (q *queue) clear(tx *kv.Tx) error {
	due, err := readMillis(tx, q.space.sweep())
	if err != nil {
		return err
	}
	if due != 0 {
		tx.Delete(catalogOf(q.cell()).due(due, q.queue))
	}
	tx.DeleteRange(q.space.Range())
	return nil
}

// purgeEvery is how often a queue can be purged.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
const purgeEvery = 60 * time.Second

func (s *Service) purgeQueue(ctx context.Context, in *shapes.PurgeQueueRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	_, q, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
		if !q.Purged.IsZero() && now < q.Purged.Add(purgeEvery) {
			return fault.New("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.queue)
		}
		if err := q.clear(tx); err != nil {
			return err
		}
		r := q.row
		r.Purged = now
		var err error
		if r.ID, err = newID(tx, catalogOf(n.cell())); err != nil {
			return err
		}
		return save(tx, n, &r)
	})
	if err != nil {
		return nil, err
	}
	s.meter(ctx, n, 0)
	if _, err := s.reload(ctx, n); err != nil && !fault.Is(err, "QueueDoesNotExist") {
		return nil, err
	}
	q.live.end()
	return &schema.Empty{}, nil
}

func (s *Service) getQueueURL(ctx context.Context, in *shapes.GetQueueUrlRequest) (*shapes.GetQueueUrlResult, error) {
	n := named(ctx, in)
	if checkName(n.queue) != nil {
		return nil, noQueue()
	}
	if err := s.look(ctx, n, func(*kv.Snap, *queue) error { return nil }); err != nil {
		return nil, err
	}
	return &shapes.GetQueueUrlResult{QueueUrl: s.url(ctx, n)}, nil
}

// listMax is how many queues are listed where nobody says how many.
const listMax = 1000

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
func (s *Service) listQueues(ctx context.Context, in *shapes.ListQueuesRequest) (*shapes.ListQueuesResult, error) {
	urls, token, err := s.list(ctx, in.MaxResults, in.NextToken, func(snap *kv.Snap, scope name) (bool, error) {
		return strings.HasPrefix(scope.queue, value(in.QueueNamePrefix)), nil
	})
	return &shapes.ListQueuesResult{QueueUrls: urls, NextToken: token}, err
}

func (s *Service) listDeadLetterSourceQueues(ctx context.Context, in *shapes.ListDeadLetterSourceQueuesRequest) (*shapes.ListDeadLetterSourceQueuesResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.look(ctx, n, func(*kv.Snap, *queue) error { return nil }); err != nil {
		return nil, err
	}
	target := string(n.arn())
	urls, token, err := s.list(ctx, in.MaxResults, in.NextToken, func(snap *kv.Snap, other name) (bool, error) {
		raw, err := snap.Get(catalogOf(other.cell()).queue(other.queue))
		if err != nil || raw == nil {
			return false, err
		}
		q, err := s.known(other, raw)
		return err == nil && q.settings.redrive != nil && q.settings.redrive.Target == target, err
	})
	if urls == nil {
		urls = []string{}
	}
	return &shapes.ListDeadLetterSourceQueuesResult{QueueUrls: urls, NextToken: token}, err
}

// list returns the URLs of the queues of the caller's account that keep says, a
// page of them.
func (s *Service) list(ctx context.Context, most *int32, token *string, keep func(*kv.Snap, name) (bool, error)) (urls []string, next *string, err error) {
	limit := listMax
	if most != nil {
		if *most < 1 || *most > listMax {
			return nil, nil, badValue(fmt.Sprint(*most), "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
		limit = int(*most)
	}
	scope := awsapi.From(ctx).Scope
	cat := catalogOf(name{scope: scope}.cell())
	r := cat.queues()
	if token != nil {
		after, err := base64.URLEncoding.DecodeString(*token)
		if err != nil || *token == "" {
			return nil, nil, badValue(*token, "NextToken", "Invalid or expired next token.")
		}
		r.Start = kv.Next(cat.queue(string(after)))
	}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		last := ""
		for p, err := range snap.Scan(r, kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			d := cat.Sub("queue").Decode(p.Key)
			n := name{scope, d.Str()}
			if err := d.Done(); err != nil {
				return err
			}
			ok, err := keep(snap, n)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if len(urls) == limit {
				if most != nil { // AWS gives tokens to those only who say how many they want
					next = ptr(base64.URLEncoding.EncodeToString([]byte(last)))
				}
				return nil
			}
			urls, last = append(urls, *s.url(ctx, n)), n.queue
		}
		return nil
	})
	return urls, next, err
}
