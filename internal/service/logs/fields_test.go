package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogGroupFields.html
func TestLogGroupFields(t *testing.T) {
	c := derivingCloud(t)
	fields := func(request string) string {
		t.Helper()
		var out struct {
			LogGroupFields []struct {
				Name    string
				Percent int
			}
		}
		c.do("GetLogGroupFields", request, &out)
		var lines []string
		for _, f := range out.LogGroupFields {
			lines = append(lines, fmt.Sprintf("%s %d", f.Name, f.Percent))
		}
		return strings.Join(lines, ", ")
	}
	const own = "@ingestionTime 100, @log 100, @logStream 100, @message 100, @ptr 100, @timestamp 100"
	if got := fields(`{"logGroupName":"g"}`); got != "" {
		t.Errorf("of nothing: %s", got)
	}
	c.say("plain")
	began := c.clock.Now()
	c.clock.Set(began.Add(14 * time.Minute))
	c.say(`{"level":"INFO","http":{"ms":1}}`, `{"level":"WARN"}`)
	for request, want := range map[string]string{
		`{"logGroupName":"g"}`: own + ", level 66, http.ms 33",
		`{"logGroupIdentifier":"arn:aws:logs:eu-west-1:123456789012:log-group:g"}`:       own + ", level 66, http.ms 33",
		fmt.Sprintf(`{"logGroupName":"g","time":%d}`, began.Unix()):                      own,
		fmt.Sprintf(`{"logGroupName":"g","time":%d}`, began.Add(-9*time.Minute).Unix()):  "",
		fmt.Sprintf(`{"logGroupName":"g","time":%d}`, began.Add(22*time.Minute).Unix()):  own + ", level 100, http.ms 50",
		fmt.Sprintf(`{"logGroupName":"g","time":%d}`, began.Add(600*time.Minute).Unix()): "",
	} {
		if got := fields(request); got != want {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
	for request, code := range map[string]string{
		`{}`:                        "InvalidParameterException",
		`{"logGroupName":"nobody"}`: "ResourceNotFoundException",
		`{"logGroupName":"g","logGroupIdentifier":"g"}`: "InvalidParameterException",
	} {
		if got := c.try("GetLogGroupFields", request); !strings.HasPrefix(got, code) {
			t.Errorf("%s: %s, want %s", request, got, code)
		}
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogRecord.html
func TestLogRecord(t *testing.T) {
	c := derivingCloud(t)
	c.say(`{"level":"INFO","http":{"ms":1}}`, `{"level":"ERROR","ok":false}`)
	now := c.clock.Now()
	var q struct{ QueryId string }
	c.do("StartQuery", fmt.Sprintf(`{"logGroupNames":["g"],"startTime":%d,"endTime":%d,"queryString":"filter level = 'ERROR' | fields @timestamp"}`, now.Unix()-60, now.Unix()+1), &q)
	var out struct {
		Results [][]struct{ Field, Value string }
	}
	c.do("GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, q.QueryId), &out)
	ptr := ""
	for _, f := range out.Results[0] {
		if f.Field == "@ptr" {
			ptr = f.Value
		}
	}
	get := fmt.Sprintf(`{"logRecordPointer":%q}`, ptr)
	var rec struct{ LogRecord map[string]string }
	c.do("GetLogRecord", get, &rec)
	for _, volatile := range []string{"@timestamp", "@ingestionTime"} {
		if rec.LogRecord[volatile] == "" {
			t.Errorf("no %s", volatile)
		}
		delete(rec.LogRecord, volatile)
	}
	want := map[string]string{
		"@log": testAccount + ":g", "@logStream": "s", "@message": `{"level":"ERROR","ok":false}`, "@ptr": ptr, "level": "ERROR", "ok": "0",
	}
	if diff := cmp.Diff(want, rec.LogRecord); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c.do("PutRetentionPolicy", `{"logGroupName":"g","retentionInDays":1}`, nil)
	c.clock.Set(now.Add(25 * time.Hour))
	if got := c.try("GetLogRecord", get); !strings.HasPrefix(got, "ResourceNotFoundException") {
		t.Errorf("after its days: %s", got)
	}
	c.do("DeleteLogGroup", `{"logGroupName":"g"}`, nil)
	if got := c.try("GetLogRecord", get); !strings.HasPrefix(got, "ResourceNotFoundException") {
		t.Errorf("of a group that is gone: %s", got)
	}
	for _, bad := range []string{"", "nonsense", *encodeName("a\x00b\x00c"), *encodeName("3")} {
		if got := c.try("GetLogRecord", fmt.Sprintf(`{"logRecordPointer":%q}`, bad)); !strings.HasPrefix(got, "InvalidParameterException") {
			t.Errorf("%q: %s", bad, got)
		}
	}
}
