package sample

import "encoding/json"

// busEvent is an event of EventBridge.
type busEvent struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

type ruleParams struct {
	Rule string `default:"my-rule" about:"the rule's name"`
}

type busParams struct {
	Source string `default:"com.mycompany.myapp" about:"who sends the event"`
	Type   string `default:"myDetailType" about:"the event's detail-type"`
	Detail string `default:"{\"key1\":\"value1\",\"key2\":\"value2\"}" about:"a JSON object"`
}

// objectParams are those of S3's events on a bus.
type objectParams struct {
	Bucket string `default:"my-bucket" about:"the bucket's name"`
	Key    string `default:"test/key" about:"the object's key"`
	Size   int64  `default:"1024" about:"bytes of the object"`
	ETag   string `default:"0123456789abcdef0123456789abcdef" about:"of the object"`
}

type objectDetail struct {
	Version         string       `json:"version"`
	Bucket          objectBucket `json:"bucket"`
	Object          objectOfBus  `json:"object"`
	RequestID       string       `json:"request-id"`
	Requester       string       `json:"requester"`
	SourceIPAddress string       `json:"source-ip-address"`
	Reason          string       `json:"reason"`
	DeletionType    string       `json:"deletion-type,omitempty"`
}

type objectBucket struct {
	Name string `json:"name"`
}

type objectOfBus struct {
	Key       string `json:"key"`
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"etag,omitempty"`
	Sequencer string `json:"sequencer"`
}

type scheduleParams struct {
	Input string `default:"{}" about:"what the schedule was given to send, JSON"`
}

// event makes an event of the bus.
func (m *maker) event(source, kind string, resources []string, detail any) busEvent {
	raw, ok := detail.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(detail); err != nil && m.err == nil {
			m.err = err
		}
	}
	if resources == nil {
		resources = []string{}
	}
	return busEvent{
		Version: "0", ID: m.uuid(), DetailType: kind, Source: source, Account: m.Account, Time: m.isoSeconds(), Region: m.Region, Resources: resources, Detail: raw,
	}
}

func eventBus() []Sample {
	const s3Page = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html"
	object := func(kind, reason string) func(*maker, objectParams) any {
		return func(m *maker, p objectParams) any {
			d := objectDetail{
				Version: "0", Bucket: objectBucket{p.Bucket}, Object: objectOfBus{Key: p.Key, Size: &p.Size, ETag: p.ETag, Sequencer: m.hex(18)}, RequestID: m.word(16),
				Requester: m.Account, SourceIPAddress: clientIP, Reason: reason,
			}
			if kind == "Object Deleted" {
				d.Object.Size, d.Object.ETag, d.DeletionType = nil, "", "Permanently Deleted"
			}
			return m.event("aws.s3", kind, []string{"arn:aws:s3:::" + p.Bucket}, d)
		}
	}
	return []Sample{
		define("events:schedule", "https://docs.aws.amazon.com/lambda/latest/dg/with-eventbridge-scheduler.html", "a rule's schedule is due", func(m *maker, p ruleParams) any {
			return m.event("aws.events", "Scheduled Event", []string{m.arn("events", "rule/"+p.Rule)}, struct{}{})
		}),
		define("events:custom", "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html", "an event that an application has put on a bus", func(m *maker, p busParams) any {
			detail := parsed[map[string]json.RawMessage](m, "detail", p.Detail)
			return m.event(p.Source, p.Type, nil, detail)
		}),
		define("events:s3-created", s3Page, "an object was created, as EventBridge tells it", object("Object Created", "PutObject")),
		define("events:s3-deleted", s3Page, "an object was deleted, as EventBridge tells it", object("Object Deleted", "DeleteObject")),
		define("scheduler:schedule", "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html", "a schedule of EventBridge Scheduler is due", func(m *maker, p scheduleParams) any {
			return parsed[json.RawMessage](m, "input", p.Input)
		}),
	}
}
