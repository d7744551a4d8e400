package cloudwatch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
)

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
func TestPutMetricDataRefuses(t *testing.T) {
	b := newBed(t)
	datum := func(rest string) string {
		return `{"Namespace":"App","MetricData":[{"MetricName":"m",` + rest + `}]}`
	}
	var dims []string
	for i := range 31 {
		dims = append(dims, fmt.Sprintf(`{"Name":"d%d","Value":"v"}`, i))
	}
	for request, want := range map[string]string{
		`{"Namespace":"AWS/Lambda","MetricData":[]}`:                                        "InvalidParameterValue: The value AWS/Lambda for parameter Namespace is invalid.",
		`{"Namespace":":meter","MetricData":[]}`:                                            "ValidationError",
		datum(`"Unit":"Count"`):                                                             "MissingParameter",
		datum(`"Value":1,"Values":[1]`):                                                     "InvalidParameterCombination",
		datum(`"Value":"NaN"`):                                                              "InvalidParameterValue",
		datum(`"Value":1e120`):                                                              "InvalidParameterValue",
		datum(`"Value":1,"Counts":[1]`):                                                     "MissingParameter",
		datum(`"Values":[1,2],"Counts":[1]`):                                                "InvalidParameterValue",
		datum(`"Values":[1],"Counts":[0]`):                                                  "InvalidParameterValue",
		datum(`"Values":[]`):                                                                "MissingParameter",
		datum(`"Value":1,"Unit":"Parsec"`):                                                  "ValidationError",
		datum(`"Value":1,"StorageResolution":30`):                                           "InvalidParameterValue",
		datum(fmt.Sprintf(`"Value":1,"Timestamp":%d`, noon-14*86400-1)):                     "InvalidParameterValue: The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks.",
		datum(fmt.Sprintf(`"Value":1,"Timestamp":%d`, noon+7201)):                           "InvalidParameterValue: The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future.",
		datum(`"Value":1,"Dimensions":[{"Name":"a","Value":"x"},{"Name":"a","Value":"y"}]`): "InvalidParameterValue",
		datum(`"Value":1,"Dimensions":[{"Name":":a","Value":"x"}]`):                         "InvalidParameterValue",
		datum(`"Value":1,"Dimensions":[` + strings.Join(dims, ",") + `]`):                   "ValidationError",
		datum(`"StatisticValues":{"SampleCount":0,"Sum":0,"Minimum":0,"Maximum":0}`):        "InvalidParameterValue",
		datum(`"StatisticValues":{"SampleCount":2,"Sum":0,"Minimum":2,"Maximum":1}`):        "InvalidParameterValue",
	} {
		if got := b.try("PutMetricData", request); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	b.do("PutMetricData", datum(`"Value":1,"Dimensions":[`+strings.Join(dims[:30], ",")+`]`), nil)
}

type datapoint struct {
	Timestamp                                   float64
	SampleCount, Average, Sum, Minimum, Maximum *float64
	Unit                                        string
	ExtendedStatistics                          map[string]float64
}

func (b *bed) statistics(metric string, from, to, period int, more string) []datapoint {
	b.Helper()
	var out struct{ Datapoints []datapoint }
	b.do("GetMetricStatistics", fmt.Sprintf(`{"Namespace":"App","MetricName":%q,"StartTime":%d,"EndTime":%d,"Period":%d,%s}`, metric, from, to, period, more), &out)
	return out.Datapoints
}

func TestStatistics(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[
		{"MetricName":"a","Values":[1,2,10],"Counts":[1,2,1],"Unit":"Seconds","Timestamp":%d},
		{"MetricName":"a","Value":7,"Unit":"Bytes","Timestamp":%d},
		{"MetricName":"a","Value":5,"Unit":"Seconds","Timestamp":%d},
		{"MetricName":"set","StatisticValues":{"SampleCount":4,"Sum":20,"Minimum":1,"Maximum":9},"Timestamp":%d}]}`, noon-119, noon-118, noon-60, noon-60), nil)
	got := b.statistics("a", noon-120, noon, 60, `"Statistics":["SampleCount","Average","Sum","Minimum","Maximum"],"ExtendedStatistics":["p50"]`)
	num := func(v float64) *float64 { return &v }
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 0.011*math.Abs(b) })
	want := []datapoint{
		{noon - 120, num(1), num(7), num(7), num(7), num(7), "Bytes", map[string]float64{"p50": 7}},
		{noon - 120, num(4), num(3.75), num(15), num(1), num(10), "Seconds", map[string]float64{"p50": 2}},
		{noon - 60, num(1), num(5), num(5), num(5), num(5), "Seconds", map[string]float64{"p50": 5}},
	}
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("datapoints (-want +got):\n%s", diff)
	}
	if got := b.statistics("a", noon-120, noon, 60, `"Statistics":["Sum"],"Unit":"Seconds"`); len(got) != 2 {
		t.Errorf("in seconds: %+v", got)
	}
	if got := b.statistics("a", noon-120, noon, 120, `"Statistics":["Sum"],"Unit":"Seconds"`); len(got) != 1 || *got[0].Sum != 20 {
		t.Errorf("two minutes: %+v", got)
	}
	if got := b.statistics("a", noon-120, noon, 60, `"Statistics":["Sum"],"Unit":"Percent"`); len(got) != 0 {
		t.Errorf("in another unit: %+v", got)
	}
	// Nothing is known of the distribution of a statistic set.
	if got := b.statistics("set", noon-120, noon, 60, `"ExtendedStatistics":["p90"]`); len(got) != 0 {
		t.Errorf("percentiles of a set: %+v", got)
	}
	if got := b.statistics("set", noon-120, noon, 60, `"Statistics":["Average"]`); len(got) != 1 || *got[0].Average != 5 {
		t.Errorf("average of a set: %+v", got)
	}
	if got := b.try("GetMetricStatistics", fmt.Sprintf(`{"Namespace":"App","MetricName":"a","StartTime":%d,"EndTime":%d,"Period":60,"Statistics":["Sum"]}`, noon-86401, noon)); !strings.HasPrefix(got, "InvalidParameterCombination: You have requested up to 1440 datapoints") && !strings.HasPrefix(got, "{") {
		t.Error(got)
	}
}

// Points of a second are told for three hours, those of a minute for 15 days.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
func TestResolutionsAndAges(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[
		{"MetricName":"fine","Value":1,"StorageResolution":1,"Timestamp":%d},{"MetricName":"fine","Value":2,"StorageResolution":1,"Timestamp":%d},
		{"MetricName":"coarse","Value":3,"Timestamp":%d}]}`, noon-10, noon-9, noon-10), nil)
	if got := b.statistics("fine", noon-60, noon, 1, `"Statistics":["Sum"]`); len(got) != 2 || got[0].Timestamp != noon-10 {
		t.Errorf("by the second: %+v", got)
	}
	if got := b.statistics("coarse", noon-60, noon, 1, `"Statistics":["Sum"]`); len(got) != 0 {
		t.Errorf("coarse by the second: %+v", got)
	}
	count := func(metric string, period int) int {
		return len(b.statistics(metric, noon-3600, noon, period, `"Statistics":["Sum"]`))
	}
	for _, test := range []struct {
		age    time.Duration
		metric string
		period int
		want   int
	}{
		{0, "fine", 10, 1}, {4 * time.Hour, "fine", 10, 0}, {4 * time.Hour, "fine", 60, 1}, {16 * day, "fine", 60, 0}, {16 * day, "coarse", 300, 1},
		{64 * day, "coarse", 300, 0}, {64 * day, "coarse", 3600, 1}, {456 * day, "coarse", 3600, 0},
	} {
		if err := b.clock.Set(clock.Unix(noon, 0).Add(test.age)); err != nil {
			t.Fatal(err)
		}
		if got := count(test.metric, test.period); got != test.want {
			t.Errorf("%s by %d seconds after %v: %d points, want %d", test.metric, test.period, test.age, got, test.want)
		}
	}
}

func TestExtendedStatistics(t *testing.T) {
	var st record.Stat
	var all []float64
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		v := math.Exp(r.NormFloat64())
		one := record.StatOf(v)
		st.Add(&one)
		all = append(all, v)
	}
	slices.Sort(all)
	n := len(all)
	mean := func(vs []float64) float64 {
		var sum float64
		for _, v := range vs {
			sum += v
		}
		return sum / float64(len(vs))
	}
	inside := func(lo, hi float64) (out []float64) {
		for _, v := range all {
			if v > lo && v <= hi {
				out = append(out, v)
			}
		}
		return out
	}
	wins := slices.Clone(all)
	for i := range wins {
		wins[i] = max(min(wins[i], all[n*9/10-1]), all[n/10])
	}
	for name, want := range map[string]float64{
		"p99": all[n*99/100-1], "p50": all[n/2-1], "tm90": mean(all[:n*9/10]), "TM(10%:90%)": mean(all[n/10 : n*9/10]), "TM(10%:)": mean(all[n/10:]),
		"IQM": mean(all[n/4 : n*3/4]), "tc90": float64(n) * 0.9, "ts90": mean(all[:n*9/10]) * float64(n) * 0.9, "wm(10%:90%)": mean(wins),
		"PR(1:2)": float64(len(inside(1, 2))) / float64(n) * 100, "PR(:1)": float64(len(inside(-1, 1))) / float64(n) * 100,
		"TM(1:2)": mean(inside(1, 2)), "TC(1:)": float64(len(inside(1, 1e9))),
	} {
		s, ok := parseStatistic(name)
		if !ok {
			t.Errorf("%s is no statistic", name)
			continue
		}
		if got, ok := s.of(&st); !ok || math.Abs(got-want) > 0.02*math.Abs(want) {
			t.Errorf("%s = %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, bad := range []string{"", "p", "p101", "px", "p(1%:2%)", "pr99", "PR(10%:20%)", "TM(90%:10%)", "TM(:)", "tm-1", "avg", "xx50", "TM(1%:2)", "p0", "iqm5", "tm(", "tm(1:2"} {
		if s, ok := parseStatistic(bad); ok {
			t.Errorf("%q is %+v", bad, s)
		}
	}
}

type dataResult struct {
	Id, Label, StatusCode string
	Timestamps, Values    []float64
}

type dataOutput struct {
	MetricDataResults []dataResult
	NextToken         string
}

func TestGetMetricData(t *testing.T) {
	b := newBed(t)
	for i, v := range []float64{10, 20, 30} {
		b.put(time.Duration(3-i)*time.Minute, v)
	}
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":"errors","Dimensions":[{"Name":"fn","Value":"f"}],"Value":5,"Timestamp":%d}]}`, noon-120), nil)
	request := func(more string) string {
		return fmt.Sprintf(`{"StartTime":%d,"EndTime":%d,%s"MetricDataQueries":[
			{"Id":"rate","Expression":"errors / m * 100","Label":"rate ${MAX}"},
			{"Id":"m","MetricStat":{"Metric":{"Namespace":"App","MetricName":"m"},"Period":60,"Stat":"Sum"}},
			{"Id":"errors","ReturnData":false,"MetricStat":{"Metric":{"Namespace":"App","MetricName":"errors","Dimensions":[{"Name":"fn","Value":"f"}]},"Period":60,"Stat":"Sum"}},
			{"Id":"filled","Expression":"FILL(errors, 0)"}]}`, noon-180, noon, more)
	}
	var out dataOutput
	b.do("GetMetricData", request(`"ScanBy":"TimestampAscending",`), &out)
	want := dataOutput{MetricDataResults: []dataResult{
		{"rate", "rate 25", "Complete", []float64{noon - 120}, []float64{25}},
		{"m", "m", "Complete", []float64{noon - 180, noon - 120, noon - 60}, []float64{10, 20, 30}},
		{"filled", "filled", "Complete", []float64{noon - 180, noon - 120, noon - 60}, []float64{0, 5, 0}},
	}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Pages put together are the whole, the newest point first.
	values := map[string][]float64{}
	token := ""
	for pages := 0; ; pages++ {
		out = dataOutput{}
		b.do("GetMetricData", request(`"MaxDatapoints":2,`+token), &out)
		n := 0
		for _, r := range out.MetricDataResults {
			values[r.Id] = append(values[r.Id], r.Values...)
			n += len(r.Values)
		}
		if n > 2 {
			t.Fatalf("a page of %d datapoints", n)
		}
		if out.NextToken == "" || pages > 10 {
			break
		}
		token = fmt.Sprintf(`"NextToken":%q,`, out.NextToken)
	}
	if diff := cmp.Diff(map[string][]float64{"rate": {25}, "m": {30, 20, 10}, "filled": {0, 5, 0}}, values); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

func TestGetMetricDataRefuses(t *testing.T) {
	b := newBed(t)
	for queries, want := range map[string]string{
		`{"Id":"M","Expression":"1"}`:     "must begin with a lowercase letter",
		`{"Id":"a"}`:                      "Exactly one of MetricStat and Expression",
		`{"Id":"a","Expression":"b + 1"}`: "b is not in the request",
		`{"Id":"a","Expression":"a + 1"}`: "there is no metric or expression",
		`{"Id":"a","Expression":"b + 1"},{"Id":"b","Expression":"a + 1"}`:                                 "it refers to itself",
		`{"Id":"a","Expression":"1 + 1"}`:                                                                 "it returns a number",
		`{"Id":"a","Expression":"SEARCH('{App}', 'Sum')"}`:                                                "SEARCH is a function that nube does not offer",
		`{"Id":"a","Expression":"SELECT AVG(m) FROM App"}`:                                                "Metrics Insights",
		`{"Id":"a","Expression":"TIME_SERIES(1)","Label":"${SPARK}"}`:                                     "nube does not fill ${SPARK}",
		`{"Id":"a","Expression":"TIME_SERIES(1)"},{"Id":"a","Expression":"TIME_SERIES(1)"}`:               "not unique",
		`{"Id":"a","MetricStat":{"Metric":{"Namespace":"N","MetricName":"m"},"Period":61,"Stat":"Sum"}}`:  "Period must be",
		`{"Id":"a","MetricStat":{"Metric":{"Namespace":"N","MetricName":"m"},"Period":60,"Stat":"Sums"}}`: "not supported",
	} {
		got := b.try("GetMetricData", fmt.Sprintf(`{"StartTime":%d,"EndTime":%d,"MetricDataQueries":[%s]}`, noon-60, noon, queries))
		if !strings.HasPrefix(got, "ValidationError: ") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", queries, got, want)
		}
	}
}

func TestListMetrics(t *testing.T) {
	b := newBed(t)
	b.do("PutMetricData", `{"Namespace":"App","MetricData":[{"MetricName":"a","Value":1,"Unit":"Bytes"},{"MetricName":"a","Value":1},
		{"MetricName":"b","Value":1,"Dimensions":[{"Name":"x","Value":"1"},{"Name":"y","Value":"2"}]}]}`, nil)
	b.do("PutMetricData", fmt.Sprintf(`{"Namespace":"Other","MetricData":[{"MetricName":"a","Value":1,"Timestamp":%d}]}`, noon-13*86400), nil)
	list := func(request string) string {
		var out struct {
			Metrics []struct {
				Namespace, MetricName string
				Dimensions            []struct{ Name, Value string }
			}
		}
		b.do("ListMetrics", request, &out)
		var names []string
		for _, m := range out.Metrics {
			names = append(names, fmt.Sprintf("%s/%s%d", m.Namespace, m.MetricName, len(m.Dimensions)))
		}
		return strings.Join(names, " ")
	}
	b.rec.Metrics.Meter(account, region, "arn", record.Requests).Observe(b.clock.Now(), 1) // a client sees no meters
	for request, want := range map[string]string{
		`{}`:                            "App/a0 App/b2 Other/a0",
		`{"Namespace":"App"}`:           "App/a0 App/b2",
		`{"MetricName":"a"}`:            "App/a0 Other/a0",
		`{"Dimensions":[{"Name":"x"}]}`: "App/b2",
		`{"Dimensions":[{"Name":"x","Value":"2"}]}`: "",
		`{"RecentlyActive":"PT3H"}`:                 "App/a0 App/b2",
	} {
		if got := list(request); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	b.advance(2 * 24 * time.Hour)
	if got := list(`{}`); got != "App/a0 App/b2" {
		t.Errorf("two days later: %s", got)
	}
}
