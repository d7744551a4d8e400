// Package webhook tests the application as a whole, seen by who sends webhooks.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/nube-run/nube/nubetest"
)

// provider sends webhooks to the application.
type provider struct {
	*nubetest.Cloud
	db      *dynamodb.Client
	secrets *secretsmanager.Client
	queues  *sqs.Client
	secret  string
}

func start(t *testing.T) *provider {
	t.Helper()
	c := nubetest.Start(t, nubetest.Dir("."), nubetest.At(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
	env := c.Env()
	cfg := aws.Config{
		Region: env["AWS_REGION"], BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	}
	p := &provider{Cloud: c, db: dynamodb.NewFromConfig(cfg), secrets: secretsmanager.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg)}
	out, err := p.secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("webhook-dev")})
	if err != nil {
		t.Fatal(err)
	}
	p.secret = *out.SecretString
	return p
}

// request is a webhook, signed at a time.
func (p *provider) request(t *testing.T, id, body string, at time.Time) *http.Request {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(p.secret)
	if err != nil {
		t.Fatal(err)
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.%s", id, timestamp, body)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.Gateway()+"/webhooks/payments", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Webhook-Id", id)
	r.Header.Set("Webhook-Timestamp", timestamp)
	r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return r
}

// post sends a request and checks the status of the answer.
func post(t *testing.T, r *http.Request, want int) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Errorf("answer %s %s, want %d", resp.Status, text, want)
	}
}

// send sends a webhook of now.
func (p *provider) send(t *testing.T, id, body string, want int) {
	t.Helper()
	post(t, p.request(t, id, body, p.Clock().Now()), want)
}

// items returns the items of a table, by their ids.
func (p *provider) items(t *testing.T, table string) map[string]map[string]types.AttributeValue {
	t.Helper()
	out, err := p.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	items := map[string]map[string]types.AttributeValue{}
	for _, it := range out.Items {
		items[it["id"].(*types.AttributeValueMemberS).Value] = it
	}
	return items
}

// dead returns the messages of the dead-letter queue.
func (p *provider) dead(t *testing.T) (bodies []string) {
	t.Helper()
	url, err := p.queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("webhooks-dead-dev")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		bodies = append(bodies, *m.Body)
	}
	return bodies
}

const (
	paid   = `{"type":"payment.succeeded","data":{"orderId":"1","amount":12.50}}`
	poison = `{"type":"payment.succeeded","data":{}}`
)

func TestPayment(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.send(t, "msg_1", paid, http.StatusAccepted)
	p.send(t, "msg_2", `{"type":"customer.created","data":{}}`, http.StatusAccepted)
	p.Settle(t)

	got := p.items(t, "payments-dev")
	if amount, ok := got["msg_1"]["amount"].(*types.AttributeValueMemberN); !ok || amount.Value != "12.5" || len(got) != 1 {
		t.Errorf("payments: %v", got)
	}
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	p := start(t)
	now := p.Clock().Now()
	for name, change := range map[string]func(*http.Request){
		"another body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(paid, `"1"`, `"2"`, 1)))
		},
		"another id":        func(r *http.Request) { r.Header.Set("Webhook-Id", "msg_2") },
		"a later timestamp": func(r *http.Request) { r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix()+1, 10)) },
		"no signature":      func(r *http.Request) { r.Header.Del("Webhook-Signature") },
		"another's signature": func(r *http.Request) {
			r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := p.request(t, "msg_1", paid, now)
			change(r)
			post(t, r, http.StatusUnauthorized)
		})
	}
	p.Settle(t)
	if got := p.items(t, "payments-dev"); len(got) > 0 {
		t.Errorf("payments: %v", got)
	}
}

// A webhook that was overheard is of no use: while its timestamp is accepted its id
// is known, and then its timestamp is too old.
func TestReplays(t *testing.T) {
	t.Parallel()
	p := start(t)
	sent := p.Clock().Now()
	replay := func(want int) { t.Helper(); post(t, p.request(t, "msg_1", paid, sent), want) }
	replay(http.StatusAccepted)
	replay(http.StatusOK)
	p.Clock().Advance(t, 5*time.Minute)
	replay(http.StatusOK)
	p.Clock().Advance(t, time.Second)
	replay(http.StatusUnauthorized)
	post(t, p.request(t, "msg_2", paid, p.Clock().Now().Add(6*time.Minute)), http.StatusUnauthorized) // kept for later

	if got := p.items(t, "payments-dev"); len(got) != 1 {
		t.Errorf("payments: %v", got)
	}
	p.Clock().Advance(t, 72*time.Hour) // time to live takes up to two days
	if got := p.items(t, "deliveries-dev"); len(got) > 0 {
		t.Errorf("deliveries that nobody needs: %v", got)
	}
}

// The queue does not take the webhook. The sender is told, tries again, and the
// webhook is not taken for a replay.
func TestTheSenderTriesAgain(t *testing.T) {
	t.Parallel()
	p := start(t)
	down := p.Fault(t, nubetest.Fault{Kind: nubetest.Error, Service: "sqs", Operation: "SendMessage", Code: "InternalError", Status: 400})
	p.send(t, "msg_1", paid, http.StatusInternalServerError)
	down.Remove()
	p.send(t, "msg_1", paid, http.StatusAccepted)
	p.Settle(t)
	if got := p.items(t, "payments-dev"); len(got) != 1 {
		t.Errorf("payments: %v", got)
	}
}

// What can never succeed is tried three times and set aside. What came with it is
// done.
func TestPoison(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.send(t, "msg_1", poison, http.StatusAccepted)
	p.send(t, "msg_2", paid, http.StatusAccepted)
	p.Clock().Advance(t, time.Hour)

	if got := p.items(t, "payments-dev"); len(got) != 1 || got["msg_2"] == nil {
		t.Errorf("payments: %v", got)
	}
	if got := p.dead(t); len(got) != 1 || got[0] != poison {
		t.Errorf("dead letters: %q", got)
	}
	failures := 0
	for _, line := range p.Logs(t, "worker") {
		if strings.Contains(line, "webhook failed") {
			failures++
		}
	}
	if failures != 3 {
		t.Errorf("the worker tried %d times", failures)
	}
}

// A worker that dies with its batch loses nothing.
func TestTheWorkerIsKilled(t *testing.T) {
	t.Parallel()
	p := start(t)
	crash := p.Fault(t, nubetest.Fault{Kind: nubetest.Kill, Function: "worker", Count: 1})
	p.send(t, "msg_1", paid, http.StatusAccepted)
	p.Clock().Advance(t, time.Hour)
	if got := p.items(t, "payments-dev"); crash.Hits() != 1 || len(got) != 1 || len(p.dead(t)) > 0 {
		t.Errorf("killed %d times, payments: %v", crash.Hits(), got)
	}
}

// The receiver reads its secret once in five minutes: so long it does not notice
// that there is another.
func TestTheSecretIsCached(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.send(t, "msg_1", paid, http.StatusAccepted)
	old := p.secret
	p.secret = base64.StdEncoding.EncodeToString([]byte("another secret of 24 b.!"))
	if _, err := p.secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: aws.String("webhook-dev"), SecretString: &p.secret}); err != nil {
		t.Fatal(err)
	}
	p.send(t, "msg_2", paid, http.StatusUnauthorized)
	p.Clock().Advance(t, 5*time.Minute)
	p.send(t, "msg_2", paid, http.StatusAccepted)
	p.secret = old
	p.send(t, "msg_3", paid, http.StatusUnauthorized)
}
