package sample

import (
	"encoding/json"
	"strings"
)

// tableEvent is what an event source mapping reads from a table's stream.
type tableEvent struct{ Records []tableRecord }

type tableRecord struct {
	EventID        string         `json:"eventID"`
	EventName      string         `json:"eventName"`
	EventVersion   string         `json:"eventVersion"`
	EventSource    string         `json:"eventSource"`
	AWSRegion      string         `json:"awsRegion"`
	UserIdentity   *tableIdentity `json:"userIdentity,omitempty"`
	Change         tableChange    `json:"dynamodb"`
	EventSourceARN string         `json:"eventSourceARN"`
}

// tableIdentity says that the time to live has deleted the item.
type tableIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

type tableChange struct {
	ApproximateCreationDateTime float64
	Keys                        item
	NewImage                    item `json:",omitempty"`
	OldImage                    item `json:",omitempty"`
	SequenceNumber              string
	SizeBytes                   int64
	StreamViewType              string
}

// item is an item in DynamoDB's own JSON.
type item map[string]json.RawMessage

type tableParams struct {
	Table string `default:"my-table" about:"the table's name"`
	Keys  string `default:"{\"Id\":{\"N\":\"101\"}}" about:"of the item, in DynamoDB's JSON"`
	New   string `default:"{\"Message\":{\"S\":\"New item!\"},\"Id\":{\"N\":\"101\"}}" about:"the item after the change"`
	Old   string `default:"{\"Message\":{\"S\":\"Old item!\"},\"Id\":{\"N\":\"101\"}}" about:"the item before the change"`
	View  string `default:"NEW_AND_OLD_IMAGES" about:"the stream's view: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES"`
}

func tables() []Sample {
	const page = "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"
	event := func(name string, expired bool) func(*maker, tableParams) any {
		return func(m *maker, p tableParams) any {
			c := tableChange{
				ApproximateCreationDateTime: float64(m.Time.Unix()), Keys: parsed[item](m, "keys", p.Keys), SequenceNumber: m.number(24), StreamViewType: p.View,
			}
			if name != "REMOVE" && strings.Contains(p.View, "NEW") {
				c.NewImage = parsed[item](m, "new", p.New)
			}
			if name != "INSERT" && strings.Contains(p.View, "OLD") {
				c.OldImage = parsed[item](m, "old", p.Old)
			}
			for _, i := range []item{c.Keys, c.NewImage, c.OldImage} {
				c.SizeBytes += i.size()
			}
			r := tableRecord{
				EventID: m.hex(32), EventName: name, EventVersion: "1.1", EventSource: "aws:dynamodb", AWSRegion: m.Region, Change: c,
				EventSourceARN: m.arn("dynamodb", "table/"+p.Table+"/stream/"+m.Time.UTC().Format("2006-01-02T15:04:05.000")),
			}
			if expired {
				r.UserIdentity = &tableIdentity{"Service", "dynamodb.amazonaws.com"}
			}
			return tableEvent{[]tableRecord{r}}
		}
	}
	return []Sample{
		define("dynamodb:insert", page, "an item was put into a table", event("INSERT", false)),
		define("dynamodb:modify", page, "an item of a table was changed", event("MODIFY", false)),
		define("dynamodb:remove", page, "an item of a table was deleted", event("REMOVE", false)),
		define("dynamodb:ttl", page, "an item of a table has expired", event("REMOVE", true)),
	}
}

// size is about as large as DynamoDB says that an item is.
func (i item) size() (n int64) {
	for k, v := range i {
		n += int64(len(k))
		var value map[string]json.RawMessage
		if json.Unmarshal(v, &value) == nil {
			for _, inner := range value {
				n += int64(len(strings.Trim(string(inner), `"`)))
			}
		}
	}
	return n
}
