// Package etl tests the application as a whole: the schedule, the tables, the bus.
// Nights pass in milliseconds.
package etl

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/nube-run/nube/nubetest"
)

// system is the application, running.
type system struct {
	*nubetest.Cloud
	db    *dynamodb.Client
	queue *sqs.Client
}

// start starts it at a time.
func start(t *testing.T, at string) *system {
	t.Helper()
	c := nubetest.Start(t, nubetest.Dir("."), nubetest.At(moment(t, at)))
	env := c.Env()
	cfg := aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
	return &system{Cloud: c, db: dynamodb.NewFromConfig(cfg), queue: sqs.NewFromConfig(cfg)}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// until lets time pass, up to a time in UTC.
func (s *system) until(t *testing.T, at string) {
	t.Helper()
	s.Clock().Advance(t, moment(t, at).Sub(s.Clock().Now()))
}

// order writes an order of a day.
func (s *system) order(t *testing.T, day, id, customer, total string) {
	t.Helper()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	_, err := s.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("orders-dev"), Item: map[string]types.AttributeValue{
		"id": text(id), "day": text(day), "customerId": text(customer), "totalAmount": &types.AttributeValueMemberN{Value: total},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// heard takes from the queue what the bus has told since, in the order of days.
func (s *system) heard(t *testing.T) (reports []string) {
	t.Helper()
	url, err := s.queue.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("report-ready-dev")})
	if err != nil {
		t.Fatal(err)
	}
	for {
		out, err := s.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			slices.Sort(reports)
			return reports
		}
		for _, m := range out.Messages {
			var event struct{ Detail json.RawMessage }
			if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
				t.Fatal(err)
			}
			reports = append(reports, string(event.Detail))
			if _, err := s.queue.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url.QueueUrl, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// check compares what the bus has told since.
func (s *system) check(t *testing.T, when string, want ...string) {
	t.Helper()
	if got := s.heard(t); !slices.Equal(got, want) {
		t.Errorf("%s: the bus told %q, want %q", when, got, want)
	}
}

// none is the report of a day without orders.
func none(day string) string {
	return `{"day":"` + day + `","orders":0,"customers":0,"totalAmount":"0.00"}`
}

func TestNight(t *testing.T) {
	t.Parallel()
	s := start(t, "2026-11-20 12:00:00")
	s.order(t, "2026-11-20", "1", "ada", "12.50")
	s.order(t, "2026-11-20", "2", "bob", "0.30")
	s.order(t, "2026-11-21", "3", "ada", "1")

	s.until(t, "2026-11-21 01:59:00") // in Madrid an hour later
	s.check(t, "before three")
	s.until(t, "2026-11-21 02:01:00")
	s.check(t, "three", `{"day":"2026-11-20","orders":2,"customers":2,"totalAmount":"12.80"}`)

	// The schedule delivers at least once. Here it does so by hand.
	if _, err := s.Invoke(t.Context(), "nightlyReport", []byte(`{"time":"2026-11-21T02:00:00Z"}`)); err != nil {
		t.Fatal(err)
	}
	s.Settle(t)
	s.check(t, "the same night again")
}

// Three in the morning is there in every night, once: when clocks are put forward
// from two to three, and when they are put back from three to two.
func TestDaylightSaving(t *testing.T) {
	for _, c := range []struct{ day, noon, before, after string }{
		{"2026-03-27", "2026-03-27 12:00:00", "2026-03-28 01:59:00", "2026-03-28 02:01:00"},
		{"2026-03-28", "2026-03-28 12:00:00", "2026-03-29 00:59:00", "2026-03-29 01:01:00"},
		{"2026-10-23", "2026-10-23 12:00:00", "2026-10-24 00:59:00", "2026-10-24 01:01:00"},
		{"2026-10-24", "2026-10-24 12:00:00", "2026-10-25 01:59:00", "2026-10-25 02:01:00"},
	} {
		t.Run(c.day, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.noon)
			s.until(t, c.before)
			s.check(t, "before three")
			s.until(t, c.after)
			s.check(t, "three", none(c.day))
		})
	}
}

// A cloud that is off misses nights: the schedule does not run for them later. The
// next run makes their reports.
func TestMissedNights(t *testing.T) {
	t.Parallel()
	s := start(t, "2026-11-20 12:00:00")
	s.until(t, "2026-11-21 12:00:00")
	s.check(t, "the first night", none("2026-11-20"))

	s.order(t, "2026-11-21", "1", "ada", "12.50")
	s.Clock().Set(t, moment(t, "2026-11-23 12:00:00"))
	s.Settle(t)
	s.check(t, "two nights off")
	s.until(t, "2026-11-24 12:00:00")
	s.check(t, "the next night", `{"day":"2026-11-21","orders":1,"customers":1,"totalAmount":"12.50"}`, none("2026-11-22"), none("2026-11-23"))
}

// The function is killed in its run. The schedule tries again, and the report is
// told of once.
func TestARunThatIsKilled(t *testing.T) {
	t.Parallel()
	s := start(t, "2026-11-20 12:00:00")
	crash := s.Fault(t, nubetest.Fault{Kind: nubetest.Kill, Function: "nightlyReport", Count: 1})
	s.until(t, "2026-11-21 12:00:00")
	if crash.Hits() != 1 {
		t.Error("the function was not killed")
	}
	s.check(t, "the night", none("2026-11-20"))
}
