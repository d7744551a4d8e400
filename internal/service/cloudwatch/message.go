package cloudwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

// idOf is an id that a repeated attempt gives again.
func idOf(alarm, state string, at clock.Instant) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", alarm, state, at))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

type shortState struct {
	Value  string          `json:"stateValue"`
	Reason string          `json:"stateReason"`
	Data   json.RawMessage `json:"stateReasonData,omitempty"`
}

func (r *alarmRow) short() shortState {
	s := shortState{Value: r.State, Reason: r.Reason}
	if json.Valid([]byte(r.ReasonData)) {
		s.Data = json.RawMessage(r.ReasonData)
	}
	return s
}

// namedValue is a dimension as notifications have it.
type namedValue struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

func namedValues(ds []shapes.Dimension) []namedValue {
	out := []namedValue{}
	for _, d := range ds {
		out = append(out, namedValue{value(d.Value), value(d.Name)})
	}
	return out
}

// notification is what an alarm sends to a topic.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
func notification(c keyspace.Cell, name, old string, row *alarmRow, now clock.Instant) []byte {
	type list = []string
	lists := func(l list) list { return append(list{}, l...) }
	out := struct {
		Name         string  `json:"AlarmName"`
		Description  *string `json:"AlarmDescription"`
		Account      string  `json:"AWSAccountId"`
		Configured   string  `json:"AlarmConfigurationUpdatedTimestamp"`
		New          string  `json:"NewStateValue"`
		Reason       string  `json:"NewStateReason"`
		At           string  `json:"StateChangeTime"`
		Region       string  `json:"Region"`
		ARN          string  `json:"AlarmArn"`
		Old          string  `json:"OldStateValue"`
		OK           list    `json:"OKActions"`
		Alarm        list    `json:"AlarmActions"`
		Insufficient list    `json:"InsufficientDataActions"`
		Rule         string  `json:"AlarmRule,omitempty"`
		Children     any     `json:"TriggeringChildren,omitempty"`
		Trigger      any     `json:"Trigger,omitempty"`
	}{
		Name: name, Account: c.Account, Configured: stamp(row.Configured), New: row.State, Reason: row.Reason, At: stamp(now), Region: regionName(c.Region),
		ARN: string(scopeOf(c).Alarm(name)), Old: old, OK: lists(row.OK), Alarm: lists(row.Alarm), Insufficient: lists(row.Insufficient),
	}
	if row.Description != "" {
		out.Description = &row.Description
	}
	if m := row.Metric; m != nil {
		out.Trigger = m.trigger()
	} else {
		out.Rule = row.Composite.Rule
		out.Children = childrenOf(row.ReasonData)
	}
	return []byte(marshal(out))
}

// childrenOf is the alarms of a composite alarm's reason, as notifications have
// them.
func childrenOf(data string) any {
	var reason struct {
		Alarms []triggering `json:"triggeringAlarms"`
	}
	if json.Unmarshal([]byte(data), &reason) != nil {
		return nil // somebody has set the state
	}
	type state struct{ Value, Timestamp string }
	type child struct {
		Arn   string
		State state
	}
	var out []child
	for _, a := range reason.Alarms {
		out = append(out, child{a.Arn, state{a.State.Value, a.State.Timestamp}})
	}
	return out
}

func (m *metricRow) trigger() any {
	type common struct {
		Period                           int32
		EvaluationPeriods                int32
		DatapointsToAlarm                int32
		ComparisonOperator               string
		Threshold                        float64
		TreatMissingData                 string
		EvaluateLowSampleCountPercentile string
	}
	all := common{int32(m.period().Seconds()), m.Periods, m.Points, m.Operator, m.Threshold, m.Missing, m.LowSamples}
	if len(m.Queries) == 0 {
		out := struct {
			MetricName    string
			Namespace     string
			StatisticType string
			Statistic     string `json:",omitempty"`
			Extended      string `json:"ExtendedStatistic,omitempty"`
			Unit          *string
			Dimensions    []namedValue
			common
		}{MetricName: m.Name, Namespace: m.Namespace, Unit: m.Unit, Dimensions: namedValues(m.Dimensions), common: all}
		if st, _ := parseStatistic(m.Statistic); st.extended() {
			out.StatisticType, out.Extended = "ExtendedStatistic", m.Statistic
		} else {
			out.StatisticType, out.Statistic = "Statistic", simpleName(m.Statistic)
		}
		return out
	}
	type metric struct {
		Dimensions            []namedValue
		MetricName, Namespace string
	}
	type stat struct {
		Metric metric
		Period int32
		Stat   string
	}
	type query struct {
		ID         string `json:"Id"`
		Expression string `json:",omitempty"`
		MetricStat *stat  `json:",omitempty"`
		Label      string `json:",omitempty"`
		ReturnData bool
	}
	out := struct {
		common
		Metrics []query
	}{common: all}
	for _, d := range m.Queries {
		q := query{ID: value(d.Id), Expression: value(d.Expression), Label: value(d.Label), ReturnData: value(or(d.ReturnData, true))}
		if ms := d.MetricStat; ms != nil {
			q.MetricStat = &stat{metric{namedValues(ms.Metric.Dimensions), value(ms.Metric.MetricName), value(ms.Metric.Namespace)}, value(ms.Period), value(ms.Stat)}
		}
		out.Metrics = append(out.Metrics, q)
	}
	return out
}

// simpleName is a statistic as notifications have it.
func simpleName(statistic string) string {
	switch statistic {
	case "SampleCount":
		return "SAMPLE_COUNT"
	default:
		return strings.ToUpper(statistic)
	}
}

// eventState is a state as events have it.
func (r *alarmRow) eventState() map[string]string {
	out := map[string]string{"value": r.State, "reason": r.Reason, "timestamp": stamp(r.Updated)}
	if r.ReasonData != "" {
		out["reasonData"] = r.ReasonData
	}
	return out
}

// eventConfiguration is what an alarm watches, as events have it.
func (r *alarmRow) eventConfiguration(c keyspace.Cell) any {
	type stat struct {
		Metric struct {
			Namespace  string            `json:"namespace"`
			Name       string            `json:"name"`
			Dimensions map[string]string `json:"dimensions"`
		} `json:"metric"`
		Period int32  `json:"period"`
		Stat   string `json:"stat"`
	}
	type metric struct {
		ID         string `json:"id"`
		Stat       *stat  `json:"metricStat,omitempty"`
		Expression string `json:"expression,omitempty"`
		Label      string `json:"label,omitempty"`
		ReturnData bool   `json:"returnData"`
	}
	out := struct {
		Description string   `json:"description,omitempty"`
		Metrics     []metric `json:"metrics,omitempty"`
		Rule        string   `json:"alarmRule,omitempty"`
		Suppressor  string   `json:"actionsSuppressor,omitempty"`
		Wait        int32    `json:"actionsSuppressorWaitPeriod,omitempty"`
		Extension   int32    `json:"actionsSuppressorExtensionPeriod,omitempty"`
	}{Description: r.Description}
	if r.Composite != nil {
		out.Rule, out.Suppressor, out.Wait, out.Extension = r.Composite.Rule, r.Composite.Suppressor, r.Composite.Wait, r.Composite.Extension
		return out
	}
	of := func(namespace, name string, dims []shapes.Dimension, period int32, statistic string) *stat {
		st := &stat{Period: period, Stat: statistic}
		st.Metric.Namespace, st.Metric.Name, st.Metric.Dimensions = namespace, name, map[string]string{}
		for _, d := range dims {
			st.Metric.Dimensions[value(d.Name)] = value(d.Value)
		}
		return st
	}
	m := r.Metric
	if len(m.Queries) == 0 {
		id := idOf(m.Namespace, m.Name, r.Configured)
		out.Metrics = []metric{{ID: id, Stat: of(m.Namespace, m.Name, m.Dimensions, m.Period, m.Statistic), ReturnData: true}}
		return out
	}
	for _, d := range m.Queries {
		q := metric{ID: value(d.Id), Expression: value(d.Expression), Label: value(d.Label), ReturnData: value(or(d.ReturnData, true))}
		if ms := d.MetricStat; ms != nil {
			q.Stat = of(value(ms.Metric.Namespace), value(ms.Metric.MetricName), ms.Metric.Dimensions, value(ms.Period), value(ms.Stat))
		}
		out.Metrics = append(out.Metrics, q)
	}
	return out
}

// lambdaEvent is what an alarm gives a function.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
func lambdaEvent(c keyspace.Cell, name string, old, row *alarmRow, now clock.Instant) []byte {
	return []byte(marshal(map[string]any{
		"source": "aws.cloudwatch", "alarmArn": string(scopeOf(c).Alarm(name)), "accountId": c.Account, "time": stamp(now), "region": c.Region,
		"alarmData": map[string]any{"alarmName": name, "state": row.eventState(), "previousState": old.eventState(), "configuration": row.eventConfiguration(c)},
	}))
}

// configuration is what a history says of an alarm.
func (r *alarmRow) configuration(name string) string {
	return marshal(map[string]any{"version": "1.0", "type": "Update", "updatedAlarm": map[string]any{
		"alarmName": name, "alarmDescription": r.Description, "actionsEnabled": !r.Disabled, "okActions": r.OK, "alarmActions": r.Alarm,
		"insufficientDataActions": r.Insufficient, "metric": r.Metric, "composite": r.Composite,
	}})
}

// regionName is a region as notifications call it.
//
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
func regionName(region string) string {
	switch region {
	case "us-east-1":
		return "US East (N. Virginia)"
	case "us-east-2":
		return "US East (Ohio)"
	case "us-west-1":
		return "US West (N. California)"
	case "us-west-2":
		return "US West (Oregon)"
	case "ca-central-1":
		return "Canada (Central)"
	case "sa-east-1":
		return "South America (Sao Paulo)"
	case "eu-west-1":
		return "EU (Ireland)"
	case "eu-west-2":
		return "EU (London)"
	case "eu-west-3":
		return "EU (Paris)"
	case "eu-central-1":
		return "EU (Frankfurt)"
	case "eu-north-1":
		return "EU (Stockholm)"
	case "eu-south-1":
		return "EU (Milan)"
	case "ap-south-1":
		return "Asia Pacific (Mumbai)"
	case "ap-northeast-1":
		return "Asia Pacific (Tokyo)"
	case "ap-northeast-2":
		return "Asia Pacific (Seoul)"
	case "ap-northeast-3":
		return "Asia Pacific (Osaka)"
	case "ap-southeast-1":
		return "Asia Pacific (Singapore)"
	case "ap-southeast-2":
		return "Asia Pacific (Sydney)"
	}
	return region
}
