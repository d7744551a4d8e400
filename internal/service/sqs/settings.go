package sqs

import (
	"encoding/json"
	"strconv"
	"time"
)

// settings are a queue's attributes as they are used.
type settings struct {
	visibility, delay, retention, wait time.Duration
	size                               int
	fifo, contentDedup, groupScope     bool
	redrive                            *redrivePolicy
}

// Defaults and limits of attributes.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
const (
	maxSize       = 1 << 20 // of a message, and of a batch
	maxVisibility = 12 * time.Hour
	maxDelay      = 15 * time.Minute
	maxWait       = 20 * time.Second
)

// redrivePolicy is the attribute RedrivePolicy.
type redrivePolicy struct {
	Target string
	Max    int
}

// settingsOf reads attributes that were checked when they were set.
func settingsOf(a map[string]string, n name) settings {
	seconds := func(attribute string, otherwise int) time.Duration {
		if v, err := strconv.Atoi(a[attribute]); err == nil {
			otherwise = v
		}
		return time.Duration(otherwise) * time.Second
	}
	st := settings{
		visibility: seconds("VisibilityTimeout", 30), delay: seconds("DelaySeconds", 0), retention: seconds("MessageRetentionPeriod", 345600),
		wait: seconds("ReceiveMessageWaitTimeSeconds", 0), size: maxSize, fifo: n.fifo(),
		contentDedup: a["ContentBasedDeduplication"] == "true", groupScope: a["DeduplicationScope"] == "messageGroup",
	}
	if v, err := strconv.Atoi(a["MaximumMessageSize"]); err == nil {
		st.size = v
	}
	if p, err := parseRedrive(a["RedrivePolicy"]); err == nil {
		st.redrive = p
	}
	return st
}

// parseRedrive reads a RedrivePolicy; nil for an empty one. maxReceiveCount may be
// written as a number or as text.
func parseRedrive(text string) (*redrivePolicy, error) {
	if text == "" {
		return nil, nil
	}
	var p struct {
		Target *string         `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, badValue(text, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
	}
	if p.Target == nil {
		return nil, badValue(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if p.Max == nil {
		return nil, badValue(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	digits := string(p.Max)
	if unquoted, err := strconv.Unquote(digits); err == nil {
		digits = unquoted
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 1000 {
		return nil, badValue(text, "RedrivePolicy", "Invalid value for maxReceiveCount: "+digits+", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrivePolicy{Target: *p.Target, Max: n}, nil
}

// allowPolicy is the attribute RedriveAllowPolicy.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

// parseAllow reads a RedriveAllowPolicy.
func parseAllow(text string) (*allowPolicy, error) {
	p := &allowPolicy{Permission: "allowAll"}
	if text == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, badValue(text, "RedriveAllowPolicy", "Redrive allow policy is not a valid JSON map.")
	}
	by := p.Permission == "byQueue"
	switch {
	case p.Permission != "allowAll" && p.Permission != "denyAll" && !by:
		return nil, badValue(text, "RedriveAllowPolicy", "Unexpected value for redrivePermission. Valid values are allowAll, denyAll and byQueue.")
	case by != (len(p.Sources) > 0):
		return nil, badValue(text, "RedriveAllowPolicy", "sourceQueueArns must be given with the redrivePermission byQueue, and with no other.")
	case len(p.Sources) > 10:
		return nil, badValue(text, "RedriveAllowPolicy", "sourceQueueArns can have 10 ARNs at most.")
	}
	return p, nil
}

// allows reports whether a queue may have this one for its dead-letter queue.
func (p *allowPolicy) allows(source string) bool {
	if p.Permission != "byQueue" {
		return p.Permission == "allowAll"
	}
	for _, a := range p.Sources {
		if a == source {
			return true
		}
	}
	return false
}
