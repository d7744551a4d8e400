package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
)

const oneOfOne = `{"AlarmName":"high","MetricName":"m","Namespace":"App","Statistic":"Sum","Period":60,"EvaluationPeriods":1,"Threshold":3,
	"ComparisonOperator":"GreaterThanThreshold","AlarmDescription":"too many","AlarmActions":["` + topic + `","` + hook + `"],"OKActions":["` + topic + `"],
	"InsufficientDataActions":["` + topic + `"],"TreatMissingData":"notBreaching"}`

// state is an alarm's state and reason.
func (b *bed) state(name string) (string, string) {
	b.Helper()
	var out struct {
		MetricAlarms, CompositeAlarms []struct{ StateValue, StateReason, ActionsSuppressedBy string }
	}
	b.do("DescribeAlarms", fmt.Sprintf(`{"AlarmNames":[%q]}`, name), &out)
	all := append(out.MetricAlarms, out.CompositeAlarms...)
	if len(all) != 1 {
		b.Fatalf("%d alarms %s", len(all), name)
	}
	return all[0].StateValue, all[0].StateReason
}

func TestAlarmGoesOffAndComesBack(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", oneOfOne, nil)
	if s, why := b.state("high"); s != stateInsufficient || why != "Unchecked: Initial alarm creation" {
		t.Errorf("a new alarm: %s, %s", s, why)
	}
	b.advance(time.Minute)
	if s, why := b.state("high"); s != stateOK || why != "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching]." {
		t.Errorf("without data: %s, %s", s, why)
	}
	if es := b.topics.take(); len(es) != 1 {
		t.Errorf("%d notifications of OK", len(es))
	}
	b.put(0, 2, 3)
	b.advance(time.Minute)
	const why = "Threshold Crossed: 1 out of the last 1 datapoint [5.0 (01/03/26 12:01:00)] was greater than the threshold (3.0) (minimum 1 datapoint for OK -> ALARM transition)."
	if s, got := b.state("high"); s != stateAlarm || got != why {
		t.Errorf("with data: %s, %s", s, got)
	}
	es := b.topics.take()
	if len(es) != 1 {
		t.Fatalf("%d notifications of ALARM", len(es))
	}
	m, err := es[0].Message()
	if err != nil || m.Subject != `ALARM: "high" in US East (N. Virginia)` || es[0].Actor.Service != "cloudwatch.amazonaws.com" || es[0].SourceARN != "arn:aws:cloudwatch:us-east-1:123456789012:alarm:high" {
		t.Errorf("notification %+v, %+v, %v", m, es[0], err)
	}
	const want = `{"AlarmName":"high","AlarmDescription":"too many","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-03-01T12:00:00.000+0000",` +
		`"NewStateValue":"ALARM","NewStateReason":"Threshold Crossed: 1 out of the last 1 datapoint [5.0 (01/03/26 12:01:00)] was greater than the threshold (3.0) (minimum 1 datapoint for OK -\u003e ALARM transition).",` +
		`"StateChangeTime":"2026-03-01T12:02:00.000+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:high","OldStateValue":"OK",` +
		`"OKActions":["arn:aws:sns:us-east-1:123456789012:pager"],"AlarmActions":["arn:aws:sns:us-east-1:123456789012:pager","arn:aws:lambda:us-east-1:123456789012:function:hook"],` +
		`"InsufficientDataActions":["arn:aws:sns:us-east-1:123456789012:pager"],"Trigger":{"MetricName":"m","Namespace":"App","StatisticType":"Statistic","Statistic":"SUM","Unit":null,` +
		`"Dimensions":[],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":3,"TreatMissingData":"notBreaching","EvaluateLowSampleCountPercentile":""}}`
	if diff := cmp.Diff(want, string(m.Body)); diff != "" {
		t.Errorf("notification (-want +got):\n%s", diff)
	}
	calls := b.functions.take()
	if len(calls) != 1 || calls[0].Actor.Service != "lambda.alarms.cloudwatch.amazonaws.com" {
		t.Fatalf("calls %+v", calls)
	}
	var event struct {
		AlarmArn  string
		AlarmData struct {
			State, PreviousState struct{ Value string }
			Configuration        struct{ Metrics []any }
		}
	}
	if err := json.Unmarshal(calls[0].Payload, &event); err != nil || event.AlarmData.State.Value != stateAlarm || event.AlarmData.PreviousState.Value != stateOK || len(event.AlarmData.Configuration.Metrics) != 1 {
		t.Errorf("event %s, %v", calls[0].Payload, err)
	}
	b.advance(5 * time.Minute)
	if s, _ := b.state("high"); s != stateOK {
		t.Errorf("after it is over: %s", s)
	}
	if es := b.topics.take(); len(es) != 1 {
		t.Errorf("%d notifications that it is over", len(es))
	}
	var history struct {
		AlarmHistoryItems []struct{ HistoryItemType, HistorySummary string }
	}
	b.do("DescribeAlarmHistory", `{"AlarmName":"high","ScanBy":"TimestampAscending"}`, &history)
	var lines []string
	for _, h := range history.AlarmHistoryItems {
		lines = append(lines, h.HistoryItemType+": "+h.HistorySummary)
	}
	wantLines := []string{
		`ConfigurationUpdate: Alarm "high" created`,
		"StateUpdate: Alarm updated from INSUFFICIENT_DATA to OK", "Action: Successfully executed action " + topic,
		"StateUpdate: Alarm updated from OK to ALARM", "Action: Successfully executed action " + topic, "Action: Successfully executed action " + hook,
		"StateUpdate: Alarm updated from ALARM to OK", "Action: Successfully executed action " + topic,
	}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if es := b.buses.take(); len(es) != 3 || es[0].Kind != "event" || !strings.Contains(string(es[0].Payload), `"detail-type":"CloudWatch Alarm State Change"`) {
		t.Errorf("%d events on the bus", len(es))
	}
}

// An alarm whose state stays writes nothing, and a stopped clock evaluates nothing.
func TestAlarmsRest(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", oneOfOne, nil)
	b.advance(time.Minute)
	size := func() int {
		n := 0
		if err := b.db.View(b.ctx, func(s *kv.Snap) error {
			n = 0
			for _, err := range s.Scan(spaceOf(home).Range(), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := size()
	b.topics.take()
	b.advance(3 * time.Hour)
	if n := size(); n != before || len(b.topics.take()) != 0 {
		t.Errorf("%d rows in place of %d", n, before)
	}
}

// M of N, the metric math of two metrics, and a percentile.
func TestKindsOfAlarms(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", `{"AlarmName":"two of three","MetricName":"m","Namespace":"App","Statistic":"Maximum","Period":60,"EvaluationPeriods":3,"DatapointsToAlarm":2,
		"Threshold":10,"ComparisonOperator":"GreaterThanOrEqualToThreshold"}`, nil)
	b.do("PutMetricAlarm", `{"AlarmName":"rate","EvaluationPeriods":1,"Threshold":50,"ComparisonOperator":"GreaterThanThreshold","TreatMissingData":"ignore","Metrics":[
		{"Id":"rate","Expression":"100 * errors / all"},
		{"Id":"errors","ReturnData":false,"MetricStat":{"Metric":{"Namespace":"App","MetricName":"errors"},"Period":60,"Stat":"Sum"}},
		{"Id":"all","ReturnData":false,"MetricStat":{"Metric":{"Namespace":"App","MetricName":"m"},"Period":60,"Stat":"SampleCount"}}]}`, nil)
	b.do("PutMetricAlarm", `{"AlarmName":"slow","MetricName":"m","Namespace":"App","ExtendedStatistic":"p90","Period":60,"EvaluationPeriods":1,
		"Threshold":10,"ComparisonOperator":"GreaterThanThreshold","EvaluateLowSampleCountPercentile":"ignore","TreatMissingData":"ignore"}`, nil)
	fast := `{"AlarmName":"fast","MetricName":"q","Namespace":"App","Statistic":"Sum","Period":10,"EvaluationPeriods":1,"Threshold":0,"ComparisonOperator":"GreaterThanThreshold","TreatMissingData":"notBreaching"}`
	b.do("PutMetricAlarm", fast, nil)
	expect := func(step string, states ...string) {
		t.Helper()
		for i, name := range []string{"two of three", "rate", "slow", "fast"} {
			if s, why := b.state(name); s != states[i] {
				t.Errorf("%s: %s is %s: %s, want %s", step, name, s, why, states[i])
			}
		}
	}
	const unknown = stateInsufficient
	b.put(0, 20, 1)
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":"errors","Value":2,"Timestamp":%d},{"MetricName":"q","Value":1,"StorageResolution":1,"Timestamp":%d}]}`, noon, noon), nil)
	b.advance(10 * time.Second)
	expect("ten seconds", unknown, unknown, unknown, stateAlarm)
	b.advance(50 * time.Second)
	expect("one breach", unknown, stateAlarm, unknown, stateOK)
	b.put(0, 3)
	b.advance(time.Minute)
	expect("two points", stateOK, stateAlarm, unknown, stateOK)
	b.put(0, 30)
	b.advance(time.Minute)
	expect("two breaches of three", stateAlarm, stateAlarm, unknown, stateOK)
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":"m","Values":[20],"Counts":[100],"Timestamp":%d}]}`, b.clock.Now().Unix()), nil)
	b.advance(time.Minute)
	expect("a hundred samples", stateAlarm, stateAlarm, stateAlarm, stateOK)
	b.advance(10 * time.Minute)
	expect("no data", unknown, stateAlarm, stateAlarm, stateOK)
}

func TestSetAlarmStateAndSwitches(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", oneOfOne, nil)
	b.do("DisableAlarmActions", `{"AlarmNames":["high","nobody"]}`, nil)
	b.do("SetAlarmState", `{"AlarmName":"high","StateValue":"ALARM","StateReason":"testing"}`, nil)
	b.settle()
	if s, why := b.state("high"); s != stateAlarm || why != "testing" || len(b.topics.take()) != 0 {
		t.Errorf("%s, %s", s, why)
	}
	b.do("EnableAlarmActions", `{"AlarmNames":["high"]}`, nil)
	b.do("SetAlarmState", `{"AlarmName":"high","StateValue":"ALARM","StateReason":"again"}`, nil)
	b.do("SetAlarmState", `{"AlarmName":"high","StateValue":"OK","StateReason":"fine"}`, nil)
	b.settle()
	if n := len(b.topics.take()); n != 1 {
		t.Errorf("%d notifications", n)
	}
	if got := b.try("SetAlarmState", `{"AlarmName":"nobody","StateValue":"OK","StateReason":"x"}`); got != "ResourceNotFound: Unknown alarm" {
		t.Error(got)
	}
	// The next evaluation sets the state by the data again.
	b.put(0, 9)
	b.advance(time.Minute)
	if s, _ := b.state("high"); s != stateAlarm {
		t.Errorf("after the evaluation: %s", s)
	}
	// An update keeps the state.
	b.do("PutMetricAlarm", oneOfOne, nil)
	if s, _ := b.state("high"); s != stateAlarm {
		t.Errorf("after an update: %s", s)
	}
	b.do("DeleteAlarms", `{"AlarmNames":["high"]}`, nil)
	b.advance(2 * time.Minute)
	if got := b.try("DeleteAlarms", `{"AlarmNames":["high"]}`); !strings.HasPrefix(got, "ResourceNotFound") {
		t.Error(got)
	}
}

func TestAlarmsRefused(t *testing.T) {
	b := newBed(t)
	with := func(old, new string) string { return strings.Replace(oneOfOne, old, new, 1) }
	for request, want := range map[string]string{
		with(`"Statistic":"Sum",`, ``):     "MissingParameter",
		with(`"Period":60`, `"Period":61`): "ValidationError: Period must be",
		with(`"Period":60,"EvaluationPeriods":1`, `"Period":3600,"EvaluationPeriods":169`): "ValidationError: Metrics cannot be checked across more than seven days",
		with(`"Threshold":3,`, ``):          "ValidationError: Threshold",
		with(`"notBreaching"`, `"perhaps"`): "ValidationError: The value perhaps",
		with(`"EvaluationPeriods":1`, `"EvaluationPeriods":1,"DatapointsToAlarm":2`): "ValidationError: DatapointsToAlarm",
		with(topic, "arn:aws:automate:us-east-1:ec2:stop"):                           "ValidationError: Invalid arn syntax",
		with(topic, "arn:aws:sqs:us-east-1:123456789012:queue"):                      "ValidationError: nube performs no action",
		with(topic, "pager"): "ValidationError: Invalid arn syntax: pager",
		with(`"GreaterThanThreshold"`, `"GreaterThanUpperThreshold"`): "ValidationError: nube trains no models",
	} {
		if got := b.try("PutMetricAlarm", request); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	for rule, want := range map[string]string{
		`ALARM(nobody)`: "does not exist", `ALARM(self)`: "depend on itself", `ALARM(`: "closing parenthesis", `PERHAPS(x)`: "a state of an alarm", `TRUE FALSE`: "unexpected",
	} {
		if got := b.try("PutCompositeAlarm", fmt.Sprintf(`{"AlarmName":"self","AlarmRule":%q}`, rule)); !strings.HasPrefix(got, "ValidationError") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	states := map[string]string{"a": stateAlarm, "b": stateOK, "c d": stateInsufficient}
	for rule, want := range map[string]bool{
		`ALARM(a)`: true, `OK("a")`: false, `INSUFFICIENT_DATA('c d')`: true, `INSUFFICIENT_DATA(c d)`: true, `NOT ALARM(b) AND ALARM(a)`: true,
		`ALARM(b) OR ALARM(b) AND TRUE`: false, `ALARM(a) OR ALARM(b) AND FALSE`: true, `(ALARM(a) OR ALARM(b)) AND FALSE`: false, `NOT NOT TRUE`: true,
		` ALARM ( "arn:aws:cloudwatch:us-east-1:1:alarm:a" ) `: true,
	} {
		n, err := parseRule(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		} else if got := n.holds(func(name string) string { return states[name] }); got != want {
			t.Errorf("%s is %v", rule, got)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, r := range []string{"ALARM(a) AND NOT (OK(b) OR TRUE)", `ALARM("x")`, "NOT NOT", "((("} {
		f.Add(r)
	}
	f.Fuzz(func(t *testing.T, rule string) {
		if n, err := parseRule(rule); err == nil {
			n.holds(func(string) string { return stateOK })
		}
	})
}

func TestCompositeAlarms(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"a", "b", "maintenance"} {
		b.do("PutMetricAlarm", strings.NewReplacer("notBreaching", "ignore", `"high"`, fmt.Sprintf("%q", name), `["`+topic+`"]`, "[]", `["`+topic+`","`+hook+`"]`, "[]").Replace(oneOfOne), nil)
	}
	b.do("PutCompositeAlarm", `{"AlarmName":"both","AlarmRule":"ALARM(a) AND ALARM(b)","AlarmActions":["`+topic+`"],"OKActions":["`+topic+`"]}`, nil)
	b.do("PutCompositeAlarm", `{"AlarmName":"over","AlarmRule":"ALARM(both)"}`, nil)
	set := func(name, state string) {
		t.Helper()
		b.do("SetAlarmState", fmt.Sprintf(`{"AlarmName":%q,"StateValue":%q,"StateReason":"test"}`, name, state), nil)
		b.settle()
	}
	expect := func(step, name, state string, notifications int) {
		t.Helper()
		if s, why := b.state(name); s != state {
			t.Errorf("%s: %s is %s: %s", step, name, s, why)
		}
		if n := len(b.topics.take()); n != notifications {
			t.Errorf("%s: %d notifications, want %d", step, n, notifications)
		}
	}
	set("a", stateAlarm)
	expect("one", "both", stateOK, 1)
	set("b", stateAlarm)
	expect("both", "both", stateAlarm, 1)
	if s, _ := b.state("over"); s != stateAlarm {
		t.Errorf("the one above: %s", s)
	}
	if got := b.try("DeleteAlarms", `{"AlarmNames":["a"]}`); !strings.HasPrefix(got, "ValidationError") {
		t.Error(got)
	}
	set("a", stateOK)
	expect("one again", "both", stateOK, 1)

	// With a suppressor, actions wait for it, and do not happen while it is on.
	b.do("PutCompositeAlarm", `{"AlarmName":"both","AlarmRule":"ALARM(a) AND ALARM(b)","AlarmActions":["`+topic+`"],"OKActions":["`+topic+`"],
		"ActionsSuppressor":"maintenance","ActionsSuppressorWaitPeriod":30,"ActionsSuppressorExtensionPeriod":20}`, nil)
	set("a", stateAlarm)
	expect("it waits", "both", stateAlarm, 0)
	b.advance(29 * time.Second)
	expect("it still waits", "both", stateAlarm, 0)
	b.advance(time.Second)
	expect("it has waited", "both", stateAlarm, 1)
	set("a", stateOK)
	expect("over", "both", stateOK, 1)
	set("maintenance", stateAlarm)
	set("a", stateAlarm)
	b.advance(25 * time.Second)
	expect("suppressed", "both", stateAlarm, 0)
	set("maintenance", stateOK)
	b.advance(19 * time.Second)
	expect("in the extension period", "both", stateAlarm, 0)
	b.advance(time.Second)
	expect("after it", "both", stateAlarm, 1)

	b.do("DeleteAlarms", `{"AlarmNames":["a","b","both","over"]}`, nil)
}

// Alarms go on after a restart, with their state.
func TestAlarmsSurvive(t *testing.T) {
	db := kv.Open(memkv.New())
	rec, err := record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	b := newBedOn(t, db, rec, clock.Unix(noon, 0))
	b.do("PutMetricAlarm", oneOfOne, nil)
	b.advance(time.Minute)
	b.stop()
	b = newBedOn(t, db, rec, b.clock.Now())
	b.put(0, 9)
	b.advance(time.Minute)
	if s, _ := b.state("high"); s != stateAlarm {
		t.Errorf("after a restart: %s", s)
	}
	b.stop()
	if err := rec.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestDescribeAlarms(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", strings.Replace(oneOfOne, `{"AlarmName":"high"`, `{"Tags":[{"Key":"team","Value":"a"}],"AlarmName":"high"`, 1), nil)
	b.do("PutMetricAlarm", strings.Replace(oneOfOne, `"high"`, `"low"`, 1), nil)
	b.do("PutCompositeAlarm", `{"AlarmName":"any","AlarmRule":"ALARM(high)"}`, nil)
	names := func(op, request string) string {
		var out struct {
			MetricAlarms, CompositeAlarms []struct{ AlarmName string }
			NextToken                     string
		}
		b.do(op, request, &out)
		var ns []string
		for _, a := range append(out.MetricAlarms, out.CompositeAlarms...) {
			ns = append(ns, a.AlarmName)
		}
		if out.NextToken != "" {
			ns = append(ns, "…")
		}
		return strings.Join(ns, " ")
	}
	for request, want := range map[string]string{
		`{}`: "high low", `{"AlarmTypes":["CompositeAlarm","MetricAlarm"]}`: "high low any", `{"AlarmNames":["any","low"]}`: "low any", `{"AlarmNamePrefix":"h"}`: "high",
		`{"StateValue":"ALARM"}`: "", `{"ChildrenOfAlarmName":"any"}`: "high", `{"ParentsOfAlarmName":"high"}`: "any", `{"ActionPrefix":"arn:aws:lambda"}`: "high low",
		`{"MaxRecords":1}`: "high …",
	} {
		if got := names("DescribeAlarms", request); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	if got := names("DescribeAlarmsForMetric", `{"MetricName":"m","Namespace":"App"}`); got != "high low" {
		t.Error(got)
	}
	if got := names("DescribeAlarmsForMetric", `{"MetricName":"m","Namespace":"App","Statistic":"Average"}`); got != "" {
		t.Error(got)
	}
	arn := `{"ResourceARN":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:high"`
	b.do("TagResource", arn+`,"Tags":[{"Key":"env","Value":"x"}]}`, nil)
	b.do("UntagResource", arn+`,"TagKeys":["team"]}`, nil)
	if got := b.try("ListTagsForResource", arn+"}"); got != `{"Tags":[{"Key":"env","Value":"x"}]}` {
		t.Error(got)
	}
}

func TestDashboards(t *testing.T) {
	b := newBed(t)
	const body = `{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":6,"properties":{"markdown":"hi"}}]}`
	b.do("PutDashboard", fmt.Sprintf(`{"DashboardName":"d","DashboardBody":%q}`, body), nil)
	var got struct{ DashboardArn, DashboardBody string }
	b.do("GetDashboard", `{"DashboardName":"d"}`, &got)
	if got.DashboardBody != body || got.DashboardArn != "arn:aws:cloudwatch::123456789012:dashboard/d" {
		t.Errorf("%+v", got)
	}
	for in, want := range map[string]string{`{}`: "widgets", `x`: "valid JSON", `{"widgets":[{}]}`: "'type'", `{"widgets":[{"type":"cake","properties":{}}]}`: "cake"} {
		if got := b.try("PutDashboard", fmt.Sprintf(`{"DashboardName":"d","DashboardBody":%q}`, in)); !strings.HasPrefix(got, "InvalidParameterInput: ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s", in, got)
		}
	}
	if got := b.try("ListDashboards", `{"DashboardNamePrefix":"d"}`); !strings.Contains(got, `"DashboardName":"d"`) {
		t.Error(got)
	}
	b.do("DeleteDashboards", `{"DashboardNames":["d"]}`, nil)
	if got := b.try("GetDashboard", `{"DashboardName":"d"}`); got != "ResourceNotFound: Dashboard d does not exist" {
		t.Error(got)
	}
}

// A composite alarm has its state from the beginning, and gets another one when its
// rule does.
func TestCompositeAlarmBegins(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricAlarm", strings.Replace(oneOfOne, "notBreaching", "ignore", 1), nil)
	b.do("SetAlarmState", `{"AlarmName":"high","StateValue":"ALARM","StateReason":"test"}`, nil)
	b.do("PutCompositeAlarm", `{"AlarmName":"any","AlarmRule":"ALARM(high)","AlarmActions":["`+topic+`"]}`, nil)
	b.settle()
	if s, why := b.state("any"); s != stateAlarm {
		t.Errorf("put over an alarm that is on: %s: %s", s, why)
	}
	b.do("PutCompositeAlarm", `{"AlarmName":"any","AlarmRule":"NOT ALARM(high)"}`, nil)
	b.settle()
	if s, why := b.state("any"); s != stateOK {
		t.Errorf("with another rule: %s: %s", s, why)
	}
}

// The state of a composite alarm follows although the cloud went down between the
// change of an alarm and that of those over it, and although these could not be
// written at once.
func TestCompositeAlarmCatchesUp(t *testing.T) {
	db := kv.Open(memkv.New())
	rec, err := record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: clock.NewModel(clock.State{})})
	if err != nil {
		t.Fatal(err)
	}
	b := newBedOn(t, db, rec, clock.Unix(noon, 0))
	b.do("PutMetricAlarm", strings.Replace(oneOfOne, "notBreaching", "ignore", 1), nil)
	b.do("PutCompositeAlarm", `{"AlarmName":"any","AlarmRule":"ALARM(high)"}`, nil)
	b.settle()
	move := func(state string) {
		t.Helper()
		_, err := db.Update(t.Context(), func(tx *kv.Tx) error {
			k := spaceOf(home).alarm("high")
			var row alarmRow
			if _, err := jsonrow.Get(tx, k, &row); err != nil {
				return err
			}
			row.State = state
			return jsonrow.Set(tx, k, &row)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	b.stop()
	move(stateAlarm)
	b = newBedOn(t, db, rec, b.clock.Now())
	b.settle()
	if s, _ := b.state("any"); s != stateAlarm {
		t.Errorf("after a restart: %s", s)
	}
	move(stateOK)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.s.ripple(gone, home, b.clock.Now()); err == nil {
		t.Error("nobody waits, and it is done")
	}
	b.settle()
	if s, _ := b.state("any"); s != stateOK {
		t.Errorf("after a failure: %s", s)
	}
	b.stop()
	if err := rec.Close(); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// A list goes on behind what it has shown, whatever is deleted meanwhile.
func TestListsGoOn(t *testing.T) {
	b := newBed(t)
	for _, name := range []string{"a", "b", "c"} {
		b.do("PutMetricAlarm", strings.Replace(oneOfOne, `"high"`, fmt.Sprintf("%q", name), 1), nil)
	}
	var seen []string
	for token := ""; ; {
		var out struct {
			MetricAlarms []struct{ AlarmName string }
			NextToken    string
		}
		b.do("DescribeAlarms", fmt.Sprintf(`{"MaxRecords":1,"NextToken":%q}`, token), &out)
		for _, a := range out.MetricAlarms {
			seen = append(seen, a.AlarmName)
			b.do("DeleteAlarms", fmt.Sprintf(`{"AlarmNames":[%q]}`, a.AlarmName), nil)
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	if got := strings.Join(seen, " "); got != "a b c" {
		t.Errorf("seen %s", got)
	}
}

// The history of an alarm that was deleted goes when it is too old to be shown.
func TestHistoryOfTheDeletedGoes(t *testing.T) {
	b := newBed(t)
	histories := func() (n int) {
		t.Helper()
		err := b.db.View(t.Context(), func(s *kv.Snap) error {
			for _, err := range s.Scan(spaceOf(home).histories(), kv.ScanOptions{}) {
				if err != nil {
					return err
				}
				n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	again := strings.Replace(oneOfOne, `"high"`, `"again"`, 1)
	b.do("PutMetricAlarm", oneOfOne, nil)
	b.do("PutMetricAlarm", again, nil)
	b.do("DeleteAlarms", `{"AlarmNames":["high","again"]}`, nil)
	b.do("PutMetricAlarm", again, nil)
	b.settle()
	if n := histories(); n < 5 {
		t.Fatalf("%d items", n)
	}
	b.do("DisableAlarmActions", `{"AlarmNames":["again"]}`, nil)
	if err := b.clock.Set(b.clock.Now().Add(historyAge + time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if got := b.try("DescribeAlarmHistory", `{"AlarmName":"high"}`); got != `{"AlarmHistoryItems":[]}` {
		t.Error(got)
	}
	left := histories()
	b.do("DeleteAlarms", `{"AlarmNames":["again"]}`, nil)
	if err := b.clock.Set(b.clock.Now().Add(historyAge + time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	if n := histories(); left == 0 || n != 0 {
		t.Errorf("%d items are left, of %d", n, left)
	}
}
