package cloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/stack"
)

// said are the properties that callers are read from, of whichever type: a template's
// own words, with numbers and switches as it writes them.
type said struct {
	FunctionName, EventSourceArn string // AWS::Lambda::EventSourceMapping and EventInvokeConfig
	BatchSize, Enabled           any
	DestinationConfig            struct{ OnSuccess, OnFailure struct{ Destination string } }

	TopicArn, Protocol, Endpoint string // AWS::SNS::Subscription
	FilterPolicy                 json.RawMessage
	Subscription                 []struct{ Protocol, Endpoint string } // AWS::SNS::Topic

	EventBusName, ScheduleExpression, State string // AWS::Events::Rule
	EventPattern                            json.RawMessage
	Targets                                 []struct{ Arn string }

	ScheduleExpressionTimezone string // AWS::Scheduler::Schedule
	Target                     struct{ Arn string }

	LogGroupName, DestinationArn, FilterPattern string   // AWS::Logs::SubscriptionFilter
	AlarmActions, OKActions                     []string // AWS::CloudWatch::Alarm
	InsufficientDataActions                     []string
	SecretID                                    string `json:"SecretId"` // AWS::SecretsManager::RotationSchedule
	RotationLambdaARN                           string
	Name                                        string // AWS::ApiGateway::Authorizer
	AuthorizerURI                               string `json:"AuthorizerUri"`
}

// callers finds in the resources of stacks what calls functions, but for the routes of
// APIs, by the functions' names.
func callers(resources []*stack.Resource) map[string][]control.Resource {
	out := map[string][]control.Resource{}
	for _, r := range resources {
		p, ok := read[said](r)
		if !ok {
			continue
		}
		for function, c := range p.calls(r) {
			out[function] = append(out[function], c)
		}
	}
	for _, cs := range out {
		slices.SortFunc(cs, func(a, b control.Resource) int {
			return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Detail, b.Detail))
		})
	}
	return out
}

// calls are the functions that one resource has called, each with what it is to them.
func (p *said) calls(r *stack.Resource) map[string]control.Resource {
	out := map[string]control.Resource{}
	call := func(function, kind, name, id, detail string) {
		if f, ok := functionIn(function); ok {
			out[f] = control.Resource{Kind: kind, Name: name, ID: id, Detail: detail}
		}
	}
	switch r.Type {
	case "AWS::Lambda::EventSourceMapping":
		p.mapping(out)
	case "AWS::Lambda::EventInvokeConfig":
		call(p.DestinationConfig.OnSuccess.Destination, "function", p.FunctionName, "", "when it succeeds")
		call(p.DestinationConfig.OnFailure.Destination, "function", p.FunctionName, "", "when it fails")
	case "AWS::SNS::Subscription":
		call(p.Endpoint, "topic", arn.ARN(p.TopicArn).Resource(), p.TopicArn, matching(p.FilterPolicy))
	case "AWS::SNS::Topic":
		for _, s := range p.Subscription {
			call(s.Endpoint, "topic", arn.ARN(r.PhysicalID).Resource(), r.PhysicalID, "")
		}
	case "AWS::Events::Rule":
		kind, name, detail := "rule", attribute(r, "RuleName"), "on bus "+p.bus()
		if p.ScheduleExpression != "" {
			kind, detail = "schedule", p.ScheduleExpression
		} else if m := matching(p.EventPattern); m != "" {
			detail += ": " + m
		}
		for _, t := range p.Targets {
			call(t.Arn, kind, name, attribute(r, "Arn"), p.unless("DISABLED", detail))
		}
	case "AWS::Scheduler::Schedule":
		call(p.Target.Arn, "schedule", r.PhysicalID, attribute(r, "Arn"), p.unless("DISABLED", strings.TrimSpace(p.ScheduleExpression+" "+p.ScheduleExpressionTimezone)))
	case "AWS::Logs::SubscriptionFilter":
		call(p.DestinationArn, "log group", p.LogGroupName, "", p.FilterPattern)
	case "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm":
		for _, a := range slices.Concat(p.AlarmActions, p.OKActions, p.InsufficientDataActions) {
			call(a, "alarm", r.PhysicalID, attribute(r, "Arn"), "")
		}
	case "AWS::SecretsManager::RotationSchedule":
		call(p.RotationLambdaARN, "secret", arn.ARN(p.SecretID).ResourceID(), p.SecretID, "to rotate it")
	case "AWS::ApiGateway::Authorizer", "AWS::ApiGatewayV2::Authorizer":
		call(p.AuthorizerURI, "authorizer", p.Name, r.PhysicalID, "")
	}
	return out
}

// mapping is a queue or a stream that is read for a function, which may be named in
// any form.
func (p *said) mapping(out map[string]control.Resource) {
	function, ok := functionIn(p.FunctionName)
	if !ok {
		function, _, _ = strings.Cut(p.FunctionName, ":")
	}
	source := arn.ARN(p.EventSourceArn)
	c := control.Resource{Kind: "queue", Name: source.Resource(), ID: p.EventSourceArn}
	if source.Service() != "sqs" {
		c.Kind = "stream"
		c.Name, _, _ = strings.Cut(source.ResourceID(), "/")
	}
	if p.BatchSize != nil {
		c.Detail = fmt.Sprintf("up to %v at a time", p.BatchSize)
	}
	if fmt.Sprint(p.Enabled) == "false" {
		c.Detail = "disabled"
	}
	out[function] = c
}

// bus is the name of a rule's bus.
func (p *said) bus() string {
	if a := arn.ARN(p.EventBusName); a.Service() == "events" {
		return a.ResourceID()
	}
	return cmp.Or(p.EventBusName, "default")
}

// unless is a detail of what may be off, and says that alone when it is.
func (p *said) unless(off, detail string) string {
	if p.State == off {
		return "disabled"
	}
	return detail
}

// matching is a pattern or a filter in one line: in words where it is of plain values,
// else as it is.
func matching(pattern json.RawMessage) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(pattern, &fields) != nil {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var values []string
		if json.Unmarshal(fields[name], &values) != nil {
			var line bytes.Buffer
			_ = json.Compact(&line, pattern) // it was read
			return line.String()
		}
		parts = append(parts, name+" "+strings.Join(values, " or "))
	}
	return strings.Join(parts, ", ")
}

// functionIn is the name of the function that an ARN names, its own or that of the
// invocation of a function by API Gateway.
func functionIn(text string) (name string, ok bool) {
	_, rest, ok := strings.Cut(text, ":function:")
	name, _, _ = strings.Cut(rest, ":")
	name, _, _ = strings.Cut(name, "/")
	return name, ok && strings.Contains(text, ":lambda:")
}

// read reads properties of a resource that there is; those that are not what is
// expected are left out, since this is only for people to read.
func read[P any](r *stack.Resource) (*P, bool) {
	var p P
	if r.PhysicalID == "" || r.Status == stack.DeleteComplete || r.Status == stack.DeleteSkipped {
		return nil, false
	}
	var mismatch *json.UnmarshalTypeError
	err := json.Unmarshal(r.Properties, &p)
	return &p, err == nil || errors.As(err, &mismatch) || len(r.Properties) == 0
}

// attribute is an attribute of a resource that is text.
func attribute(r *stack.Resource, name string) string {
	text, _ := r.Attrs[name].(string)
	return text
}
