package sqs

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) deleteMessage(ctx context.Context, in *shapes.DeleteMessageRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.remove(ctx, n, []string{value(in.ReceiptHandle)})
	if err != nil {
		return nil, err
	}
	s.meter(ctx, n, 0)
	s.deleted(n, errs)
	if errs[0] != nil {
		return nil, errs[0]
	}
	return &schema.Empty{}, nil
}

func (s *Service) deleteMessageBatch(ctx context.Context, in *shapes.DeleteMessageBatchRequest) (*shapes.DeleteMessageBatchResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids, handles := make([]*string, len(in.Entries)), make([]string, len(in.Entries))
	for i, e := range in.Entries {
		ids[i], handles[i] = e.Id, value(e.ReceiptHandle)
	}
	if err := checkBatch("DeleteMessageBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	errs, err := s.remove(ctx, n, handles)
	if err != nil {
		return nil, err
	}
	s.meter(ctx, n, 0)
	s.deleted(n, errs)
	out := &shapes.DeleteMessageBatchResult{Successful: []shapes.DeleteMessageBatchResultEntry{}, Failed: []shapes.BatchResultErrorEntry{}}
	for i, err := range errs {
		if err != nil {
			out.Failed = append(out.Failed, failed(ids[i], err))
		} else {
			out.Successful = append(out.Successful, shapes.DeleteMessageBatchResultEntry{Id: ids[i]})
		}
	}
	return out, nil
}

// remove deletes messages by their handles. It returns an error for each, and one
// that concerns all.
func (s *Service) remove(ctx context.Context, n name, handles []string) ([]error, error) {
	var errs []error
	var flying map[millis]int
	_, q, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
		errs, flying = make([]error, len(handles)), map[millis]int{}
		for i, text := range handles {
			h, err := q.parseHandle(text)
			if err != nil {
				errs[i] = err
				continue
			}
			if h.id != q.ID {
				continue // it went with all the others
			}
			if errs[i], err = s.remove1(tx, q, h, flying); err != nil {
				return err
			}
		}
		if crowded, _ := q.live.crowded(); crowded {
			tx.Signal(q.space.topic())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q.live.count(flying, nil)
	return errs, nil
}

// remove1 deletes one message. A handle of an earlier receive than the last deletes
// nothing, and is no error. A handle that the store does not know of is of a receive
// that a crash has taken back; its holder has the message all the same.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (s *Service) remove1(tx *kv.Tx, q *queue, h handle, flying map[millis]int) (refused, err error) {
	if q.settings.fifo {
		return s.removeOrdered(tx, q, h, flying)
	}
	st, err := readState(tx, q.space, h.stamp)
	if err != nil {
		return nil, err
	}
	b, err := tx.Get(q.space.body(h.stamp))
	if err != nil || b == nil {
		return nil, err
	}
	switch {
	case st == nil:
		m, err := q.decode(b)
		if err != nil {
			return nil, err
		}
		st = &state{lane: m.lane, receipt: receipt{until: m.after}}
	case st.nonce != h.nonce && h.count <= st.count:
		return nil, nil
	}
	tx.Delete(q.space.body(h.stamp))
	tx.Delete(q.space.state(h.stamp))
	tx.Delete(q.space.indexed(st.lane, st.until, h.stamp))
	tx.Add(q.space.count(), -1)
	if st.count > 0 {
		flying[st.until]--
	}
	return nil, nil
}

// removeOrdered deletes a message of a FIFO queue, as long as it is in flight.
func (s *Service) removeOrdered(tx *kv.Tx, q *queue, h handle, flying map[millis]int) (refused, err error) {
	g, err := readGroup(tx, q.space, h.group)
	if err != nil || g == nil {
		return nil, err
	}
	v, err := tx.Get(q.space.entry(h.group, h.stamp))
	if err != nil || v == nil {
		return nil, err
	}
	now := q.live.now()
	switch e := g.find(h.stamp); {
	case e == nil:
		// A crash has taken back its receive: only the message goes.
	case e.nonce != h.nonce && h.count <= e.count:
		return nil, nil
	case e.until <= now:
		return badValue(encodeHandle(h, q), "ReceiptHandle", "The receipt handle has expired."), nil
	default:
		flying[e.until]--
		g.remove(h.stamp)
	}
	tx.Delete(q.space.entry(h.group, h.stamp))
	tx.Add(q.space.count(), -1)
	return nil, q.settle(tx, h.group, g, now)
}

// encodeHandle is a handle as its holder knows it.
func encodeHandle(h handle, q *queue) string {
	return q.handle(&taken{message: &message{group: h.group}, stamp: h.stamp, receipt: receipt{count: h.count, nonce: h.nonce}})
}
