package logs

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/record"
)

func TestImplementsWhatIsDeclared(t *testing.T) {
	var want []string
	for i := range shapes.Model.Ops {
		if shapes.Model.Ops[i].Declared {
			want = append(want, shapes.Model.Ops[i].Name)
		}
	}
	if diff := cmp.Diff(want, newCloud(t).s.API().Implemented()); diff != "" {
		t.Errorf("operations (-declared +implemented):\n%s", diff)
	}
}

// What each operation needs, as IAM is asked.
func TestAccess(t *testing.T) {
	c := newCloud(t)
	who := &nobody{}
	c.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock,
		Identities: who, Denials: who, Enforcement: awsapi.Warn,
	})
	call := *awsapi.From(c.ctx)
	call.Actor.Principal.ARN = "arn:aws:iam::123456789012:user/ana"
	c.ctx = awsapi.With(context.Background(), &call)
	const (
		g = "arn:aws:logs:eu-west-1:123456789012:log-group:g:log-stream:"
		s = g + "s"
	)
	for _, test := range []struct{ operation, request, want string }{
		{"CreateLogGroup", `{"logGroupName":"g"}`, "logs:CreateLogGroup " + g},
		{"CreateLogGroup", `{"logGroupName":"g2","tags":{"Team":"a"}}`,
			"logs:CreateLogGroup " + strings.Replace(g, ":g:", ":g2:", 1) + " aws:requesttag/team=a aws:tagkeys=Team, logs:TagResource " + strings.Replace(g, ":g:", ":g2:", 1) + " aws:requesttag/team=a aws:tagkeys=Team"},
		{"CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, "logs:CreateLogStream " + g},
		{"PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"x"}]}`, "logs:PutLogEvents " + s},
		{"GetLogEvents", `{"logGroupIdentifier":"arn:aws:logs:eu-west-1:123456789012:log-group:g","logStreamName":"s"}`, "logs:GetLogEvents " + s},
		{"FilterLogEvents", `{"logGroupName":"g"}`, "logs:FilterLogEvents " + g},
		{"DescribeLogGroups", `{}`, "logs:DescribeLogGroups arn:aws:logs:eu-west-1:123456789012:log-group::log-stream:"},
		{"DescribeLogStreams", `{"logGroupName":"g"}`, "logs:DescribeLogStreams " + g},
		{"PutRetentionPolicy", `{"logGroupName":"g","retentionInDays":1}`, "logs:PutRetentionPolicy " + g},
		{"DeleteRetentionPolicy", `{"logGroupName":"g"}`, "logs:DeleteRetentionPolicy " + g},
		{"TagResource", `{"resourceArn":"arn:aws:logs:eu-west-1:123456789012:log-group:g","tags":{"team":"a"}}`, "logs:TagResource " + g + " aws:requesttag/team=a aws:tagkeys=team"},
		{"UntagResource", `{"resourceArn":"arn:aws:logs:eu-west-1:123456789012:log-group:g","tagKeys":["team"]}`, "logs:UntagResource " + g + " aws:tagkeys=team"},
		{"ListTagsForResource", `{"resourceArn":"arn:aws:logs:eu-west-1:123456789012:log-group:g"}`, "logs:ListTagsForResource " + g},
		{"TagLogGroup", `{"logGroupName":"g","tags":{"team":"a"}}`, "logs:TagLogGroup " + g + " aws:requesttag/team=a aws:tagkeys=team"},
		{"UntagLogGroup", `{"logGroupName":"g","tags":["team"]}`, "logs:UntagLogGroup " + g},
		{"ListTagsLogGroup", `{"logGroupName":"g"}`, "logs:ListTagsLogGroup " + g},
		{"DescribeMetricFilters", `{"logGroupName":"g"}`, "logs:DescribeMetricFilters " + g},
		{"DescribeSubscriptionFilters", `{"logGroupName":"g"}`, "logs:DescribeSubscriptionFilters " + g},
		{"DeleteLogStream", `{"logGroupName":"g","logStreamName":"s"}`, "logs:DeleteLogStream " + s},
		{"DeleteLogGroup", `{"logGroupName":"g"}`, "logs:DeleteLogGroup " + g},
	} {
		who.needs = nil
		if out := c.try(test.operation, test.request); !strings.HasPrefix(out, "{") {
			t.Errorf("%s: %s", test.operation, out)
		}
		got := strings.Join(who.needs, ", ")
		if got != test.want {
			t.Errorf("%s needs\n %s, want\n %s", test.operation, got, test.want)
		}
	}
}

// Any way of paging shows all events once and in order.
func TestPaging(t *testing.T) {
	c := newCloud(t)
	c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	r := rand.New(rand.NewPCG(1, 2))
	var want []string
	type ev struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var all []ev
	for i := range 300 {
		stream := fmt.Sprint("s", i%3)
		if i < 3 {
			c.do("CreateLogStream", fmt.Sprintf(`{"logGroupName":"g","logStreamName":%q}`, stream), nil)
		}
		e := ev{began.UnixMilli() + int64(r.IntN(100)), fmt.Sprint("event ", i)}
		all = append(all, e)
		b, _ := json.Marshal(e)
		c.do("PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":%q,"logEvents":[%s]}`, stream, b), nil)
	}
	slices.SortStableFunc(all, func(a, b ev) int { return int(a.Timestamp - b.Timestamp) })
	for _, e := range all {
		want = append(want, e.Message)
	}

	for _, limit := range []int{1, 7, 100, 1000} {
		var got []string
		token := ""
		for {
			var page struct {
				Events    []ev
				NextToken string
			}
			c.do("FilterLogEvents", fmt.Sprintf(`{"logGroupName":"g","limit":%d%s}`, limit, token), &page)
			for _, e := range page.Events {
				got = append(got, e.Message)
			}
			if page.NextToken == "" {
				break
			}
			token = fmt.Sprintf(`,"nextToken":%q`, page.NextToken)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("FilterLogEvents by %d (-want +got):\n%s", limit, diff)
		}

		for _, head := range []bool{true, false} {
			var got [][]string
			token := ""
			for {
				var page struct {
					Events                              []ev
					NextForwardToken, NextBackwardToken string
				}
				c.do("GetLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s1","limit":%d,"startFromHead":%v%s}`, limit, head, token), &page)
				var texts []string
				for _, e := range page.Events {
					texts = append(texts, e.Message)
				}
				got = append(got, texts)
				next := page.NextForwardToken
				if !head {
					next = page.NextBackwardToken
				}
				last := token
				if token = fmt.Sprintf(`,"nextToken":%q`, next); token == last {
					break
				}
			}
			if !head {
				slices.Reverse(got)
			}
			var mine []string
			for i, e := range all {
				var n int
				fmt.Sscanf(e.Message, "event %d", &n)
				if n%3 == 1 {
					mine = append(mine, all[i].Message)
				}
			}
			if diff := cmp.Diff(mine, slices.Concat(got...)); diff != "" {
				t.Errorf("GetLogEvents by %d from head %v (-want +got):\n%s", limit, head, diff)
			}
		}
	}
}

// A page holds a megabyte, but at least one event.
func TestPagesAreBounded(t *testing.T) {
	c := newCloud(t)
	c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	c.do("CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, nil)
	large := strings.Repeat("x", 600<<10)
	for i := range 3 {
		c.do("PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":%q}]}`, began.UnixMilli()+int64(i), large), nil)
	}
	out := c.try("PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":%q},{"timestamp":1,"message":%q}]}`, large, large))
	if want := "InvalidParameterException: Upload too large: 1228852 bytes exceeds limit of 1048576"; out != want {
		t.Errorf("a batch that is too large: %s, want %s", out, want)
	}
	var page struct {
		Events    []any
		NextToken string
	}
	c.do("FilterLogEvents", `{"logGroupName":"g"}`, &page)
	if len(page.Events) != 1 || page.NextToken == "" {
		t.Errorf("a page of %d events of 600 KB, token %q", len(page.Events), page.NextToken)
	}
	c.do("GetLogEvents", `{"logGroupName":"g","logStreamName":"s"}`, &page)
	if len(page.Events) != 1 {
		t.Errorf("a page of %d events of 600 KB", len(page.Events))
	}
}

// The output of functions comes to package record directly, to streams that
// the platform makes.
func TestEnsure(t *testing.T) {
	c := newCloud(t)
	st := streamIn(testCell, "/aws/lambda/f", "2026/11/21/[$LATEST]0a")
	for range 3 {
		if err := c.s.Ensure(c.ctx, st); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.rec.Logs.Writer(st).Append(c.clock.Now().Add(time.Microsecond), c.clock.Now(), []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	var page struct{ Events []struct{ Message string } }
	c.do("GetLogEvents", `{"logGroupName":"/aws/lambda/f","logStreamName":"2026/11/21/[$LATEST]0a"}`, &page)
	if len(page.Events) != 1 || page.Events[0].Message != "hello\n" {
		t.Errorf("events: %+v", page)
	}
	c.do("DeleteLogGroup", `{"logGroupName":"/aws/lambda/f"}`, nil)
	if err := c.s.Ensure(c.ctx, st); err != nil {
		t.Fatal(err)
	}
	c.do("GetLogEvents", `{"logGroupName":"/aws/lambda/f","logStreamName":"2026/11/21/[$LATEST]0a"}`, &page)
	if len(page.Events) != 0 {
		t.Errorf("events of the deleted group: %+v", page)
	}
}

// What a function wrote before its group and stream were made is shown: the
// runner does not wait for them.
func TestEventsBeforeTheirGroup(t *testing.T) {
	c := newCloud(t)
	st := streamIn(testCell, "g", "s")
	if _, err := c.rec.Logs.Writer(st).Append(c.clock.Now(), c.clock.Now(), []byte("START")); err != nil {
		t.Fatal(err)
	}
	if err := c.clock.Set(began.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := c.s.Ensure(c.ctx, st); err != nil {
		t.Fatal(err)
	}
	for op, request := range map[string]string{"GetLogEvents": `{"logGroupName":"g","logStreamName":"s"}`, "FilterLogEvents": `{"logGroupName":"g"}`} {
		var page struct{ Events []any }
		if c.do(op, request, &page); len(page.Events) != 1 {
			t.Errorf("%s: %v", op, page.Events)
		}
	}
}

// dying is a context that ends at its n-th look.
type dying struct {
	context.Context
	n int
}

func (d *dying) Err() error {
	if d.n--; d.n < 0 {
		return context.Canceled
	}
	return nil
}

// A deletion that dies half-way, wherever, leaves no events without their
// group, which a new group of the name would show.
func TestDeletionThatDies(t *testing.T) {
	for n := 0; ; n++ {
		c := newCloud(t)
		c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
		c.do("CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, nil)
		c.do("PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"x"}]}`, began.UnixMilli()), nil)
		_, err := c.s.deleteLogGroup(&dying{c.ctx, n}, &shapes.DeleteLogGroupRequest{LogGroupName: ptr("g")})
		var found struct{ LogGroups []any }
		c.do("DescribeLogGroups", `{}`, &found)
		held, herr := c.rec.Logs.Groups(c.ctx, testAccount, testRegion)
		if herr != nil {
			t.Fatal(herr)
		}
		if len(found.LogGroups) == 0 && len(held) > 0 {
			t.Fatalf("ended at look %d: events without a group", n)
		}
		if err == nil {
			if len(found.LogGroups) != 0 || n == 0 {
				t.Errorf("deleted at look %d: %v", n, found)
			}
			return
		}
	}
}

func TestEventIDs(t *testing.T) {
	for _, want := range []record.Cursor{{}, {At: began, Pos: record.PosOf(1<<63 + 5)}, {At: 1<<63 - 1, Pos: record.PosOf(1<<64 - 1)}} {
		id := eventID(want)
		got, ok := parseEventID(id)
		if !ok || got != want || len(id) != 56 {
			t.Errorf("%v is %s, which is %v, %v", want, id, got, ok)
		}
	}
	for _, bad := range []string{"", "3", strings.Repeat("9", 56), "3" + strings.Repeat("9", 55), "3" + strings.Repeat("x", 55)} {
		if c, ok := parseEventID(bad); ok {
			t.Errorf("%q is taken for %v", bad, c)
		}
	}
	if n := len(sequenceToken(clock.Instant(1))); n != 56 {
		t.Errorf("a sequence token of %d digits", n)
	}
}

func TestLayout(t *testing.T) {
	c := newCloud(t)
	c.do("CreateLogGroup", `{"logGroupName":"/aws/lambda/f","logGroupClass":"INFREQUENT_ACCESS","tags":{"team":"a"}}`, nil)
	c.do("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	c.do("PutRetentionPolicy", `{"logGroupName":"g","retentionInDays":7}`, nil)
	c.do("CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`, nil)
	c.do("PutMetricFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"E","metricTransformations":[{"metricName":"m","metricNamespace":"N","metricValue":"1","defaultValue":0,"unit":"Count"}]}`, nil)
	c.do("PutSubscriptionFilter", `{"logGroupName":"g","filterName":"f","filterPattern":"E","destinationArn":"arn:aws:lambda:eu-west-1:123456789012:function:f","distribution":"Random"}`, nil)
	var out strings.Builder
	if err := c.db.View(c.ctx, func(s *kv.Snap) error {
		for p, err := range s.Scan(spaceOf(testCell).Range(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			fmt.Fprintf(&out, "%s\n\t%s\n", p.Key, p.Value)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/layout.golden"
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
}
