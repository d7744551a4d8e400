package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/pattern"
	"github.com/nube-run/nube/internal/record"
)

// event is an event that has come to a bus.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
type event struct {
	bus     bus
	id      string
	json    []byte        // as targets get it
	at      clock.Instant // when it came
	cause   record.Cause
	relayed bool // it came from a rule of another bus

	parsed *pattern.Event
}

// content is what an event's JSON is made of.
type content struct {
	ID, DetailType, Source, Account, Region string
	Time                                    clock.Instant
	Resources                               []string
	Detail                                  []byte // an object
	Replay                                  string
}

const timeFormat = "2006-01-02T15:04:05Z"

// encode writes the members in AWS's order.
func (c *content) encode() []byte {
	b := append(make([]byte, 0, 256+len(c.Detail)), `{"version":"0"`...)
	member := func(name, v string) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = wire.AppendString(b, v)
	}
	member("id", c.ID)
	member("detail-type", c.DetailType)
	member("source", c.Source)
	member("account", c.Account)
	member("time", c.Time.Time().Format(timeFormat))
	member("region", c.Region)
	b = append(b, `,"resources":[`...)
	for i, r := range c.Resources {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, r)
	}
	b = append(b, ']')
	if c.Replay != "" {
		member("replay-name", c.Replay)
	}
	b = append(b, `,"detail":`...)
	return append(append(b, c.Detail...), '}')
}

// compactObject is a JSON object without the space between its tokens; false
// for what is none.
func compactObject(text string) ([]byte, bool) {
	var b bytes.Buffer
	b.Grow(len(text))
	if json.Compact(&b, []byte(text)) != nil || b.Bytes()[0] != '{' {
		return nil, false
	}
	return b.Bytes(), true
}

// fields are what patterns see of the event.
func (e *event) fields() (*pattern.Event, error) {
	if e.parsed == nil {
		p, err := pattern.Parse(e.json)
		if err != nil {
			return nil, fmt.Errorf("events: event %s: %w", e.id, err)
		}
		e.parsed = p
	}
	return e.parsed, nil
}

// idOf makes a UUID of what something is made of, so that who makes it twice
// makes the same.
func idOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	sum := h.Sum(nil)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8: made of something else
	x := hex.EncodeToString(sum[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// checkTestEvent refuses what TestEventPattern takes for no event.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
func checkTestEvent(text string) error {
	var doc map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &doc) != nil {
		return invalid("Parameter Event is not valid.")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
		if _, ok := doc[name]; !ok {
			return invalid("Parameter Event is not valid. Reason: %s is a required argument.", name)
		}
	}
	return nil
}
