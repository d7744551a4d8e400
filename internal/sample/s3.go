package sample

import (
	"net/url"
	"strings"
)

// s3Event is what S3 sends when something happens to objects.
type s3Event struct{ Records []s3Record }

type s3Record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      s3Identity        `json:"userIdentity"`
	RequestParameters s3Request         `json:"requestParameters"`
	ResponseElements  map[string]string `json:"responseElements"`
	S3                s3Entity          `json:"s3"`
}

type s3Identity struct {
	PrincipalID string `json:"principalId"`
}

type s3Request struct {
	SourceIPAddress string `json:"sourceIPAddress"`
}

type s3Entity struct {
	SchemaVersion   string   `json:"s3SchemaVersion"`
	ConfigurationID string   `json:"configurationId"`
	Bucket          s3Bucket `json:"bucket"`
	Object          s3Object `json:"object"`
}

type s3Bucket struct {
	Name          string     `json:"name"`
	OwnerIdentity s3Identity `json:"ownerIdentity"`
	ARN           string     `json:"arn"`
}

// s3Object is an object; a deleted one has neither size nor ETag.
type s3Object struct {
	Key       string `json:"key"` // as in a URL: spaces are +
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

type s3Params struct {
	Bucket  string `default:"my-bucket" about:"the bucket's name"`
	Key     string `default:"test/key" about:"the object's key, as it is"`
	Size    int64  `default:"1024" about:"bytes of the object"`
	ETag    string `default:"0123456789abcdef0123456789abcdef" about:"of the object"`
	Version string `default:"" about:"of the object in a bucket that keeps versions"`
}

func buckets() []Sample {
	const page = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"
	event := func(name string, deleted bool) func(*maker, s3Params) any {
		return func(m *maker, p s3Params) any {
			o := s3Object{Key: strings.ReplaceAll(url.QueryEscape(p.Key), "%2F", "/"), VersionID: p.Version, Sequencer: strings.ToUpper(m.hex(18))}
			if !deleted {
				o.Size, o.ETag = &p.Size, p.ETag
			}
			return s3Event{[]s3Record{{
				EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: m.Region, EventTime: m.iso(), EventName: name, UserIdentity: s3Identity{"AWS:AIDA" + strings.ToUpper(m.word(17))},
				RequestParameters: s3Request{"127.0.0.1"},
				ResponseElements:  map[string]string{"x-amz-request-id": strings.ToUpper(m.hex(16)), "x-amz-id-2": m.hex(76)},
				S3: s3Entity{
					SchemaVersion: "1.0", ConfigurationID: m.uuid(), Object: o,
					Bucket: s3Bucket{Name: p.Bucket, OwnerIdentity: s3Identity{"A" + strings.ToUpper(m.word(13))}, ARN: "arn:aws:s3:::" + p.Bucket},
				},
			}}}
		}
	}
	return []Sample{
		define("s3:put", page, "an object was put", event("ObjectCreated:Put", false)),
		define("s3:post", page, "an object was put by a form", event("ObjectCreated:Post", false)),
		define("s3:copy", page, "an object was copied", event("ObjectCreated:Copy", false)),
		define("s3:multipart", page, "an object was put in parts", event("ObjectCreated:CompleteMultipartUpload", false)),
		define("s3:delete", page, "an object was deleted", event("ObjectRemoved:Delete", true)),
		define("s3:delete-marker", page, "an object of a bucket that keeps versions was deleted", event("ObjectRemoved:DeleteMarkerCreated", true)),
	}
}
