package sample

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// logsEvent is what a subscription filter of CloudWatch Logs sends.
type logsEvent struct {
	AWSLogs logsData `json:"awslogs"`
}

// logsData is a [logsBatch] in JSON, gzip and Base64.
type logsData struct {
	Data string `json:"data"`
}

type logsBatch struct {
	MessageType         string      `json:"messageType"`
	Owner               string      `json:"owner"`
	LogGroup            string      `json:"logGroup"`
	LogStream           string      `json:"logStream"`
	SubscriptionFilters []string    `json:"subscriptionFilters"`
	LogEvents           []logsEntry `json:"logEvents"`
}

type logsEntry struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

type logsParams struct {
	Group   string `default:"testLogGroup" about:"the log group"`
	Stream  string `default:"testLogStream" about:"the log stream"`
	Filter  string `default:"testFilter" about:"the subscription filter's name"`
	Message string `default:"[ERROR] First test message" about:"of each event; | separates several"`
}

func logGroups() []Sample {
	return []Sample{define("logs:subscription", "https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html", "events of a log that match a filter", func(m *maker, p logsParams) any {
		batch := logsBatch{MessageType: "DATA_MESSAGE", Owner: m.Account, LogGroup: p.Group, LogStream: p.Stream, SubscriptionFilters: []string{p.Filter}}
		for message := range strings.SplitSeq(p.Message, "|") {
			batch.LogEvents = append(batch.LogEvents, logsEntry{ID: m.number(56), Timestamp: m.Time.UnixMilli(), Message: message})
		}
		text, err := json.Marshal(batch)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text) // into memory: no error
		z.Close()
		if err != nil && m.err == nil {
			m.err = err
		}
		return logsEvent{logsData{base64.StdEncoding.EncodeToString(b.Bytes())}}
	})}
}
