package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
)

// emitted remembers effects.
type emitted struct{ effects []delivery.Effect }

func (e *emitted) Emit(_ *kv.Tx, es ...delivery.Effect) error {
	e.effects = append(e.effects, es...)
	return nil
}

func (e *emitted) Delivers(target string) bool { return !strings.Contains(target, "nobody") }

// say puts messages into the stream s of the group g.
func (c *cloud) say(messages ...string) {
	c.t.Helper()
	type event struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var es []event
	for _, m := range messages {
		es = append(es, event{c.clock.Now().UnixMilli(), m})
	}
	b, err := json.Marshal(es)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do("PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":%s}`, b), nil)
}

// measured returns all metrics, one a line.
func (c *cloud) measured() []string {
	c.t.Helper()
	var out []string
	for p, err := range c.rec.Metrics.Read(c.ctx, record.MetricQuery{Account: testAccount, Region: testRegion}) {
		if err != nil {
			c.t.Fatal(err)
		}
		var dims []string
		for _, d := range p.Metric.Dims {
			dims = append(dims, d.Key+"="+d.Value)
		}
		out = append(out, fmt.Sprintf("%s/%s[%s] %s n=%v sum=%v fine=%v", p.Metric.Namespace, p.Metric.Name, strings.Join(dims, ","), p.Metric.Unit, p.Stat.Count, p.Stat.Sum, p.Metric.Fine))
	}
	slices.Sort(out)
	return out
}

func derivingCloud(t *testing.T) *cloud {
	c := newCloud(t)
	c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	c.do("CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, nil)
	return c
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func TestEmbeddedMetrics(t *testing.T) {
	c := derivingCloud(t)
	at := c.clock.Now().UnixMilli()
	line := func(directives, rest string) string {
		return fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[%s]},%s}`, at, directives, rest)
	}
	c.say(
		line(`{"Namespace":"App","Dimensions":[["fn"],["fn","stage"]],"Metrics":[{"Name":"ms","Unit":"Milliseconds","StorageResolution":1},{"Name":"n"}]}`, `"fn":"f","stage":"dev","ms":[1,2,3],"n":4`),
		line(`{"Namespace":"App","Dimensions":[[]],"Metrics":[{"Name":"none"}]}`, `"none":7`),
		line(`{"Namespace":"App","Dimensions":[["missing"]],"Metrics":[{"Name":"n"}]}`, `"n":1`),
		line(`{"Namespace":"App","Dimensions":[["fn"]],"Metrics":[{"Name":"text"}]}`, `"fn":"f","text":"x"`),
		line(`{"Namespace":"AWS/Lambda","Metrics":[{"Name":"n"}]}`, `"n":1`),
		strings.Replace(line(`{"Namespace":"App","Metrics":[{"Name":"old"}]}`, `"old":1`), fmt.Sprint(at), "1000", 1),
		`{"_aws":{"CloudWatchMetrics":"no"},"n":1}`, `{"CloudWatchMetrics"`, "no JSON",
	)
	want := []string{
		"App/ms[fn=f,stage=dev] Milliseconds n=3 sum=6 fine=true", "App/ms[fn=f] Milliseconds n=3 sum=6 fine=true",
		"App/n[fn=f,stage=dev]  n=1 sum=4 fine=false", "App/n[fn=f]  n=1 sum=4 fine=false", "App/none[]  n=1 sum=7 fine=false",
	}
	if diff := cmp.Diff(want, c.measured()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func FuzzEmbedded(f *testing.F) {
	f.Add(`{"_aws":{"CloudWatchMetrics":[{"Namespace":"A","Dimensions":[["d"]],"Metrics":[{"Name":"m"}]}]},"d":"x","m":[1]}`)
	f.Add(`{"_aws":null,"CloudWatchMetrics":1}`)
	c := newCloud(f)
	f.Fuzz(func(_ *testing.T, message string) {
		c.s.embedded(streamIn(testCell, "g", "s"), Written{At: c.clock.Now(), Message: message})
	})
}

func TestMetricFilters(t *testing.T) {
	c := derivingCloud(t)
	c.say("ERROR before the filter")
	c.do("PutMetricFilter", `{"logGroupName":"g","filterName":"errors","filterPattern":"ERROR","metricTransformations":[{"metricName":"errors","metricNamespace":"App","metricValue":"1","defaultValue":0,"unit":"Count"}]}`, nil)
	c.do("PutMetricFilter", `{"logGroupName":"g","filterName":"slow","filterPattern":"{ $.ms > 10 }","metricTransformations":[{"metricName":"ms","metricNamespace":"App","metricValue":"$.ms","dimensions":{"path":"$.path"}}]}`, nil)
	c.say("fine", "ERROR one", `{"ms":20,"path":"/a"}`, `{"ms":5,"path":"/a"}`, `{"ms":30}`, "ERROR two")
	want := []string{"App/errors[] Count n=3 sum=2 fine=false", "App/ms[path=/a]  n=1 sum=20 fine=false"}
	if diff := cmp.Diff(want, c.measured()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	var list struct{ MetricFilters []struct{ FilterName string } }
	c.do("DescribeMetricFilters", `{"metricName":"ms","metricNamespace":"App"}`, &list)
	if len(list.MetricFilters) != 1 || list.MetricFilters[0].FilterName != "slow" {
		t.Errorf("%+v", list)
	}
	if got := c.try("DescribeLogGroups", `{}`); !strings.Contains(got, `"metricFilterCount":2`) {
		t.Error(got)
	}
	c.do("DeleteMetricFilter", `{"logGroupName":"g","filterName":"errors"}`, nil)
	c.say("ERROR three")
	if diff := cmp.Diff(want, c.measured()); diff != "" {
		t.Errorf("after it was deleted (-want +got):\n%s", diff)
	}
	for request, want := range map[string]string{
		`{"logGroupName":"g","filterName":"x","filterPattern":"{ $.a","metricTransformations":[{"metricName":"m","metricNamespace":"App","metricValue":"1"}]}`:                                      "InvalidParameterException: Invalid filter pattern",
		`{"logGroupName":"g","filterName":"x","filterPattern":"","metricTransformations":[{"metricName":"m","metricNamespace":"App","metricValue":"one"}]}`:                                         "InvalidParameterException: Invalid metric transformation",
		`{"logGroupName":"g","filterName":"x","filterPattern":"","metricTransformations":[{"metricName":"m","metricNamespace":"App","metricValue":"1","defaultValue":0,"dimensions":{"a":"$.a"}}]}`: "InvalidParameterException: Invalid metric transformation",
		`{"logGroupName":"none","filterName":"x","filterPattern":"","metricTransformations":[{"metricName":"m","metricNamespace":"App","metricValue":"1"}]}`:                                        "ResourceNotFoundException",
	} {
		if got := c.try("PutMetricFilter", request); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	got := c.try("TestMetricFilter", `{"filterPattern":"[a, b = 4*]","logEventMessages":["x 404","x 200"]}`)
	if want := `{"matches":[{"eventNumber":1,"eventMessage":"x 404","extractedValues":{"$a":"x","$b":"404"}}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSubscriptionFilters(t *testing.T) {
	c := derivingCloud(t)
	taken := &emitted{}
	c.s.emit = taken
	const fn = "arn:aws:lambda:eu-west-1:123456789012:function:sink"
	put := func(name, pattern, target string) string {
		return c.try("PutSubscriptionFilter", fmt.Sprintf(`{"logGroupName":"g","filterName":%q,"filterPattern":%q,"destinationArn":%q}`, name, pattern, target))
	}
	if got := put("a", "ERROR", fn); got != "{}" {
		t.Fatal(got)
	}
	c.say("ERROR 1", "fine", "ERROR 2")
	if len(taken.effects) != 1 || taken.effects[0].Target != fn || taken.effects[0].Actor.Service != "logs.amazonaws.com" || taken.effects[0].SourceARN != "arn:aws:logs:eu-west-1:123456789012:log-group:g:*" {
		t.Fatalf("%+v", taken.effects)
	}
	var event struct{ Awslogs struct{ Data []byte } }
	if err := json.Unmarshal(taken.effects[0].Payload, &event); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(event.Awslogs.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		MessageType, Owner, LogGroup, LogStream string
		SubscriptionFilters                     []string
		LogEvents                               []struct {
			ID        string
			Timestamp int64
			Message   string
		}
	}
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	if data.MessageType != "DATA_MESSAGE" || data.Owner != testAccount || data.LogGroup != "g" || data.LogStream != "s" || len(data.LogEvents) != 2 ||
		data.LogEvents[1].Message != "ERROR 2" || len(data.LogEvents[0].ID) != 56 || !slices.Equal(data.SubscriptionFilters, []string{"a"}) {
		t.Errorf("%s", text)
	}
	for target, want := range map[string]string{
		"arn:aws:kinesis:eu-west-1:123456789012:stream/s":       "InvalidParameterException: nube passes log events on to functions",
		"arn:aws:lambda:eu-west-1:123456789012:function:nobody": "InvalidParameterException: Could not deliver",
		"sink": "InvalidParameterException: destinationArn sink is not an ARN",
	} {
		if got := put("b", "", target); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", target, got)
		}
	}
	put("b", "", fn)
	if got := put("c", "", fn); !strings.HasPrefix(got, "LimitExceededException") {
		t.Error(got)
	}
	c.do("DeleteSubscriptionFilter", `{"logGroupName":"g","filterName":"a"}`, nil)
	if got := c.try("DescribeSubscriptionFilters", `{"logGroupName":"g"}`); !strings.Contains(got, `"filterName":"b"`) || strings.Contains(got, `"filterName":"a"`) {
		t.Error(got)
	}
}

func TestInsights(t *testing.T) {
	c := derivingCloud(t)
	c.say(`{"level":"ERROR","http":{"ms":120}}`, `{"level":"INFO","http":{"ms":20}}`, "plain text")
	ask := func(query string) string {
		t.Helper()
		now := c.clock.Now().UnixMilli() / 1000
		var q struct{ QueryId string }
		c.do("StartQuery", fmt.Sprintf(`{"logGroupNames":["g"],"startTime":%d,"endTime":%d,"queryString":%q}`, now-60, now+1, query), &q)
		var out struct {
			Status  string
			Results [][]struct{ Field, Value string }
		}
		c.do("GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, q.QueryId), &out)
		var lines []string
		for _, r := range out.Results {
			var cells []string
			for _, f := range r {
				if f.Field != "@ptr" {
					cells = append(cells, f.Field+"="+f.Value)
				}
			}
			lines = append(lines, strings.Join(cells, " "))
		}
		return out.Status + ": " + strings.Join(lines, " | ")
	}
	for query, want := range map[string]string{
		"filter http.ms > 100 | display level, @logStream": "Complete: level=ERROR @logStream=s",
		"stats count(*) as n, avg(http.ms) as ms":          "Complete: n=3 ms=70",
		"filter @message like /plain/ | fields @message":   "Complete: @message=plain text",
	} {
		if got := ask(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := c.try("StartQuery", `{"logGroupName":"g","startTime":1,"endTime":2,"queryString":"pattern @message"}`); got != "MalformedQueryException: pattern is a command that nube does not offer" {
		t.Error(got)
	}
	var list struct{ Queries []any }
	if c.do("DescribeQueries", `{}`, &list); len(list.Queries) != 3 {
		t.Errorf("%d queries", len(list.Queries))
	}
	var d struct{ QueryDefinitionId string }
	c.do("PutQueryDefinition", `{"name":"slow","queryString":"filter ms > 1"}`, &d)
	if got := c.try("DescribeQueryDefinitions", `{"queryDefinitionNamePrefix":"s"}`); !strings.Contains(got, d.QueryDefinitionId) {
		t.Error(got)
	}
	c.do("DeleteQueryDefinition", fmt.Sprintf(`{"queryDefinitionId":%q}`, d.QueryDefinitionId), nil)
	if got := c.try("DeleteQueryDefinition", fmt.Sprintf(`{"queryDefinitionId":%q}`, d.QueryDefinitionId)); !strings.HasPrefix(got, "ResourceNotFoundException") {
		t.Error(got)
	}
}

func TestLambdaFields(t *testing.T) {
	row := rowOf(&record.LogEvent{Stream: record.Stream{Group: "/aws/lambda/f"}, Message: "REPORT RequestId: r-1\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\tInit Duration: 3.10 ms\t\n"})
	for name, want := range map[string]any{"@type": "REPORT", "@requestId": "r-1", "@duration": 12.5, "@billedDuration": 13.0, "@memorySize": 128e6, "@maxMemoryUsed": 40e6, "@initDuration": 3.1} {
		if row[name] != want {
			t.Errorf("%s is %v, want %v", name, row[name], want)
		}
	}
}

// Answers are kept as far as there is room; the newest always is.
func TestAnswersAreBounded(t *testing.T) {
	c := derivingCloud(t)
	for range 10 {
		c.say(strings.Repeat("x", 900_000))
	}
	now := c.clock.Now().UnixMilli() / 1000
	var ids []string
	for range 5 {
		var q struct{ QueryId string }
		c.do("StartQuery", fmt.Sprintf(`{"logGroupNames":["g"],"startTime":%d,"endTime":%d,"queryString":"fields @message"}`, now-60, now+1), &q)
		ids = append(ids, q.QueryId)
	}
	if got := c.try("GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, ids[0])); !strings.HasPrefix(got, "ResourceNotFoundException") {
		t.Errorf("%d bytes of the first are still there", len(got))
	}
	if got := c.try("GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, ids[4])); len(got) < 10*900_000 {
		t.Errorf("of the last: %.100s", got)
	}
	// What is not shown takes no room.
	for range 5 {
		c.do("StartQuery", fmt.Sprintf(`{"logGroupNames":["g"],"startTime":%d,"endTime":%d,"queryString":"fields strlen(@message)"}`, now-60, now+1), nil)
	}
	if got := c.try("GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, ids[4])); len(got) < 10*900_000 {
		t.Errorf("of the last large one: %.100s", got)
	}
}

// between runs something once, after a snapshot was taken and before it is read.
type between struct {
	driver.Engine
	run func()
}

func (b *between) Snapshot(ctx context.Context, f driver.Freshness) (driver.Snapshot, error) {
	s, err := b.Engine.Snapshot(ctx, f)
	if run := b.run; run != nil {
		b.run = nil
		run()
	}
	return s, err
}

// A filter that is made while the filters of its group are read for the first time
// is not overlooked from then on.
func TestFilterMadeMeanwhile(t *testing.T) {
	c := derivingCloud(t)
	engine := &between{Engine: memkv.New()}
	db := kv.Open(engine)
	t.Cleanup(func() { db.Close() })
	c.s.db = db
	c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	of := streamIn(testCell, "g", "s")
	engine.run = func() {
		c.do("PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"","metricTransformations":[{"metricName":"n","metricNamespace":"N","metricValue":"1"}]}`, nil)
	}
	for range 2 {
		if _, err := c.s.derivedOf(c.ctx, of); err != nil {
			t.Fatal(err)
		}
	}
	d, err := c.s.derivedOf(c.ctx, of)
	if err != nil || len(d.metrics) != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}
