package sample

import (
	"encoding/base64"
	"strings"
)

// firehoseEvent is what Firehose sends to a function that transforms records.
type firehoseEvent struct {
	InvocationID           string           `json:"invocationId"`
	DeliveryStreamARN      string           `json:"deliveryStreamArn"`
	SourceKinesisStreamARN string           `json:"sourceKinesisStreamArn,omitempty"`
	Region                 string           `json:"region"`
	Records                []firehoseRecord `json:"records"`
}

type firehoseRecord struct {
	RecordID        string            `json:"recordId"`
	ApproximateTime int64             `json:"approximateArrivalTimestamp"`
	Data            string            `json:"data"`
	Metadata        *firehoseMetadata `json:"kinesisRecordMetadata,omitempty"`
}

type firehoseMetadata struct {
	ShardID           string `json:"shardId"`
	PartitionKey      string `json:"partitionKey"`
	ApproximateTime   int64  `json:"approximateArrivalTimestamp"`
	SequenceNumber    string `json:"sequenceNumber"`
	SubsequenceNumber int64  `json:"subsequenceNumber"`
}

type firehoseParams struct {
	Delivery string `default:"my-delivery-stream" about:"the delivery stream's name"`
	Stream   string `default:"" about:"the Kinesis stream that it reads, if it does"`
	Data     string `default:"Hello, this is a test." about:"of the record, as it is"`
}

func firehose() []Sample {
	return []Sample{define("firehose:transform", "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html", "records to be transformed on their way", func(m *maker, p firehoseParams) any {
		r := firehoseRecord{RecordID: m.number(56), ApproximateTime: m.Time.UnixMilli(), Data: base64.StdEncoding.EncodeToString([]byte(p.Data))}
		out := firehoseEvent{InvocationID: m.uuid(), DeliveryStreamARN: m.arn("firehose", "deliverystream/"+p.Delivery), Region: m.Region}
		if p.Stream != "" {
			out.SourceKinesisStreamARN = m.arn("kinesis", "stream/"+p.Stream)
			r.Metadata = &firehoseMetadata{ShardID: "shardId-000000000000", PartitionKey: strings.ToLower(m.word(8)), ApproximateTime: r.ApproximateTime, SequenceNumber: "495" + m.number(53)}
		}
		out.Records = []firehoseRecord{r}
		return out
	})}
}
