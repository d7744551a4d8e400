package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/fault"
)

// logsScheme is that of log groups.
const logsScheme = "events-logs"

// logGroups is delivery's receiver of events for log groups. EventBridge puts
// each into a stream of its own, as itself: it is CloudWatch Logs' resource
// policies that let it on AWS, and nube's log groups take it without.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html
type logGroups struct{ s *Service }

// logHead is what stands before an event for a log group.
type logHead struct{ Event string }

// Scheme implements [delivery.Receiver].
func (logGroups) Scheme() string { return logsScheme }

// Limits implements [delivery.Limiter].
func (logGroups) Limits(string) delivery.Limits { return delivery.Limits{Batch: 1} }

// groupOf is the name of a log group from its ARN, empty for none.
func groupOf(text string) string {
	a, err := arn.Parse(text)
	if err != nil {
		return ""
	}
	name, ok := strings.CutPrefix(a.Resource(), "log-group:")
	if !ok || a.Service() != "logs" {
		return ""
	}
	return strings.TrimSuffix(name, ":*")
}

// Accept implements [delivery.Accepter].
func (r logGroups) Accept(ctx context.Context, es []delivery.Effect) []delivery.Outcome {
	out := make([]delivery.Outcome, len(es))
	for i := range es {
		if err := r.accept(ctx, &es[i]); err != nil {
			out[i] = outcome(err)
		}
	}
	return out
}

func (r logGroups) accept(ctx context.Context, f *delivery.Effect) error {
	var head logHead
	body, err := cutHead(f.Payload, &head)
	if err != nil {
		return err
	}
	target := strings.TrimPrefix(f.Target, logsScheme+":")
	group := groupOf(target)
	// As the account that the group and the rule are of: a role that a target
	// has is for others to judge.
	who := actorOf(f)
	if who.Principal.Service == principal {
		if who.Account != arn.ARN(target).Account() {
			return fault.New("AccessDeniedException", "%s is of another account than the rule", target)
		}
		who = awsapi.RootOf(who.Account)
	}
	ctx = awsapi.With(ctx, &awsapi.Call{ID: f.ID, Scope: arn.ARN(target).Scope(), Actor: who})
	stream := head.Event
	_, err = awsapi.Do(ctx, r.s.front, logs.CreateLogStream, &logs.CreateLogStreamRequest{LogGroupName: &group, LogStreamName: &stream})
	if err != nil && !fault.Is(err, "ResourceAlreadyExistsException") {
		return fmt.Errorf("log stream for %s: %w", target, err)
	}
	_, err = awsapi.Do(ctx, r.s.front, logs.PutLogEvents, &logs.PutLogEventsRequest{
		LogGroupName: &group, LogStreamName: &stream,
		LogEvents: []logs.InputLogEvent{{Timestamp: ptr(f.At.UnixMilli()), Message: ptr(string(body))}},
	})
	if err != nil {
		return fmt.Errorf("log event for %s: %w", target, err)
	}
	return nil
}

var _ interface {
	delivery.Accepter
	delivery.Limiter
} = logGroups{}
