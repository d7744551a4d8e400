package sample

import (
	"encoding/base64"
)

// kafkaEvent is what an event source mapping reads from a Kafka topic, in MSK or
// in a cluster of one's own.
type kafkaEvent struct {
	EventSource      string                   `json:"eventSource"`
	EventSourceARN   string                   `json:"eventSourceArn,omitempty"`
	BootstrapServers string                   `json:"bootstrapServers"`
	Records          map[string][]kafkaRecord `json:"records"` // by topic and partition
}

type kafkaRecord struct {
	Topic         string             `json:"topic"`
	Partition     int64              `json:"partition"`
	Offset        int64              `json:"offset"`
	Timestamp     int64              `json:"timestamp"`
	TimestampType string             `json:"timestampType"`
	Key           string             `json:"key"`
	Value         string             `json:"value"`
	Headers       []map[string][]int `json:"headers"`
}

type kafkaParams struct {
	Cluster string `default:"my-cluster" about:"the cluster's name"`
	Topic   string `default:"mytopic" about:"the topic"`
	Key     string `default:"key" about:"of the record, as it is"`
	Value   string `default:"Hello from Kafka!" about:"of the record, as it is"`
}

// rabbitEvent is what an event source mapping reads from a queue of RabbitMQ.
type rabbitEvent struct {
	EventSource    string                     `json:"eventSource"`
	EventSourceARN string                     `json:"eventSourceArn"`
	Messages       map[string][]rabbitMessage `json:"rmqMessagesByQueue"` // by queue::virtual host
}

type rabbitMessage struct {
	Properties  rabbitProperties `json:"basicProperties"`
	Redelivered bool             `json:"redelivered"`
	Data        string           `json:"data"`
}

type rabbitProperties struct {
	ContentType     string         `json:"contentType"`
	ContentEncoding *string        `json:"contentEncoding"`
	Headers         map[string]any `json:"headers"`
	DeliveryMode    int64          `json:"deliveryMode"`
	Priority        int64          `json:"priority"`
	CorrelationID   *string        `json:"correlationId"`
	ReplyTo         *string        `json:"replyTo"`
	Expiration      string         `json:"expiration"`
	MessageID       *string        `json:"messageId"`
	Timestamp       string         `json:"timestamp"`
	Type            *string        `json:"type"`
	UserID          string         `json:"userId"`
	AppID           *string        `json:"appId"`
	ClusterID       *string        `json:"clusterId"`
	BodySize        int64          `json:"bodySize"`
}

// activeEvent is what an event source mapping reads from a queue of ActiveMQ.
type activeEvent struct {
	EventSource    string          `json:"eventSource"`
	EventSourceARN string          `json:"eventSourceArn"`
	Messages       []activeMessage `json:"messages"`
}

type activeMessage struct {
	MessageID     string            `json:"messageID"`
	MessageType   string            `json:"messageType"`
	Timestamp     int64             `json:"timestamp"`
	DeliveryMode  int64             `json:"deliveryMode"`
	CorrelationID string            `json:"correlationID"`
	ReplyTo       string            `json:"replyTo"`
	Destination   activeDestination `json:"destination"`
	Redelivered   bool              `json:"redelivered"`
	Type          string            `json:"type"`
	Expiration    int64             `json:"expiration"`
	Priority      int64             `json:"priority"`
	Data          string            `json:"data"`
	BrokerIn      int64             `json:"brokerInTime"`
	BrokerOut     int64             `json:"brokerOutTime"`
	Properties    map[string]string `json:"properties"`
}

type activeDestination struct {
	PhysicalName string `json:"physicalName"`
}

type brokerParams struct {
	Broker string `default:"my-broker" about:"the broker's name"`
	Queue  string `default:"myqueue" about:"the queue"`
	Data   string `default:"Hello from the broker!" about:"of the message, as it is"`
}

func brokers() []Sample {
	encoded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	kafka := func(source string) func(*maker, kafkaParams) any {
		return func(m *maker, p kafkaParams) any {
			out := kafkaEvent{
				EventSource: source, BootstrapServers: "b-1." + p.Cluster + ".kafka." + m.Region + ".amazonaws.com:9092,b-2." + p.Cluster + ".kafka." + m.Region + ".amazonaws.com:9092",
				Records: map[string][]kafkaRecord{p.Topic + "-0": {{
					Topic: p.Topic, Offset: 15, Timestamp: m.Time.UnixMilli(), TimestampType: "CREATE_TIME", Key: encoded(p.Key), Value: encoded(p.Value),
					Headers: []map[string][]int{{"headerKey": {104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101}}},
				}}},
			}
			if source == "aws:kafka" {
				out.EventSourceARN = m.arn("kafka", "cluster/"+p.Cluster+"/"+m.uuid()+"-1")
			}
			return out
		}
	}
	broker := func(m *maker, name string) string { return m.arn("mq", "broker:"+name+":b-"+m.uuid()) }
	const mq = "https://docs.aws.amazon.com/lambda/latest/dg/with-mq.html"
	return []Sample{
		define("kafka:msk", "https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html", "records of a topic in MSK", kafka("aws:kafka")),
		define("kafka:self-managed", "https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html", "records of a topic in a cluster of one's own", kafka("SelfManagedKafka")),
		define("mq:rabbitmq", mq, "messages of RabbitMQ", func(m *maker, p brokerParams) any {
			return rabbitEvent{EventSource: "aws:rmq", EventSourceARN: broker(m, p.Broker), Messages: map[string][]rabbitMessage{p.Queue + "::/": {{
				Properties: rabbitProperties{
					ContentType: "text/plain", Headers: map[string]any{"header1": map[string][]int{"bytes": {118, 97, 108, 117, 101, 49}}, "numberInHeader": 10},
					DeliveryMode: 1, Priority: 34, Expiration: "60000", Timestamp: m.Time.UTC().Format("Jan 2, 2006, 3:04:05 PM"), UserID: "AIDACKCEVSQ6C2EXAMPLE", BodySize: int64(len(p.Data)),
				},
				Data: encoded(p.Data),
			}}}}
		}),
		define("mq:activemq", mq, "messages of ActiveMQ", func(m *maker, p brokerParams) any {
			at := m.Time.UnixMilli()
			return activeEvent{EventSource: "aws:mq", EventSourceARN: broker(m, p.Broker), Messages: []activeMessage{{
				MessageID: "ID:b-" + m.uuid() + "-1.mq." + m.Region + ".amazonaws.com-38267-1:1:1:1:1", MessageType: "jms/text-message", Timestamp: at, DeliveryMode: 1,
				ReplyTo: "null", Destination: activeDestination{p.Queue}, Data: encoded(p.Data), BrokerIn: at, BrokerOut: at + 1, Properties: map[string]string{"testKey": "testValue"},
			}}}
		}),
	}
}
