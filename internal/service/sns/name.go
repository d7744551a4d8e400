package sns

import (
	"context"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
)

// name is a topic, or a subscription of it, by its ARN.
type name struct {
	scope arn.Scope
	topic string
	id    string // of the subscription; empty for the topic
}

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}

func (n name) space() space { return spaceOf(n.cell()) }

// arn is the topic's.
func (n name) arn() string { return string(n.scope.Of("sns", n.topic)) }

// of is the ARN of one of the topic's subscriptions.
func (n name) of(id string) string { return n.arn() + ":" + id }

func (n name) fifo() bool { return strings.HasSuffix(n.topic, fifoSuffix) }

const fifoSuffix = ".fifo"

// topicName reads the ARN of a topic in a parameter. It must be of the region
// that is called; only who has no credentials, and calls a link, calls none.
func topicName(ctx context.Context, parameter string, text *string) (name, error) {
	n, parts, err := readARN(ctx, parameter, text)
	if err != nil {
		return name{}, err
	}
	if parts != 6 {
		return name{}, invalid("%s", parameter)
	}
	return n, nil
}

// subscriptionName reads the ARN of a subscription.
func subscriptionName(ctx context.Context, text *string) (name, error) {
	n, parts, err := readARN(ctx, "SubscriptionArn", text)
	if err != nil {
		return name{}, err
	}
	if parts != 7 || n.id == "" {
		return name{}, invalid("SubscriptionId")
	}
	return n, nil
}

func readARN(ctx context.Context, parameter string, text *string) (name, int, error) {
	if text == nil {
		return name{}, 0, invalid("%s Reason: no value for required parameter", parameter)
	}
	parts := strings.Split(*text, ":")
	if len(parts) < 6 {
		return name{}, 0, invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, len(parts))
	}
	n := name{scope: arn.Scope{Partition: parts[1], Region: parts[3], Account: parts[4]}, topic: parts[5]}
	if len(parts) > 6 {
		n.id = parts[6]
	}
	call := awsapi.From(ctx)
	if parts[0] != "arn" || parts[2] != "sns" || n.topic == "" || !call.Actor.IsAnonymous() && n.scope.Region != call.Scope.Region {
		return name{}, 0, invalid("%s", parameter)
	}
	return n, len(parts), nil
}

// checkTopicName checks a new topic's name.
//
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
func checkTopicName(text string, fifo bool) *fault.Error {
	base, isFIFO := strings.CutSuffix(text, fifoSuffix)
	good := base != "" && len(text) <= 256 && strings.Trim(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
	switch {
	case fifo && !(good && isFIFO):
		return invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	case !good || isFIFO != fifo:
		return invalid("Topic Name")
	}
	return nil
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func ptr[T any](v T) *T { return &v }
