package sample

import "encoding/base64"

// snsEvent is what SNS sends to a function that is subscribed to a topic.
type snsEvent struct{ Records []snsRecord }

type snsRecord struct {
	EventSource          string
	EventVersion         string
	EventSubscriptionArn string
	Sns                  snsMessage
}

type snsMessage struct {
	Type              string
	MessageId         string
	TopicArn          string
	Subject           *string
	Message           string
	Timestamp         string
	SignatureVersion  string
	Signature         string
	SigningCertUrl    string
	UnsubscribeUrl    string
	MessageAttributes map[string]snsAttribute
}

type snsAttribute struct{ Type, Value string }

type snsParams struct {
	Topic      string `default:"my-topic" about:"the topic's name"`
	Subject    string `default:"example subject" about:"of the message; empty for none"`
	Message    string `default:"example message" about:"what was published"`
	Attributes string `default:"" about:"of the message: name=value,name=value"`
}

func topics() []Sample {
	return []Sample{define("sns:notification", "https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html", "a message was published to a topic", func(m *maker, p snsParams) any {
		topic := m.arn("sns", p.Topic)
		subscription := topic + ":" + m.uuid()
		out := snsMessage{
			Type: "Notification", MessageId: m.uuid(), TopicArn: topic, Message: p.Message, Timestamp: m.iso(), SignatureVersion: "1",
			Signature:      base64.StdEncoding.EncodeToString([]byte(m.hex(64))),
			SigningCertUrl: "https://sns." + m.Region + ".amazonaws.com/SimpleNotificationService-" + m.hex(32) + ".pem",
			UnsubscribeUrl: "https://sns." + m.Region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + subscription, MessageAttributes: map[string]snsAttribute{},
		}
		if p.Subject != "" {
			out.Subject = &p.Subject
		}
		for k, v := range pairs(p.Attributes) {
			out.MessageAttributes[k] = snsAttribute{"String", v}
		}
		return snsEvent{[]snsRecord{{EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: subscription, Sns: out}}}
	})}
}
