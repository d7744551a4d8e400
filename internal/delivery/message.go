package delivery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// KindMessage marks effects to a queue whose payload is a [Message]. The payload
// of others is the body of a message that has nothing else.
const KindMessage = "message"

// Message is what arrives in a queue. As the payload of an effect it is a line
// of JSON, followed by the body; the line can be the effect's head, so that many
// queues share the body.
type Message struct {
	Group      string                      `json:",omitempty"` // MessageGroupId
	Dedup      string                      `json:",omitempty"` // MessageDeduplicationId
	Attributes map[string]MessageAttribute `json:",omitempty"`
	Subject    string                      `json:",omitempty"` // of what goes to a topic

	Body []byte `json:"-"`
}

// MessageAttribute is a message attribute of SQS.
type MessageAttribute struct {
	Type   string // such as String, Number.int or Binary
	Text   string `json:",omitempty"`
	Binary []byte `json:",omitempty"`
}

// Head is the line before the body.
func (m *Message) Head() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	return append(b, '\n'), nil
}

// Message is the message that an effect brings to a queue.
func (e *Effect) Message() (*Message, error) {
	if e.Kind != KindMessage {
		return &Message{Body: e.Payload}, nil
	}
	head, body, ok := bytes.Cut(e.Payload, []byte("\n"))
	m := &Message{Body: body}
	if err := json.Unmarshal(head, m); err != nil || !ok {
		return nil, errors.Join(errors.New("delivery: the payload is no message for a queue"), err)
	}
	return m, nil
}
