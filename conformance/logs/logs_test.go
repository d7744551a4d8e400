// Package logs holds CloudWatch Logs' documentation to a server, through AWS's own SDK. Each case cites its page.
package logs

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client and a log group of its own with a stream called stream.
type suite struct {
	*testing.T
	*cloudwatchlogs.Client
	ctx    context.Context
	group  *string
	stream *string
}

func open(t *testing.T) *suite {
	t.Helper()
	x := &suite{T: t, Client: cloudwatchlogs.NewFromConfig(target.Config()), ctx: t.Context(), group: aws.String(target.Name()), stream: aws.String("stream")}
	_, err := x.CreateLogGroup(x.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: x.group})
	target.Must(t, err)
	t.Cleanup(func() {
		if _, err := x.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: x.group}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	_, err = x.CreateLogStream(x.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: x.group, LogStreamName: x.stream})
	target.Must(t, err)
	return x
}

// put puts messages a millisecond apart, the last one now.
func (x *suite) put(messages ...string) (first time.Time) {
	x.Helper()
	first = time.Now().Add(-time.Duration(len(messages)) * time.Millisecond)
	var events []types.InputLogEvent
	for i, m := range messages {
		events = append(events, types.InputLogEvent{Message: &m, Timestamp: aws.Int64(first.UnixMilli() + int64(i))})
	}
	out, err := x.PutLogEvents(x.ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: x.group, LogStreamName: x.stream, LogEvents: events})
	target.Must(x, err)
	if out.RejectedLogEventsInfo != nil {
		x.Errorf("rejected %+v", out.RejectedLogEventsInfo)
	}
	return first
}

func (x *suite) filter(pattern string) (messages []string) {
	x.Helper()
	p := cloudwatchlogs.NewFilterLogEventsPaginator(x.Client, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: x.group, FilterPattern: &pattern})
	for p.HasMorePages() {
		page, err := p.NextPage(x.ctx)
		target.Must(x, err)
		for _, e := range page.Events {
			messages = append(messages, *e.Message)
		}
	}
	return messages
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html
func TestNames(t *testing.T) {
	x := open(t)
	_, err := x.CreateLogGroup(x.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: x.group})
	target.Refused(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = x.CreateLogStream(x.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: x.group, LogStreamName: x.stream})
	target.Refused(t, err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	_, err = x.CreateLogStream(x.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(target.Name()), LogStreamName: x.stream})
	target.Refused(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	_, err = x.CreateLogGroup(x.ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("no spaces")})
	target.Refused(t, err, "InvalidParameterException", "logGroupName")
	_, err = x.CreateLogStream(x.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: x.group, LogStreamName: aws.String("no:colon")})
	target.Refused(t, err, "InvalidParameterException", "logStreamName")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
func TestPutLogEvents(t *testing.T) {
	x := open(t)
	now := time.Now()
	at := func(d time.Duration, m string) types.InputLogEvent {
		return types.InputLogEvent{Timestamp: aws.Int64(now.Add(d).UnixMilli()), Message: &m}
	}
	put := func(events ...types.InputLogEvent) (*cloudwatchlogs.PutLogEventsOutput, error) {
		return x.PutLogEvents(x.ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: x.group, LogStreamName: x.stream, LogEvents: events})
	}
	_, err := put(at(0, "b"), at(-time.Second, "a"))
	target.Refused(t, err, "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.")

	_, err = put(at(-25*time.Hour, "a"), at(0, "b"))
	target.Refused(t, err, "InvalidParameterException", "cannot span more than 24 hours")

	out, err := put(at(0, "good"), at(3*time.Hour, "too new"))
	target.Must(t, err)
	if r := out.RejectedLogEventsInfo; r == nil || r.TooOldLogEventEndIndex != nil || aws.ToInt32(r.TooNewLogEventStartIndex) != 1 {
		t.Errorf("rejected %+v", r)
	}
	out, err = put(at(-15*24*time.Hour, "too old"))
	target.Must(t, err)
	if r := out.RejectedLogEventsInfo; r == nil || aws.ToInt32(r.TooOldLogEventEndIndex) != 1 || r.TooNewLogEventStartIndex != nil {
		t.Errorf("rejected %+v", r)
	}
	if got := x.filter(""); !slices.Equal(got, []string{"good"}) {
		t.Errorf("kept %q", got)
	}
	_, err = x.PutLogEvents(x.ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: x.group, LogStreamName: aws.String("none"), LogEvents: []types.InputLogEvent{at(0, "x")}})
	target.Refused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html: reading on from an end
// gives the same token back.
func TestGetLogEvents(t *testing.T) {
	x := open(t)
	x.put("1", "2", "3", "4", "5")
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: x.group, LogStreamName: x.stream, StartFromHead: aws.Bool(true), Limit: aws.Int32(2)}
	var got []string
	for {
		page, err := x.GetLogEvents(x.ctx, in)
		target.Must(t, err)
		for _, e := range page.Events {
			got = append(got, *e.Message)
		}
		if aws.ToString(in.NextToken) == *page.NextForwardToken {
			break
		}
		in.NextToken = page.NextForwardToken
	}
	if !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("forward %q", got)
	}
	page, err := x.GetLogEvents(x.ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: x.group, LogStreamName: x.stream, Limit: aws.Int32(2)})
	target.Must(t, err)
	if len(page.Events) != 2 || *page.Events[0].Message != "4" || *page.Events[1].Message != "5" {
		t.Errorf("the newest two are %+v", page.Events)
	}
	page, err = x.GetLogEvents(x.ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: x.group, LogStreamName: x.stream, Limit: aws.Int32(2), NextToken: page.NextBackwardToken})
	target.Must(t, err)
	if len(page.Events) != 2 || *page.Events[0].Message != "2" || *page.Events[1].Message != "3" {
		t.Errorf("the two before are %+v", page.Events)
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func TestFilterPatterns(t *testing.T) {
	x := open(t)
	x.put("[ERROR 400] BAD REQUEST", "[ERROR 419] MISSING ARGUMENTS", "[INFO] fine",
		`{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","errorCode":404,"user":{"id":1},"list":["a","b"]}`,
		`{"eventType":"CreateTrail","errorCode":200,"user":{"id":2}}`,
		`127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`)
	for pattern, want := range map[string]int{
		``: 6, `ERROR`: 2, `Bad`: 0, `ERROR MISSING`: 1, `?BAD ?fine`: 2, `ERROR -400`: 1, `"BAD REQUEST"`: 1, `%ERROR\s4\d\d%`: 2,
		`{ $.eventType = "UpdateTrail" }`: 1, `{ $.eventType = "*Trail" }`: 2, `{ $.errorCode >= 400 }`: 1, `{ $.user.id = 1 || $.user.id = 2 }`: 2,
		`{ $.list[0] = "a" }`: 1, `{ $.sourceIPAddress NOT EXISTS }`: 1, `{ ($.errorCode = 200) && ($.user.id = 1) }`: 0,
		`[ip, user, username, timestamp, request, status_code = 404, bytes]`: 1, `[..., status_code = 4*, bytes > 1000]`: 1,
	} {
		if got := x.filter(pattern); len(got) != want {
			t.Errorf("%s matches %d, want %d: %q", pattern, len(got), want, got)
		}
	}
	_, err := x.FilterLogEvents(x.ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: x.group, FilterPattern: aws.String("{ $.x = ")})
	target.Refused(t, err, "InvalidParameterException", "Invalid filter pattern")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html: times are inclusive at
// the start.
func TestFilterTimesAndStreams(t *testing.T) {
	x := open(t)
	first := x.put("0", "1", "2", "3")
	out, err := x.FilterLogEvents(x.ctx, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: x.group, StartTime: aws.Int64(first.UnixMilli() + 1), LogStreamNamePrefix: aws.String("str"),
	})
	target.Must(t, err)
	if len(out.Events) != 3 || *out.Events[0].Message != "1" || *out.Events[0].LogStreamName != "stream" || aws.ToString(out.Events[0].EventId) == "" {
		t.Errorf("found %+v", out.Events)
	}
	out, err = x.FilterLogEvents(x.ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: x.group, LogStreamNamePrefix: aws.String("other")})
	target.Must(t, err)
	if len(out.Events) != 0 {
		t.Errorf("in other streams %+v", out.Events)
	}
	_, err = x.FilterLogEvents(x.ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: x.group, LogStreamNamePrefix: aws.String("s"), LogStreamNames: []string{"stream"}})
	target.Refused(t, err, "InvalidParameterException", "")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
func TestRetention(t *testing.T) {
	x := open(t)
	_, err := x.PutRetentionPolicy(x.ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: x.group, RetentionInDays: aws.Int32(2)})
	target.Refused(t, err, "InvalidParameterException", "")
	_, err = x.PutRetentionPolicy(x.ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: x.group, RetentionInDays: aws.Int32(14)})
	target.Must(t, err)
	if days := x.describe().RetentionInDays; aws.ToInt32(days) != 14 {
		t.Errorf("kept for %v days", days)
	}
	_, err = x.DeleteRetentionPolicy(x.ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: x.group})
	target.Must(t, err)
	if days := x.describe().RetentionInDays; days != nil {
		t.Errorf("kept for %d days", *days)
	}
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
func (x *suite) describe() types.LogGroup {
	x.Helper()
	out, err := x.DescribeLogGroups(x.ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: x.group})
	target.Must(x, err)
	if len(out.LogGroups) != 1 {
		x.Fatalf("described %+v", out.LogGroups)
	}
	return out.LogGroups[0]
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html
func TestDescribeLogStreams(t *testing.T) {
	x := open(t)
	for i := range 4 {
		_, err := x.CreateLogStream(x.ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: x.group, LogStreamName: aws.String(fmt.Sprint("s", i))})
		target.Must(t, err)
	}
	var names []string
	for p := cloudwatchlogs.NewDescribeLogStreamsPaginator(x.Client, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: x.group, Limit: aws.Int32(2), Descending: aws.Bool(true)}); p.HasMorePages(); {
		page, err := p.NextPage(x.ctx)
		target.Must(t, err)
		for _, s := range page.LogStreams {
			names = append(names, *s.LogStreamName)
		}
	}
	if !slices.Equal(names, []string{"stream", "s3", "s2", "s1", "s0"}) {
		t.Errorf("streams %q", names)
	}
	_, err := x.DescribeLogStreams(x.ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: x.group, OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("s")})
	target.Refused(t, err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogGroupFields.html
func TestLogGroupFields(t *testing.T) {
	x := open(t)
	x.put(`{"level":"INFO","ms":1}`, `{"level":"WARN"}`)
	fields := map[string]int32{}
	target.Eventually(x, "the fields", func() bool {
		out, err := x.GetLogGroupFields(x.ctx, &cloudwatchlogs.GetLogGroupFieldsInput{LogGroupName: x.group})
		target.Must(t, err)
		last := int32(100)
		for _, f := range out.LogGroupFields {
			fields[*f.Name] = f.Percent
			if f.Percent > last {
				t.Errorf("%s has %d percent, and the one before it %d", *f.Name, f.Percent, last)
			}
			last = f.Percent
		}
		return fields["level"] > 0
	})
	for name, percent := range map[string]int32{"@timestamp": 100, "@message": 100, "@logStream": 100, "level": 100, "ms": 50} {
		if fields[name] != percent {
			t.Errorf("%s has %d percent, want %d", name, fields[name], percent)
		}
	}
	_, err := x.GetLogGroupFields(x.ctx, &cloudwatchlogs.GetLogGroupFieldsInput{LogGroupName: aws.String(target.Name())})
	target.Refused(t, err, "ResourceNotFoundException", "")
	_, err = x.GetLogGroupFields(x.ctx, &cloudwatchlogs.GetLogGroupFieldsInput{LogGroupName: x.group, LogGroupIdentifier: x.group})
	target.Refused(t, err, "InvalidParameterException", "")
}

// query asks Insights, and returns the rows of the answer when there are some.
func (x *suite) query(text string) (rows []map[string]string) {
	x.Helper()
	target.Eventually(x, "the answer to "+text, func() bool {
		now := time.Now()
		q, err := x.StartQuery(x.ctx, &cloudwatchlogs.StartQueryInput{
			LogGroupName: x.group, StartTime: aws.Int64(now.Add(-time.Hour).Unix()), EndTime: aws.Int64(now.Unix() + 1), QueryString: &text,
		})
		target.Must(x, err)
		var out *cloudwatchlogs.GetQueryResultsOutput
		target.Eventually(x, "the end of the query", func() bool {
			out, err = x.GetQueryResults(x.ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: q.QueryId})
			target.Must(x, err)
			return out.Status == types.QueryStatusComplete
		})
		rows = nil
		for _, fields := range out.Results {
			row := map[string]string{}
			for _, f := range fields {
				row[*f.Field] = *f.Value
			}
			rows = append(rows, row)
		}
		return len(rows) > 0
	})
	return rows
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogRecord.html
func TestLogRecord(t *testing.T) {
	x := open(t)
	x.put(`{"level":"INFO","http":{"ms":1}}`, `{"level":"ERROR","http":{"ms":7}}`)
	rows := x.query(`filter level = "ERROR" | fields @timestamp`)
	if len(rows) != 1 || rows[0]["@ptr"] == "" {
		t.Fatalf("rows %v", rows)
	}
	ptr := rows[0]["@ptr"]
	rec, err := x.GetLogRecord(x.ctx, &cloudwatchlogs.GetLogRecordInput{LogRecordPointer: &ptr})
	target.Must(t, err)
	for name, want := range map[string]string{"@message": `{"level":"ERROR","http":{"ms":7}}`, "@logStream": "stream", "level": "ERROR", "http.ms": "7"} {
		if got := rec.LogRecord[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if log := rec.LogRecord["@log"]; !strings.HasSuffix(log, ":"+*x.group) {
		t.Errorf("@log is %q", log)
	}
	_, err = x.GetLogRecord(x.ctx, &cloudwatchlogs.GetLogRecordInput{LogRecordPointer: aws.String("nonsense")})
	target.Refused(t, err, "InvalidParameterException", "")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueryDefinitions.html
func TestQueryDefinitions(t *testing.T) {
	x := open(t)
	name := *x.group + "/errors"
	put := func(id *string, query string) string {
		t.Helper()
		out, err := x.PutQueryDefinition(x.ctx, &cloudwatchlogs.PutQueryDefinitionInput{QueryDefinitionId: id, Name: &name, QueryString: &query, LogGroupNames: []string{*x.group}})
		target.Must(t, err)
		return *out.QueryDefinitionId
	}
	id := put(nil, "filter level = 'ERROR'")
	if again := put(&id, "filter level = 'WARN'"); again != id {
		t.Errorf("an update makes %s of %s", again, id)
	}
	found, err := x.DescribeQueryDefinitions(x.ctx, &cloudwatchlogs.DescribeQueryDefinitionsInput{QueryDefinitionNamePrefix: x.group})
	target.Must(t, err)
	if len(found.QueryDefinitions) != 1 {
		t.Fatalf("definitions %+v", found.QueryDefinitions)
	}
	if d := found.QueryDefinitions[0]; *d.QueryDefinitionId != id || *d.Name != name || *d.QueryString != "filter level = 'WARN'" || !slices.Equal(d.LogGroupNames, []string{*x.group}) || d.LastModified == nil {
		t.Errorf("%+v", d)
	}
	del, err := x.DeleteQueryDefinition(x.ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: &id})
	target.Must(t, err)
	if !del.Success {
		t.Error("it was deleted without success")
	}
	_, err = x.DeleteQueryDefinition(x.ctx, &cloudwatchlogs.DeleteQueryDefinitionInput{QueryDefinitionId: &id})
	target.Refused(t, err, "ResourceNotFoundException", "")
	_, err = x.PutQueryDefinition(x.ctx, &cloudwatchlogs.PutQueryDefinitionInput{QueryDefinitionId: &id, Name: &name, QueryString: aws.String("fields @message")})
	target.Refused(t, err, "ResourceNotFoundException", "")
}
