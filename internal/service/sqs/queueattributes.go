package sqs

import (
	"context"
	"strconv"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
func (s *Service) getQueueAttributes(ctx context.Context, in *shapes.GetQueueAttributesRequest) (*shapes.GetQueueAttributesResult, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	counted := false
	for _, a := range in.AttributeNames {
		if !isAttribute(a) {
			return nil, fault.New("InvalidAttributeName", "Unknown Attribute %s.", a)
		}
		counted = counted || a == "All" || len(a) > len("Approximate") && a[:len("Approximate")] == "Approximate"
	}
	q, err := s.find(ctx, n)
	if err != nil {
		return nil, err
	}
	var total int64
	err = s.look(ctx, n, func(snap *kv.Snap, now *queue) error {
		q = now
		v, err := snap.Get(q.space.count())
		if err != nil {
			return err
		}
		total, err = kv.Int64(v)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := q.described()
	if counted {
		if err := q.load(ctx, s.DB); err != nil {
			return nil, err
		}
		flying, late := q.live.counts()
		all["ApproximateNumberOfMessages"] = strconv.Itoa(max(0, int(total)-flying-late))
		all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(flying)
		all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(late)
	}
	s.meter(ctx, n, 0)
	out := &shapes.GetQueueAttributesResult{}
	for _, a := range in.AttributeNames {
		if a == "All" {
			out.Attributes = all
			return out, nil
		}
		if v, ok := all[a]; ok {
			if out.Attributes == nil {
				out.Attributes = make(map[string]string, len(in.AttributeNames))
			}
			out.Attributes[a] = v
		}
	}
	return out, nil
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func (s *Service) setQueueAttributes(ctx context.Context, in *shapes.SetQueueAttributesRequest) (*schema.Empty, error) {
	n, err := queueOf(ctx, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if v, ok := in.Attributes["FifoQueue"]; ok && (v == "true") != n.fifo() {
		return nil, invalid("FifoQueue cannot be changed: it is decided when the queue is created.")
	}
	for k, v := range in.Attributes {
		if v == "" && k != "Policy" && k != "RedrivePolicy" && k != "RedriveAllowPolicy" && k != "KmsMasterKeyId" {
			return nil, badAttribute(k)
		}
	}
	if err := checkAttributes(in.Attributes, n.fifo()); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = s.change(ctx, n, func(tx *kv.Tx, r *row) error {
		if err := s.checkRedrive(tx, n, in.Attributes); err != nil {
			return err
		}
		before := settingsOf(r.Attributes, n)
		var err error
		if r.Attributes, err = merged(r.Attributes, in.Attributes); err != nil {
			return err
		}
		r.Modified = now
		if settingsOf(r.Attributes, n).retention < before.retention {
			return s.rearm(tx, n, r.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &schema.Empty{}, nil
}

// checkRedrive checks a RedrivePolicy that is to be set against the queue that it
// names.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func (s *Service) checkRedrive(tx *kv.Tx, n name, given map[string]string) error {
	text := given["RedrivePolicy"]
	p, err := parseRedrive(text)
	if err != nil || p == nil {
		return err
	}
	target, ok := queueByARN(p.Target)
	if !ok {
		return badValue(text, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
	}
	if target.cell() != n.cell() {
		return badValue(text, "RedrivePolicy", "Dead letter target must be in the account and in the region of the queue.")
	}
	if target.fifo() != n.fifo() {
		return badValue(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
	}
	dead, err := s.within(tx, target)
	if err != nil {
		return err
	}
	if dead == nil {
		return badValue(text, "RedrivePolicy", "Dead letter target does not exist.")
	}
	allow, err := parseAllow(dead.Attributes["RedriveAllowPolicy"])
	if err != nil {
		return err
	}
	if !allow.allows(string(n.arn())) {
		return badValue(text, "RedrivePolicy", "The dead letter target's redrive allow policy does not permit this queue.")
	}
	return nil
}
