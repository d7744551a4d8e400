package sample

// alarmEvent is what an alarm of CloudWatch sends to a function that is its
// action.
type alarmEvent struct {
	Source    string    `json:"source"`
	AlarmARN  string    `json:"alarmArn"`
	AccountID string    `json:"accountId"`
	Time      string    `json:"time"`
	Region    string    `json:"region"`
	Data      alarmData `json:"alarmData"`
}

type alarmData struct {
	Name          string             `json:"alarmName"`
	State         alarmState         `json:"state"`
	Previous      alarmState         `json:"previousState"`
	Configuration alarmConfiguration `json:"configuration"`
}

type alarmState struct {
	Value      string `json:"value"`
	Reason     string `json:"reason"`
	ReasonData string `json:"reasonData,omitempty"`
	Timestamp  string `json:"timestamp"`
}

type alarmConfiguration struct {
	Description string        `json:"description,omitempty"`
	Metrics     []alarmMetric `json:"metrics"`
}

type alarmMetric struct {
	ID         string          `json:"id"`
	MetricStat alarmMetricStat `json:"metricStat"`
	ReturnData bool            `json:"returnData"`
}

type alarmMetricStat struct {
	Metric alarmMetricName `json:"metric"`
	Period int64           `json:"period"`
	Stat   string          `json:"stat"`
}

type alarmMetricName struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Dimensions map[string]string `json:"dimensions"`
}

type alarmParams struct {
	Alarm     string `default:"my-alarm" about:"the alarm's name"`
	State     string `default:"ALARM" about:"OK, ALARM or INSUFFICIENT_DATA"`
	Previous  string `default:"OK" about:"the state before"`
	Namespace string `default:"AWS/Lambda" about:"the metric's name space"`
	Metric    string `default:"Errors" about:"the metric's name"`
	Function  string `default:"my-function" about:"the dimension FunctionName"`
}

func alarms() []Sample {
	return []Sample{define("cloudwatch:alarm", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html", "an alarm has changed its state", func(m *maker, p alarmParams) any {
		at := m.Time.UTC().Format("2006-01-02T15:04:05.000-0700")
		return alarmEvent{
			Source: "aws.cloudwatch", AlarmARN: m.arn("cloudwatch", "alarm:"+p.Alarm), AccountID: m.Account, Time: at, Region: m.Region,
			Data: alarmData{
				Name:     p.Alarm,
				State:    alarmState{Value: p.State, Reason: "Threshold Crossed: 1 out of the last 1 datapoints was greater than the threshold (0.0)", Timestamp: at},
				Previous: alarmState{Value: p.Previous, Reason: "Threshold Crossed: no datapoints were received for 1 period", Timestamp: at},
				Configuration: alarmConfiguration{Description: "something is wrong", Metrics: []alarmMetric{{
					ID: m.uuid(), ReturnData: true, MetricStat: alarmMetricStat{Period: 60, Stat: "Sum", Metric: alarmMetricName{p.Namespace, p.Metric, map[string]string{"FunctionName": p.Function}}},
				}}},
			},
		}
	})}
}
