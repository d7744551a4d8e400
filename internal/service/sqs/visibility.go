package sqs

import (
	"context"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) changeVisibility(ctx context.Context, in *shapes.ChangeMessageVisibilityRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	errs, err := s.hold(ctx, n, []holding{{value(in.ReceiptHandle), value32(in.VisibilityTimeout)}})
	if err != nil {
		return nil, err
	}
	s.meter(ctx, n, 0)
	if errs[0] != nil {
		return nil, errs[0]
	}
	return &schema.Empty{}, nil
}

func (s *Service) changeVisibilityBatch(ctx context.Context, in *shapes.ChangeMessageVisibilityBatchRequest) (*shapes.ChangeMessageVisibilityBatchResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids, all := make([]*string, len(in.Entries)), make([]holding, len(in.Entries))
	for i, e := range in.Entries {
		ids[i], all[i] = e.Id, holding{value(e.ReceiptHandle), value32(e.VisibilityTimeout)}
	}
	if err := checkBatch("ChangeMessageVisibilityBatchRequestEntry", ids); err != nil {
		return nil, err
	}
	errs, err := s.hold(ctx, n, all)
	if err != nil {
		return nil, err
	}
	s.meter(ctx, n, 0)
	out := &shapes.ChangeMessageVisibilityBatchResult{Successful: []shapes.ChangeMessageVisibilityBatchResultEntry{}, Failed: []shapes.BatchResultErrorEntry{}}
	for i, err := range errs {
		if err != nil {
			out.Failed = append(out.Failed, failed(ids[i], err))
		} else {
			out.Successful = append(out.Successful, shapes.ChangeMessageVisibilityBatchResultEntry{Id: ids[i]})
		}
	}
	return out, nil
}

// holding is for how long, from now on, a message is to stay invisible.
type holding struct {
	handle  string
	seconds int32
}

// hold changes for how long messages stay invisible; zero gives them back. It
// returns an error for each, and one that concerns all.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (s *Service) hold(ctx context.Context, n name, all []holding) ([]error, error) {
	var errs []error
	var flying map[millis]int
	_, q, err := s.update(ctx, n, func(tx *kv.Tx, q *queue) error {
		errs, flying = make([]error, len(all)), map[millis]int{}
		for i, c := range all {
			h, err := q.parseHandle(c.handle)
			switch {
			case err != nil:
				errs[i] = err
			case c.seconds < 0 || c.seconds > int32(maxVisibility/time.Second):
				errs[i] = badTimeout(c.seconds, "VisibilityTimeout must be an integer between 0 and 43200.")
			case h.id != q.ID:
				errs[i] = errNotThere(c.handle)
			default:
				if errs[i], err = s.hold1(tx, q, h, c, flying); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q.live.count(flying, nil)
	return errs, nil
}

func (s *Service) hold1(tx *kv.Tx, q *queue, h handle, c holding, flying map[millis]int) (refused, err error) {
	now := q.live.now()
	until := now + millis(c.seconds)*1000
	var r *receipt
	var st *state
	var g *group
	if q.settings.fifo {
		if g, err = readGroup(tx, q.space, h.group); err != nil {
			return nil, err
		}
		if g != nil {
			if e := g.find(h.stamp); e != nil {
				r = &e.receipt
			}
		}
	} else {
		if st, err = readState(tx, q.space, h.stamp); err != nil {
			return nil, err
		}
		if st != nil {
			r = &st.receipt
		}
	}
	switch {
	case r == nil:
		return errNotThere(c.handle), nil
	case r.nonce != h.nonce || r.until <= now:
		return fault.New("MessageNotInflight", "The message referred to isn't in flight."), nil
	case until-r.received > millis(maxVisibility.Milliseconds()):
		return badTimeout(c.seconds, "Total VisibilityTimeout for the message is beyond the limit ["+strconv.Itoa(int(maxVisibility/time.Second))+" seconds]"), nil
	}
	flying[r.until]--
	flying[until]++
	if g != nil {
		r.until = until
		return nil, q.settle(tx, h.group, g, now)
	}
	floor, err := readMillis(tx, q.space.cursor(st.lane))
	if err != nil {
		return nil, err
	}
	tx.Delete(q.space.indexed(st.lane, st.until, h.stamp))
	st.until = max(until, floor)
	tx.Set(q.space.indexed(st.lane, st.until, h.stamp), nil)
	tx.Set(q.space.state(h.stamp), st.encode())
	tx.Signal(q.space.topic())
	l, where, when := q.live, st.lane, st.until
	tx.After(func(kv.Stamp) { l.came(where, when, 1) })
	return nil, nil
}

func badTimeout(seconds int32, reason string) error {
	return badValue(strconv.Itoa(int(seconds)), "VisibilityTimeout", reason)
}

func errNotThere(handle string) error {
	return badValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
}

func value32(p *int32) int32 {
	if p == nil {
		return 0
	}
	return *p
}
