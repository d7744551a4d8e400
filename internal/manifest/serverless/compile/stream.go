package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// streamEvents compiles the DynamoDB and Kinesis streams that call functions.
func (s *service) streamEvents() {
	for _, f := range s.functions {
		grants := streamGrants()
		for _, e := range f.events("stream") {
			s.stream(e, grants)
		}
		for _, g := range grants {
			if s.role != nil && len(g.resources) > 0 {
				s.role.allow(f.pos, "Allow", g.actions, g.resources)
			}
		}
	}
}

// grant is a statement of the shared role under construction.
type grant struct {
	kind      string
	actions   []string
	resources []any
}

// streamGrants are the statements that the streams of one function need, in the order in which they are added.
func streamGrants() []*grant {
	return []*grant{
		{kind: "dynamodb", actions: []string{"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"}},
		{kind: "kinesis", actions: []string{"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListStreams"}},
		{kind: "consumed", actions: []string{"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStreamSummary", "kinesis:ListShards"}},
		{kind: "consumer", actions: []string{"kinesis:SubscribeToShard"}},
		{kind: "sns", actions: []string{"sns:Publish"}},
		{kind: "sqs", actions: []string{"sqs:ListQueues", "sqs:SendMessage"}},
	}
}

func need(grants []*grant, kind string, resource any) {
	for _, g := range grants {
		if g.kind == kind {
			g.resources = append(g.resources, resource)
		}
	}
}

// arnService returns the service of a plain ARN, or "".
func arnService(arn *template.Value) string {
	if parts := strings.Split(arn.Text, ":"); isText(arn) && len(parts) > 2 {
		return parts[2]
	}
	return ""
}

func (s *service) stream(e event, grants []*grant) {
	c, arn := e.conf, e.conf
	if isMap(c) {
		arn = c.Get("arn")
	}
	kind := str(c, "type")
	if kind == "" {
		if kind = arnService(arn); kind == "" {
			s.report(template.Errorf(e.pos, "the type of the stream is not known").WithHint("add type: dynamodb or type: kinesis"))
			return
		}
	}
	name := sourceName(arn, "/")
	if isText(arn) {
		if parts := strings.Split(arn.Text, "/"); len(parts) > 1 {
			name = parts[1]
		}
	}
	if name == "" {
		s.unnamed(arn, "stream")
		return
	}
	consumer := or(c.Get("consumer"))
	switch {
	case kind == "dynamodb":
		need(grants, "dynamodb", arn)
	case consumer != nil:
		need(grants, "consumed", arn)
	default:
		need(grants, "kinesis", arn)
	}
	var position any = "TRIM_HORIZON"
	if v := or(c.Get("startingPosition")); v != nil {
		position = v
	}
	m := s.resources.put(normalize(e.fn.key)+"EventSourceMapping"+upperFirst(kind)+alphanumeric(name), e.pos, obj{
		{"Type", "AWS::Lambda::EventSourceMapping"},
		{"DependsOn", s.mappingAfter(e.fn)},
		{"Properties", obj{
			{"BatchSize", orDefault(10, c.Get("batchSize"))},
			{"Enabled", enabled(c)},
			{"EventSourceArn", arn},
			{"FunctionName", e.fn.target()},
			{"ParallelizationFactor", or(c.Get("parallelizationFactor"))},
			{"StartingPosition", position},
			{"MaximumBatchingWindowInSeconds", set(c.Get("batchWindow"))},
			{"MaximumRetryAttempts", set(c.Get("maximumRetryAttempts"))},
			{"BisectBatchOnFunctionError", set(c.Get("bisectBatchOnFunctionError"))},
			{"FunctionResponseTypes", listOf(set(c.Get("functionResponseType")))},
			{"MaximumRecordAgeInSeconds", or(c.Get("maximumRecordAgeInSeconds"))},
			{"TumblingWindowInSeconds", set(c.Get("tumblingWindowInSeconds"))},
			{"DestinationConfig", s.streamFailure(c, grants)},
			{"FilterCriteria", filterCriteria(c.Get("filterPatterns"))},
		}},
	})
	if consumer != nil && kind == "kinesis" {
		s.streamConsumer(e, m, consumer, arn, name, grants)
	}
}

// streamFailure returns where records go that could not be processed.
func (s *service) streamFailure(c *template.Value, grants []*grant) any {
	v := or(c.Get("destinations", "onFailure"))
	if v == nil {
		return nil
	}
	arn, kind := v, str(v, "type")
	if isMap(v) {
		arn = v.Get("arn")
	}
	if kind == "" {
		kind = arnService(arn)
	}
	if kind != "sns" {
		kind = "sqs"
	}
	need(grants, kind, arn)
	return obj{{"OnFailure", obj{{"Destination", arn}}}}
}

// streamConsumer lets the mapping read through a consumer with a throughput of its own, which is made unless it is given.
func (s *service) streamConsumer(e event, m *entry, consumer, arn *template.Value, name string, grants []*grant) {
	var source any = consumer
	if !isText(consumer) && !isMap(consumer) {
		consumerName := e.fn.key + name
		if str(s.provider, "kinesis", "consumerNamingMode") != "" {
			consumerName += s.name + s.stage
		}
		consumerName += "Consumer"
		id := normalize(consumerName) + "StreamConsumer"
		s.resources.put(id, e.pos, obj{
			{"Type", "AWS::Kinesis::StreamConsumer"},
			{"Properties", obj{{"StreamARN", arn}, {"ConsumerName", consumerName}}},
		})
		m.set("DependsOn", append(s.mappingAfter(e.fn), id))
		source = ref(id)
	}
	m.property("EventSourceArn", source)
	need(grants, "consumer", source)
	at := or(e.conf.Get("startingPositionTimestamp"))
	if str(e.conf, "startingPosition") == "AT_TIMESTAMP" && at == nil {
		s.errorf(e.pos, "startingPosition AT_TIMESTAMP needs startingPositionTimestamp")
	}
	if at != nil {
		m.property("StartingPositionTimestamp", at)
	}
}
