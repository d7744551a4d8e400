package sqs

import (
	"maps"
	"strconv"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/policy"
)

// checkAttributes checks attributes that are to be set, by themselves; fifo says of
// what kind the queue is. An empty value takes an attribute away.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func checkAttributes(given map[string]string, fifo bool) error {
	for _, name := range sortedKeys(given) {
		if err := checkAttribute(name, given[name], fifo); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(name, v string, fifo bool) error {
	number := func(lo, hi int) error {
		if n, err := strconv.Atoi(v); err != nil || n < lo || n > hi {
			return badAttribute(name)
		}
		return nil
	}
	boolean := func() error {
		if v != "true" && v != "false" {
			return badAttribute(name)
		}
		return nil
	}
	switch name {
	case "VisibilityTimeout":
		return number(0, 43200)
	case "DelaySeconds":
		return number(0, 900)
	case "MessageRetentionPeriod":
		return number(60, 1209600)
	case "MaximumMessageSize":
		return number(1024, maxSize)
	case "ReceiveMessageWaitTimeSeconds":
		return number(0, 20)
	case "KmsDataKeyReusePeriodSeconds":
		return number(60, 86400)
	case "KmsMasterKeyId":
		return nil
	case "SqsManagedSseEnabled":
		return boolean()
	case "Policy":
		return checkPolicy(v)
	case "RedrivePolicy":
		_, err := parseRedrive(v)
		return err
	case "RedriveAllowPolicy":
		_, err := parseAllow(v)
		return err
	case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		if !fifo {
			return fault.New("InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	default:
		return fault.New("InvalidAttributeName", "Unknown Attribute %s.", name)
	}
	switch name {
	case "DeduplicationScope":
		if v != "queue" && v != "messageGroup" {
			return badAttribute(name)
		}
	case "FifoThroughputLimit":
		if v != "perQueue" && v != "perMessageGroupId" {
			return badAttribute(name)
		}
	default:
		return boolean()
	}
	return nil
}

func checkPolicy(text string) error {
	if text == "" {
		return nil
	}
	if _, err := policy.Parse(policy.Resource, text); err != nil {
		return badAttribute("Policy")
	}
	return nil
}

// merged returns a queue's attributes with what is given. SSE is with keys of KMS
// or with SQS's own, never both; high throughput limits groups and deduplicates by
// them.
func merged(had, given map[string]string) (map[string]string, error) {
	a := maps.Clone(had)
	if a == nil {
		a = make(map[string]string, len(given))
	}
	for k, v := range given {
		if v == "" {
			delete(a, k)
		} else {
			a[k] = v
		}
	}
	switch {
	case given["KmsMasterKeyId"] != "" && given["SqsManagedSseEnabled"] == "true":
		return nil, invalid("You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	case given["KmsMasterKeyId"] != "":
		delete(a, "SqsManagedSseEnabled")
	case given["SqsManagedSseEnabled"] == "true":
		delete(a, "KmsMasterKeyId")
	}
	if a["FifoThroughputLimit"] == "perMessageGroupId" && a["DeduplicationScope"] != "messageGroup" {
		return nil, invalid("The perMessageGroupId value for the FifoThroughputLimit attribute is allowed only when the value for the DeduplicationScope attribute is messageGroup.")
	}
	return a, nil
}

// described are a queue's attributes as they are shown, but for those that count.
func (q *queue) described() map[string]string {
	st := &q.settings
	seconds := func(d interface{ Seconds() float64 }) string { return strconv.Itoa(int(d.Seconds())) }
	out := map[string]string{
		"QueueArn": string(q.arn()), "CreatedTimestamp": strconv.FormatInt(q.Created.Unix(), 10), "LastModifiedTimestamp": strconv.FormatInt(q.Modified.Unix(), 10),
		"VisibilityTimeout": seconds(st.visibility), "DelaySeconds": seconds(st.delay), "MessageRetentionPeriod": seconds(st.retention),
		"ReceiveMessageWaitTimeSeconds": seconds(st.wait), "MaximumMessageSize": strconv.Itoa(st.size),
	}
	for _, name := range [...]string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"} {
		if v := q.Attributes[name]; v != "" {
			out[name] = v
		}
	}
	if out["KmsMasterKeyId"] != "" {
		out["SqsManagedSseEnabled"] = "false"
		out["KmsDataKeyReusePeriodSeconds"] = or(out["KmsDataKeyReusePeriodSeconds"], "300")
	} else {
		out["SqsManagedSseEnabled"] = or(q.Attributes["SqsManagedSseEnabled"], "true")
	}
	if st.fifo {
		out["FifoQueue"] = "true"
		out["ContentBasedDeduplication"] = strconv.FormatBool(st.contentDedup)
		out["DeduplicationScope"] = or(q.Attributes["DeduplicationScope"], "queue")
		out["FifoThroughputLimit"] = or(q.Attributes["FifoThroughputLimit"], "perQueue")
	}
	return out
}

// isAttribute reports whether there is an attribute of a name, of one kind of queue
// or the other.
func isAttribute(name string) bool {
	switch name {
	case "All", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed", "CreatedTimestamp",
		"LastModifiedTimestamp", "QueueArn", "Policy", "VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod", "DelaySeconds",
		"ReceiveMessageWaitTimeSeconds", "RedrivePolicy", "FifoQueue", "ContentBasedDeduplication", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds",
		"DeduplicationScope", "FifoThroughputLimit", "RedriveAllowPolicy", "SqsManagedSseEnabled":
		return true
	}
	return false
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
