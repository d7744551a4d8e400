package sns

import (
	"context"
	"crypto/rand"
	"maps"
	"strconv"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// createTopic makes a topic, or finds the one that is there already as asked
// for.
//
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
func (s *Service) createTopic(ctx context.Context, in *shapes.CreateTopicInput) (*shapes.CreateTopicResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope, topic: value(in.Name)}
	fifo, err := boolean(in.Attributes, "FifoTopic")
	if err != nil {
		return nil, err
	}
	if err := checkTopicName(n.topic, fifo); err != nil {
		return nil, err
	}
	if value(in.DataProtectionPolicy) != "" {
		return nil, noDataProtection()
	}
	t := topic{ID: rand.Text(), Created: s.Clock.Now(), Attributes: map[string]string{}}
	for k, v := range in.Attributes {
		if k == "FifoTopic" {
			continue
		}
		if err := s.setAttribute(&t, n, k, v); err != nil {
			return nil, invalid("Attributes Reason: %s", parameterOf(err)).Because(err)
		}
	}
	if t.Tags, err = newTags(nil, in.Tags); err != nil {
		return nil, err
	}
	sp := n.space()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		var old topic
		switch ok, err := jsonrow.Get(tx, sp.topic(n.topic), &old); {
		case err != nil:
			return err
		case !ok:
			return jsonrow.Set(tx, sp.topic(n.topic), &t)
		}
		for k := range t.Attributes {
			if old.attribute(n, k) != t.attribute(n, k) {
				return invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(in.Tags) > 0 && !maps.Equal(old.Tags, t.Tags) {
			return invalid("Tags Reason: Topic already exists with different tags")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateTopicResponse{TopicArn: ptr(n.arn())}, nil
}

func boolean(attributes map[string]string, name string) (bool, error) {
	text, ok := attributes[name]
	if !ok {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, invalid("Attributes Reason: %s: Invalid value [%s]. Must be true or false.", name, text)
	}
	return b, nil
}

// parameterOf is the message of an invalid parameter without the words that it
// begins with.
func parameterOf(err error) string {
	const words = len("Invalid parameter: ")
	if e, ok := fault.As(err); ok && e.Code == "InvalidParameter" && len(e.Message) > words {
		return e.Message[words:]
	}
	return err.Error()
}

// deleteTopic deletes a topic and its subscriptions. What was accepted before
// still arrives.
//
// https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html
func (s *Service) deleteTopic(ctx context.Context, in *shapes.DeleteTopicInput) (*schema.Empty, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	sp := n.space()
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		// Joins the read set, so that nothing subscribes in between.
		if row, err := tx.Get(sp.topic(n.topic)); err != nil || row == nil {
			return err // there is none: that is what was asked for
		}
		tx.Delete(sp.topic(n.topic))
		tx.Delete(sp.sequence(n.topic))
		for _, r := range []kv.Range{sp.subscriptionsOf(n.topic), sp.endpointsOf(n.topic), sp.dedupsOf(n.topic), sp.acceptedOf(n.topic)} {
			tx.DeleteRange(r)
		}
		return nil
	})
	s.topics.Delete(string(sp.topic(n.topic)))
	s.policies.Delete(n.arn())
	return &schema.Empty{}, err
}

// pageSize is how many topics or subscriptions one answer lists.
const pageSize = 100

// https://docs.aws.amazon.com/sns/latest/api/API_ListTopics.html
func (s *Service) listTopics(ctx context.Context, in *shapes.ListTopicsInput) (*shapes.ListTopicsResponse, error) {
	after, err := after(in.NextToken, 1)
	if err != nil {
		return nil, err
	}
	n := name{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	r := sp.topics()
	if len(after) > 0 {
		r.Start = kv.Next(sp.topic(after[0]))
	}
	out := &shapes.ListTopicsResponse{Topics: []shapes.Topic{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		for p, err := range snap.Scan(r, kv.ScanOptions{KeysOnly: true, Limit: pageSize + 1}) {
			if err != nil {
				return err
			}
			if len(out.Topics) == pageSize {
				out.NextToken = nextToken(n.topic)
				return nil
			}
			d := sp.Decode(p.Key)
			d.Str()
			n.topic = d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			out.Topics = append(out.Topics, shapes.Topic{TopicArn: ptr(n.arn())})
		}
		return nil
	})
	return out, err
}

// view reads the row of a topic that must exist.
func (s *Service) view(ctx context.Context, n name) (t topic, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.space().topic(n.topic), &t)
		if err == nil && !ok {
			err = noTopic()
		}
		return err
	})
	return t, err
}

// change changes the row of a topic, or something of it, in a transaction.
// Every change of a topic's subscriptions goes through it, so that whoever has
// read the topic's row has read them too.
func (s *Service) change(ctx context.Context, n name, change func(tx *kv.Tx, t *topic) error) error {
	k := n.space().topic(n.topic)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var t topic
		switch ok, err := jsonrow.Get(tx, k, &t); {
		case err != nil:
			return err
		case !ok:
			return noTopic()
		}
		if err := change(tx, &t); err != nil {
			return err
		}
		t.Revision++
		return jsonrow.Set(tx, k, &t)
	})
	return err
}
