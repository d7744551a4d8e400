package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// snsEvents compiles the topics that call functions. A topic named without an ARN is made.
func (s *service) snsEvents() {
	for _, e := range s.events("sns") {
		s.sns(e)
	}
}

func (s *service) sns(e event) {
	c := e.conf
	name, arn := str(c, "topicName"), set(c.Get("arn"))
	var elsewhere any
	switch {
	case isText(c) && strings.HasPrefix(c.Text, "arn:"):
		arn, name = c, last(strings.Split(c.Text, ":"))
	case isText(c):
		name = c.Text
	case isText(arn):
		parts := strings.Split(arn.Text, ":")
		if name == "" {
			name = last(parts)
		}
		if len(parts) > 3 && parts[3] != s.region {
			elsewhere = optional(parts[3])
		}
	case arn != nil && name == "":
		s.report(template.Errorf(e.pos, "the topic has no name to make a logical id of").WithHint("add topicName beside arn"))
		return
	}
	topic := any(arn)
	if arn == nil {
		topic = join("", "arn:", partition(), ":sns:", region(), ":", account(), ":", name)
	}
	redrive := s.snsRedrive(e, name, topic, arn == nil)
	subscription := obj{
		{"TopicArn", topic},
		{"Protocol", "lambda"},
		{"Endpoint", e.fn.target()},
		{"FilterPolicy", set(c.Get("filterPolicy"))},
		{"FilterPolicyScope", set(c.Get("filterPolicyScope"))},
		{"RedrivePolicy", redrive},
	}
	id := normalize(e.fn.key) + "SnsSubscription" + alphanumeric(name)
	if arn != nil {
		s.resources.put(id, e.pos, obj{
			{"Type", "AWS::SNS::Subscription"},
			{"DependsOn", e.fn.after()},
			{"Properties", add(subscription, "Region", elsewhere)},
		})
	} else {
		s.snsTopic(e, name, id, subscription, redrive != nil || set(c.Get("filterPolicy")) != nil)
	}
	s.invoke(normalize(e.fn.key)+"LambdaPermission"+alphanumeric(name)+"SNS", e, "sns.amazonaws.com", topic)
}

// snsTopic makes a topic, once for all functions, and subscribes the function: in the topic itself, or apart when the
// subscription has settings.
func (s *service) snsTopic(e event, name, id string, subscription obj, apart bool) {
	topicID := "SNSTopic" + alphanumeric(name)
	topic := s.resources.at[topicID]
	if topic == nil {
		topic = s.resources.put(topicID, e.pos, obj{
			{"Type", "AWS::SNS::Topic"},
			{"DependsOn", e.fn.after()},
			{"Properties", obj{{"TopicName", name}, {"DisplayName", or(e.conf.Get("displayName"))}}},
		})
	} else if e.fn.alias != nil {
		after := texts(topic.body.Get("DependsOn"))
		if v := topic.body.Get("DependsOn"); isText(v) {
			after = []string{v.Text}
		}
		topic.set("DependsOn", unique(after, []string{e.fn.alias.id}))
	}
	if apart {
		subscription[0].Value = ref(topicID)
		s.resources.put(id, e.pos, obj{
			{"Type", "AWS::SNS::Subscription"},
			{"DependsOn", e.fn.after()},
			{"Properties", subscription},
		})
		return
	}
	list := []any{}
	if have := topic.body.Get("Properties", "Subscription"); have != nil {
		for _, item := range have.Items {
			list = append(list, item)
		}
	}
	topic.property("Subscription", append(list, obj{{"Endpoint", e.fn.target()}, {"Protocol", "lambda"}}))
}

// snsRedrive returns the redrive policy of a subscription, and lets the topic write to the queue. own says that the service
// makes the topic, in which case the queue's policy names no source.
func (s *service) snsRedrive(e event, name string, topic any, own bool) any {
	c := or(e.conf.Get("redrivePolicy"))
	if c == nil {
		return nil
	}
	var arn, url any
	if v := or(c.Get("deadLetterTargetArn")); v != nil {
		parts := strings.Split(v.Text, ":")
		if len(parts) < 6 {
			s.errorf(v.Pos, "%q is not the ARN of a queue", v.Text)
			return nil
		}
		arn = v
		url = join("", "https://sqs."+parts[3]+".", ref("AWS::URLSuffix"), "/"+parts[4]+"/"+parts[5])
	} else if v := or(c.Get("deadLetterTargetRef")); v != nil {
		arn, url = getAtt(v.Text, "Arn"), ref(v.Text)
	} else {
		v := c.Get("deadLetterTargetImport")
		arn, url = obj{{"Fn::ImportValue", v.Get("arn")}}, obj{{"Fn::ImportValue", v.Get("url")}}
	}
	source := obj{{"aws:SourceArn", topic}}
	if own {
		source = obj{}
	}
	id := alphanumeric(name) + "To" + normalize(e.fn.key) + "DLQPolicy"
	s.resources.put(id, e.pos, obj{
		{"Type", "AWS::SQS::QueuePolicy"},
		{"Properties", obj{
			{"PolicyDocument", obj{
				{"Version", "2012-10-17"},
				{"Id", id},
				{"Statement", []any{obj{
					{"Effect", "Allow"},
					{"Principal", obj{{"Service", "sns.amazonaws.com"}}},
					{"Action", "sqs:SendMessage"},
					{"Resource", arn},
					{"Condition", obj{{"ArnEquals", source}}},
				}}},
			}},
			{"Queues", []any{url}},
		}},
	})
	return obj{{"deadLetterTargetArn", arn}}
}
