package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/stack"
)

// has are the properties of what an application has beside its functions.
type has struct {
	RedrivePolicy json.RawMessage // AWS::SQS::Queue

	TopicArn, Protocol, Endpoint string // AWS::SNS::Subscription
	Subscription                 []struct{ Protocol, Endpoint string }

	EventBusName string // AWS::Events::Rule
	Targets      []struct{ Arn string }

	KeySchema           []struct{ AttributeName string } // AWS::DynamoDB::Table
	StreamSpecification any
}

// beside lists the queues, topics, buses and tables among the resources of stacks, in
// this order and by name; with whom topics and buses send to, functions excepted,
// which say that themselves.
func beside(resources []*stack.Resource) []control.Resource {
	kinds := []string{"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::Events::EventBus", "AWS::DynamoDB::Table"}
	found := make([][]control.Resource, len(kinds))
	hear := map[string][]string{} // by a topic's ARN or a bus's name
	for _, r := range resources {
		p, ok := read[has](r)
		if !ok {
			continue
		}
		p.sends(r, hear)
		if i := slices.Index(kinds, r.Type); i >= 0 {
			found[i] = append(found[i], p.shown(r))
		}
	}
	out := []control.Resource{}
	for _, of := range found {
		slices.SortFunc(of, func(a, b control.Resource) int { return strings.Compare(a.Name, b.Name) })
		for _, r := range of {
			to := hear[r.ID]
			if r.Kind == "bus" {
				to = hear[r.Name]
			}
			slices.Sort(to)
			if to = slices.Compact(to); len(to) > 0 {
				r.Detail = "to " + strings.Join(to, ", ")
			}
			out = append(out, r)
		}
	}
	return out
}

// shown is a queue, a topic, a bus or a table.
func (p *has) shown(r *stack.Resource) control.Resource {
	switch r.Type {
	case "AWS::SQS::Queue":
		return control.Resource{Kind: "queue", Name: attribute(r, "QueueName"), ID: attribute(r, "Arn"), Detail: p.redrive()}
	case "AWS::SNS::Topic":
		return control.Resource{Kind: "topic", Name: arn.ARN(r.PhysicalID).Resource(), ID: r.PhysicalID}
	case "AWS::Events::EventBus":
		return control.Resource{Kind: "bus", Name: r.PhysicalID, ID: attribute(r, "Arn")}
	}
	key := []string{}
	for _, k := range p.KeySchema {
		key = append(key, k.AttributeName)
	}
	detail := "key " + strings.Join(key, ", ")
	if p.StreamSpecification != nil {
		detail += "; with a stream"
	}
	return control.Resource{Kind: "table", Name: r.PhysicalID, ID: attribute(r, "Arn"), Detail: detail}
}

// redrive says where the messages of a queue end that nobody can process.
func (p *has) redrive() string {
	text := p.RedrivePolicy
	var quoted string
	if json.Unmarshal(text, &quoted) == nil {
		text = json.RawMessage(quoted)
	}
	var policy struct {
		To    string `json:"deadLetterTargetArn"`
		After any    `json:"maxReceiveCount"`
	}
	if json.Unmarshal(text, &policy) != nil || policy.To == "" {
		return ""
	}
	return fmt.Sprintf("a message received %v times goes to %s", policy.After, arn.ARN(policy.To).Resource())
}

// sends notes whom a subscription, a topic or a rule sends to.
func (p *has) sends(r *stack.Resource, hear map[string][]string) {
	add := func(from, protocol, to string) {
		a := arn.ARN(to)
		switch {
		case a.Service() == "lambda":
			return
		case protocol == "":
			to = a.Service() + " " + a.ResourceID()
		case a.Resource() != "":
			to = protocol + " " + a.Resource()
		default:
			to = protocol + " " + to
		}
		hear[from] = append(hear[from], to)
	}
	switch r.Type {
	case "AWS::SNS::Subscription":
		add(p.TopicArn, p.Protocol, p.Endpoint)
	case "AWS::SNS::Topic":
		for _, s := range p.Subscription {
			add(r.PhysicalID, s.Protocol, s.Endpoint)
		}
	case "AWS::Events::Rule":
		bus := (&said{EventBusName: p.EventBusName}).bus()
		for _, t := range p.Targets {
			add(bus, "", t.Arn)
		}
	}
}
