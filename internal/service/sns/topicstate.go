package sns

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/pattern"
)

// loaded is a topic with the subscriptions that get messages, as publishing
// needs them. It is kept from one message to the next for as long as the topic's
// row stays the same.
type loaded struct {
	row   []byte // of the topic: whoever reads it again knows that nothing has changed
	topic topic
	subs  []*subscriber
}

// subscriber is a subscription that is confirmed.
type subscriber struct {
	row []byte
	subscription
	name     name
	filter   *pattern.Pattern // nil: everything
	ofBody   bool             // the filter looks at the message
	raw      bool
	delivery deliveryPolicy
	redrive  string
}

// load reads a topic that must exist.
func (s *Service) load(ctx context.Context, n name) (*loaded, error) {
	sp := n.space()
	k := sp.topic(n.topic)
	var out *loaded
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		row, err := snap.Get(k)
		if err != nil {
			return err
		}
		if row == nil {
			s.topics.Delete(string(k))
			return noTopic()
		}
		old, _ := s.topics.Load(string(k))
		before, _ := old.(*loaded)
		if before != nil && bytes.Equal(before.row, row) {
			out = before
			return nil
		}
		out = &loaded{row: row}
		if err := jsonrow.Decode(k, row, &out.topic); err != nil {
			return err
		}
		same := before.subscribers(&out.topic)
		for p, err := range snap.Scan(sp.subscriptionsOf(n.topic), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			d.Str()
			to := n
			to.id = d.Str()
			if err := d.Done(); err != nil {
				return err
			}
			if one := same[to.id]; one != nil && bytes.Equal(one.row, p.Value) {
				out.subs = append(out.subs, one)
				continue
			}
			var sub subscription
			if err := jsonrow.Decode(p.Key, p.Value, &sub); err != nil {
				return err
			}
			if sub.Pending {
				continue
			}
			one, err := newSubscriber(&out.topic, to, sub)
			if err != nil {
				return err
			}
			one.row = p.Value
			out.subs = append(out.subs, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.topics.Store(string(k), out)
	return out, nil
}

// subscribers are those of a topic that was loaded before, by their ids, as far
// as a change of the topic itself does not concern them.
func (l *loaded) subscribers(now *topic) map[string]*subscriber {
	if l == nil || l.topic.ID != now.ID || l.topic.Attributes["DeliveryPolicy"] != now.Attributes["DeliveryPolicy"] {
		return nil
	}
	out := make(map[string]*subscriber, len(l.subs))
	for _, to := range l.subs {
		out[to.name.id] = to
	}
	return out
}

func newSubscriber(t *topic, n name, sub subscription) (*subscriber, error) {
	out := &subscriber{subscription: sub, name: n, raw: sub.Attributes["RawMessageDelivery"] == "true"}
	if text := sub.Attributes["FilterPolicy"]; text != "" {
		scope := sub.Attributes["FilterPolicyScope"]
		p, err := compile(text, scope)
		if err != nil {
			return nil, err
		}
		out.filter, out.ofBody = p, scope == scopeBody
	}
	if text := sub.Attributes["RedrivePolicy"]; text != "" {
		var r redrive
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, err
		}
		out.redrive = r.Target
	}
	var err error
	out.delivery, err = deliveryOf(t, &sub)
	return out, err
}

// filters are what filter policies see of a message, each made once.
type filters struct {
	m          *message
	attributes *pattern.Event
	bodies     map[string]*pattern.Event // nil for what is no JSON object
}

// Why a filter policy rejects a message, in the words of SNS's metrics.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
const (
	byAttributes  = "MessageAttributes"
	noAttributes  = "NoMessageAttributes"
	badAttributes = "InvalidAttributes"
	byBody        = "MessageBody"
	badBody       = "InvalidMessageBody"
)

// rejects says why a subscription does not get the message; nothing if it does.
func (f *filters) rejects(to *subscriber) string {
	if to.filter == nil {
		return ""
	}
	if !to.ofBody {
		if f.attributes == nil {
			f.attributes = f.m.forFilter()
		}
		switch {
		case to.filter.Matches(f.attributes):
			return ""
		case len(f.m.attributes) == 0:
			return noAttributes
		case f.m.malformed():
			return badAttributes
		}
		return byAttributes
	}
	text := f.m.textFor(to.Protocol)
	e, ok := f.bodies[text]
	if !ok {
		e, _ = pattern.Parse([]byte(text)) // what is no JSON matches nothing
		if f.bodies == nil {
			f.bodies = make(map[string]*pattern.Event)
		}
		f.bodies[text] = e
	}
	switch {
	case e == nil:
		return badBody
	case to.filter.Matches(e):
		return ""
	}
	return byBody
}

// malformed reports whether an attribute of the message is called a list and is none.
func (m *message) malformed() bool {
	for _, a := range m.attributes {
		var list []any
		if value(a.DataType) == "String.Array" && json.Unmarshal([]byte(value(a.StringValue)), &list) != nil {
			return true
		}
	}
	return false
}
