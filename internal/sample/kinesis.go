package sample

import "encoding/base64"

// kinesisEvent is what an event source mapping reads from a Kinesis stream.
type kinesisEvent struct{ Records []kinesisRecord }

type kinesisRecord struct {
	Kinesis           kinesisData `json:"kinesis"`
	EventSource       string      `json:"eventSource"`
	EventVersion      string      `json:"eventVersion"`
	EventID           string      `json:"eventID"`
	EventName         string      `json:"eventName"`
	InvokeIdentityARN string      `json:"invokeIdentityArn"`
	AWSRegion         string      `json:"awsRegion"`
	EventSourceARN    string      `json:"eventSourceARN"`
}

type kinesisData struct {
	SchemaVersion   string  `json:"kinesisSchemaVersion"`
	PartitionKey    string  `json:"partitionKey"`
	SequenceNumber  string  `json:"sequenceNumber"`
	Data            string  `json:"data"`
	ApproximateTime float64 `json:"approximateArrivalTimestamp"`
}

type kinesisParams struct {
	Stream string `default:"my-stream" about:"the stream's name"`
	Key    string `default:"partitionKey-03" about:"the partition key"`
	Data   string `default:"Hello, this is a test 123." about:"of the record, as it is"`
	Role   string `default:"lambda-role" about:"the role with which the stream is read"`
}

func kinesis() []Sample {
	return []Sample{define("kinesis:record", "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html", "a record of a Kinesis stream", func(m *maker, p kinesisParams) any {
		d := kinesisData{
			SchemaVersion: "1.0", PartitionKey: p.Key, SequenceNumber: "495" + m.number(53), Data: base64.StdEncoding.EncodeToString([]byte(p.Data)),
			ApproximateTime: float64(m.Time.UnixMilli()) / 1000,
		}
		return kinesisEvent{[]kinesisRecord{{
			Kinesis: d, EventSource: "aws:kinesis", EventVersion: "1.0", EventID: "shardId-000000000000:" + d.SequenceNumber, EventName: "aws:kinesis:record",
			InvokeIdentityARN: "arn:aws:iam::" + m.Account + ":role/" + p.Role, AWSRegion: m.Region, EventSourceARN: m.arn("kinesis", "stream/"+p.Stream),
		}}}
	})}
}
