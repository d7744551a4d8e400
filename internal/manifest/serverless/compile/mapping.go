package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// part returns the element of a list of texts at an index from the end (0 is the last), or "".
func last(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[len(parts)-1]
}

// sourceName returns what the ARN of an event source names it, for logical ids.
func sourceName(arn *template.Value, separator string) string {
	fn, arg, ok := arn.Call()
	if !ok {
		return last(strings.Split(arn.Text, separator))
	}
	switch fn {
	case "Fn::GetAtt":
		if len(arg.Items) > 0 {
			return arg.Items[0].Text
		}
	case "Fn::ImportValue", "Ref":
		return arg.Text
	case "Fn::Join":
		if len(arg.Items) == 2 && len(arg.Items[1].Items) > 0 {
			parts := arg.Items[1].Items
			return last(strings.Split(parts[len(parts)-1].Text, separator))
		}
	}
	return ""
}

// mappingAfter is the DependsOn of an event source mapping: it is checked against the role when it is made.
func (s *service) mappingAfter(f *function) []string {
	after := []string{}
	if id := s.roleResource(f); id != "" {
		after = append(after, id)
	}
	if f.alias != nil {
		after = append(after, f.alias.id)
	}
	return after
}

// enabled returns whether an event source is polled.
func enabled(c *template.Value) any {
	if v := set(c.Get("enabled")); v != nil {
		return v
	}
	return true
}

func filterCriteria(v *template.Value) any {
	if !truthy(v) {
		return nil
	}
	filters := []any{}
	for _, pattern := range v.Items {
		filters = append(filters, obj{{"Pattern", json(pattern)}})
	}
	return obj{{"Filters", filters}}
}

// sqsEvents compiles the queues that call functions.
func (s *service) sqsEvents() {
	var sources []any
	pos := s.pos
	for _, e := range s.events("sqs") {
		arn := e.conf
		if isMap(e.conf) {
			arn = e.conf.Get("arn")
		}
		name := sourceName(arn, ":")
		if name == "" {
			s.unnamed(arn, "queue")
			continue
		}
		var scaling any
		if v := or(e.conf.Get("maximumConcurrency")); v != nil {
			scaling = obj{{"MaximumConcurrency", v}}
		}
		s.resources.put(normalize(e.fn.key)+"EventSourceMappingSQS"+alphanumeric(name), e.pos, obj{
			{"Type", "AWS::Lambda::EventSourceMapping"},
			{"DependsOn", s.mappingAfter(e.fn)},
			{"Properties", obj{
				{"BatchSize", orDefault(10, e.conf.Get("batchSize"))},
				{"MaximumBatchingWindowInSeconds", set(e.conf.Get("maximumBatchingWindow"))},
				{"EventSourceArn", arn},
				{"FunctionName", e.fn.target()},
				{"Enabled", enabled(e.conf)},
				{"FunctionResponseTypes", listOf(set(e.conf.Get("functionResponseType")))},
				{"FilterCriteria", filterCriteria(e.conf.Get("filterPatterns"))},
				{"ScalingConfig", scaling},
			}},
		})
		sources, pos = append(sources, arn), e.pos
	}
	if s.role != nil && len(sources) > 0 {
		s.role.allow(pos, "Allow", []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, sources)
	}
}

// unnamed reports an event source that no logical id can be made of.
func (s *service) unnamed(arn *template.Value, what string) {
	s.report(template.Errorf(arn.Pos, "the %s of the event has no name to make a logical id of", what).
		WithHint("refer to it with !GetAtt, !ImportValue, !Join or a plain ARN"))
}
