package sample

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// sqsEvent is what an event source mapping reads from a queue.
type sqsEvent struct{ Records []sqsRecord }

type sqsRecord struct {
	MessageID              string                  `json:"messageId"`
	ReceiptHandle          string                  `json:"receiptHandle"`
	Body                   string                  `json:"body"`
	Attributes             map[string]string       `json:"attributes"`
	MessageAttributes      map[string]sqsAttribute `json:"messageAttributes"`
	MD5OfMessageAttributes string                  `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string                  `json:"md5OfBody"`
	EventSource            string                  `json:"eventSource"`
	EventSourceARN         string                  `json:"eventSourceARN"`
	AWSRegion              string                  `json:"awsRegion"`
}

type sqsAttribute struct {
	StringValue      string   `json:"stringValue"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

type sqsParams struct {
	Queue      string `default:"my-queue" about:"the queue's name"`
	Body       string `default:"Hello from SQS!" about:"of the message"`
	Attributes string `default:"" about:"of the message: name=value,name=value"`
	Messages   int64  `default:"1" about:"how many there are in the batch"`
}

type fifoParams struct {
	Queue      string `default:"my-queue.fifo" about:"the queue's name"`
	Body       string `default:"Hello from SQS!" about:"of the message"`
	Attributes string `default:"" about:"of the message: name=value,name=value"`
	Messages   int64  `default:"1" about:"how many there are in the batch"`
	Group      string `default:"1" about:"the message group"`
}

func queues() []Sample {
	const page = "https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"
	return []Sample{
		define("sqs:message", page, "messages of a queue", func(m *maker, p sqsParams) any {
			var out sqsEvent
			for range p.Messages {
				out.Records = append(out.Records, sqsMessage(m, p))
			}
			return out
		}),
		define("sqs:fifo", page, "messages of a FIFO queue", func(m *maker, p fifoParams) any {
			var out sqsEvent
			for range p.Messages {
				r := sqsMessage(m, sqsParams{p.Queue, p.Body, p.Attributes, p.Messages})
				r.Attributes["SequenceNumber"] = "188" + m.number(17)
				r.Attributes["MessageGroupId"] = p.Group
				r.Attributes["MessageDeduplicationId"] = strconv.Itoa(len(out.Records) + 1)
				out.Records = append(out.Records, r)
			}
			return out
		}),
	}
}

func sqsMessage(m *maker, p sqsParams) sqsRecord {
	sum := md5.Sum([]byte(p.Body))
	at := strconv.FormatInt(m.Time.UnixMilli(), 10)
	r := sqsRecord{
		MessageID: m.uuid(), ReceiptHandle: base64.StdEncoding.EncodeToString([]byte(m.hex(96))), Body: p.Body, MD5OfBody: hex.EncodeToString(sum[:]),
		Attributes:        map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": at, "SenderId": "AIDA" + strings.ToUpper(m.word(17)), "ApproximateFirstReceiveTimestamp": at},
		MessageAttributes: map[string]sqsAttribute{}, EventSource: "aws:sqs", EventSourceARN: m.arn("sqs", p.Queue), AWSRegion: m.Region,
	}
	attributes := pairs(p.Attributes)
	for k, v := range attributes {
		r.MessageAttributes[k] = sqsAttribute{StringValue: v, StringListValues: []string{}, BinaryListValues: []string{}, DataType: "String"}
	}
	if len(attributes) > 0 {
		r.MD5OfMessageAttributes = attributesSum(attributes)
	}
	return r
}

// attributesSum is the digest of attributes that are strings.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func attributesSum(attributes map[string]string) string {
	var b []byte
	text := func(s string) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) }
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		text(name)
		text("String")
		b = append(b, 1)
		text(attributes[name])
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
