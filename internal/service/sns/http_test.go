package sns_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/sns"
)

// hook is an HTTP endpoint that remembers what it gets.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	got    []post
	answer func(n int) int // the status of the n-th answer, from 1
	n      int
}

type post struct {
	header http.Header
	body   []byte
}

func newHook(t *testing.T) *hook {
	h := &hook{}
	h.Server = httptest.NewServer(h.handler(t))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) handler(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.n++
		h.got = append(h.got, post{r.Header, body})
		if h.answer != nil {
			w.WriteHeader(h.answer(h.n))
		}
	})
}

// take returns what was posted since.
func (h *hook) take() []post {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = nil
	return got
}

// verify checks a message's signature as AWS documents it.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
func (b *bed) verify(m map[string]any) error {
	b.Helper()
	text := func(k string) string { s, _ := m[k].(string); return s }
	block, _ := pem.Decode(b.follow(text("SigningCertURL")).Body)
	if block == nil {
		return fmt.Errorf("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	keys := []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	if text("Type") == "Notification" {
		keys = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	}
	var signed strings.Builder
	for _, k := range keys {
		if v, ok := m[k]; ok {
			fmt.Fprintf(&signed, "%s\n%s\n", k, v)
		}
	}
	signature, err := base64.StdEncoding.DecodeString(text("Signature"))
	if err != nil {
		return err
	}
	key := cert.PublicKey.(*rsa.PublicKey)
	switch text("SignatureVersion") {
	case "1":
		sum := sha1.Sum([]byte(signed.String()))
		return rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	case "2":
		sum := sha256.Sum256([]byte(signed.String()))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	}
	return fmt.Errorf("version %q", text("SignatureVersion"))
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
func TestHTTP(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		t.Run("SignatureVersion"+version, func(t *testing.T) {
			b := newBed(t)
			h := newHook(t)
			topic := b.createTopic("t", "SignatureVersion", version)
			sub := b.subscribe(topic, "http", h.URL+"/hook")
			b.publish(topic, "nobody gets this")
			b.settle()
			posts := h.take()
			if len(posts) != 1 {
				t.Fatalf("%d requests", len(posts))
			}
			asked := decode[map[string]any](t, posts[0].body)
			if err := b.verify(asked); err != nil {
				t.Errorf("signature of the confirmation: %v", err)
			}
			want := map[string]string{
				"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent", "X-Amz-Sns-Message-Type": "SubscriptionConfirmation",
				"X-Amz-Sns-Message-Id": asked["MessageId"].(string), "X-Amz-Sns-Topic-Arn": topic, "X-Amz-Sns-Subscription-Arn": "", "X-Amz-Sns-Rawdelivery": "",
			}
			for k, v := range want {
				if got := posts[0].header.Get(k); got != v {
					t.Errorf("%s: %q, want %q", k, got, v)
				}
			}
			link := asked["SubscribeURL"].(string)
			if want := endpoint + "/?Action=ConfirmSubscription&TopicArn=" + topic + "&Token=" + asked["Token"].(string); link != want {
				t.Errorf("SubscribeURL %s, want %s", link, want)
			}

			// The link is as good as what it says.
			for _, wrong := range []string{strings.Replace(link, ":t&", ":other&", 1), link[:len(link)-4] + "0000"} {
				if a := b.get(wrong); a.Status != 400 {
					t.Errorf("%s: %d %s", wrong, a.Status, a.Body)
				}
			}
			for range 2 {
				if a := b.follow(link); !strings.Contains(string(a.Body), sub) {
					t.Errorf("%s", a.Body)
				}
			}
			out := b.publish(topic, "hello", func(in *shapes.PublishInput) { in.Subject = ptr("News") })
			b.settle()
			posts = h.take()
			got := decode[map[string]any](t, posts[0].body)
			if err := b.verify(got); err != nil {
				t.Errorf("signature: %v", err)
			}
			if got["MessageId"] != *out.MessageId || posts[0].header.Get("X-Amz-Sns-Subscription-Arn") != sub || posts[0].header.Get("X-Amz-Sns-Message-Type") != "Notification" {
				t.Errorf("%v %v", got, posts[0].header)
			}
			got["Message"] = "hello!"
			if b.verify(got) == nil {
				t.Error("another message has the same signature")
			}

			// Only the link to unsubscribe works without credentials.
			if a := b.get(endpoint + "/?Action=DeleteTopic&TopicArn=" + topic); a.Status == 200 {
				t.Errorf("%s", a.Body)
			}
			b.follow(got["UnsubscribeURL"].(string))
			b.settle()
			last := decode[map[string]any](t, h.take()[0].body)
			if last["Type"] != "UnsubscribeConfirmation" {
				t.Errorf("%v", last)
			}
			if err := b.verify(last); err != nil {
				t.Errorf("signature of the last message: %v", err)
			}
		})
	}
}

func TestHTTPRaw(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "http", h.URL, "RawMessageDelivery", "true", "DeliveryPolicy", `{"requestPolicy":{"headerContentType":"application/json"}}`)
	b.settle()
	asked := h.take()[0]
	b.follow(decode[map[string]any](t, asked.body)["SubscribeURL"].(string))
	cause := record.Cause{Trace: record.TraceID{1}, Span: record.SpanID{2}}
	if _, err := awsapi.Do(record.With(b.ctx, cause), b.front, shapes.Publish, &shapes.PublishInput{TopicArn: &topic, Message: ptr(`{"a": 1}`)}); err != nil {
		t.Fatal(err)
	}
	b.settle()
	got := h.take()[0]
	if c, ok := record.ParseXRay(got.header.Get("X-Amzn-Trace-Id")); !ok || c.Trace != cause.Trace {
		t.Errorf("the trace is %q", got.header.Get("X-Amzn-Trace-Id"))
	}
	if string(got.body) != `{"a": 1}` || got.header.Get("X-Amz-Sns-Rawdelivery") != "true" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", got.body, got.header)
	}
}

// Whoever has credentials when he confirms is the only one who can end it.
func TestAuthenticateOnUnsubscribe(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	sub := b.subscribe(topic, "http", h.URL)
	b.settle()
	token := decode[map[string]any](t, h.take()[0].body)["Token"].(string)
	if _, err := awsapi.Do(b.ctx, b.front, shapes.ConfirmSubscription, &shapes.ConfirmSubscriptionInput{
		TopicArn: &topic, Token: &token, AuthenticateOnUnsubscribe: ptr("true"),
	}); err != nil {
		t.Fatal(err)
	}
	if a := b.get(endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + sub); a.Status != 403 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if _, err := awsapi.Do(b.ctx, b.front, shapes.Unsubscribe, &shapes.UnsubscribeInput{SubscriptionArn: &sub}); err != nil {
		t.Error(err)
	}
}

// Over TLS, and with the name and the password of the URL.
func TestHTTPS(t *testing.T) {
	h := &hook{}
	h.Server = httptest.NewTLSServer(h.handler(t))
	t.Cleanup(h.Close)
	db := kv.Open(memkv.New())
	b := makeBed(t, db, clock.Unix(noon, 0), h.Client())
	topic := b.createTopic("t")
	b.subscribe(topic, "https", strings.Replace(h.URL, "https://", "https://ana:secret@", 1))
	b.settle()
	got := h.take()
	if len(got) != 1 || got[0].header.Get("Authorization") != "Basic YW5hOnNlY3JldA==" {
		t.Fatalf("%+v", got)
	}
	b.follow(decode[map[string]any](t, got[0].body)["SubscribeURL"].(string))

	// A certificate that nobody trusts is a failure like any other.
	b.stop()
	b = makeBed(t, db, clock.Unix(noon, 0), nil)
	b.publish(topic, "hello")
	b.settle()
	if got := h.take(); len(got) != 0 {
		t.Errorf("%d requests", len(got))
	}
	b.stop()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// Who subscribes again before the confirmation is asked again; what nobody ever
// confirms leaves nothing behind.
func TestSubscribeAgain(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	first := b.subscribe(topic, "http", h.URL)
	if again := b.subscribe(topic, "http", h.URL); again != first {
		t.Errorf("%s, and then %s", first, again)
	}
	b.settle()
	posts := h.take()
	if len(posts) != 2 {
		t.Fatalf("%d requests", len(posts))
	}
	for _, p := range posts { // both links work
		b.follow(decode[map[string]any](t, p.body)["SubscribeURL"].(string))
	}
	b.subscribe(topic, "http", h.URL+"/never")
	b.advance(49 * time.Hour)
	b.subscribe(topic, "email", "ana@example.com")
	subs, tokens := 0, 0
	for _, k := range b.rows() {
		if strings.Contains(k, `"sub"`) {
			subs++
		}
		if strings.Contains(k, `"token"`) || strings.Contains(k, `"asked"`) {
			tokens++
		}
	}
	if subs != 2 || tokens != 2 {
		t.Errorf("%d subscriptions and %d rows of tokens are kept: %q", subs, tokens, b.rows())
	}
}

// A confirmation that comes too late confirms nothing.
func TestLateConfirmation(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "http", h.URL)
	b.settle()
	link := decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string)
	b.advance(49 * time.Hour)
	if a := b.get(link); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	b.subscribe(topic, "http", h.URL)
	b.settle()
	b.follow(decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string))
}

// A link that restores a subscription does not bring it to another topic, which
// has the name of its own.
func TestRestoreAfterTheTopic(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	sub := b.subscribe(topic, "http", h.URL)
	b.settle()
	b.follow(decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string))
	b.follow(endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + sub)
	b.settle()
	restore := decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string)
	if _, err := awsapi.Do(b.ctx, b.front, shapes.DeleteTopic, &shapes.DeleteTopicInput{TopicArn: &topic}); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Hour)
	b.createTopic("t")
	if a := b.get(restore); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func TestHTTPRetries(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t")
	b.subscribe(topic, "http", h.URL, "DeliveryPolicy",
		`{"healthyRetryPolicy":{"numRetries":7,"numNoDelayRetries":1,"numMinDelayRetries":1,"minDelayTarget":2,"maxDelayTarget":10,"numMaxDelayRetries":1,"backoffFunction":"linear"}}`,
		"RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN+`dead"}`)
	b.settle()
	b.follow(decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string))
	var at []time.Duration
	start := b.clock.Now()
	h.answer = func(int) int { at = append(at, b.clock.Now().Sub(start)); return 503 }
	b.publish(topic, "hello")
	b.advance(time.Hour)
	// At once; the least pause; from the least to the longest, 2, 4⅔, 7⅓ and 10; the longest.
	seconds := []int{0, 0, 2, 4, 9, 16, 26, 36}
	var got []int
	for _, d := range at {
		got = append(got, int(d.Round(time.Second)/time.Second))
	}
	if diff := cmp.Diff(seconds, got); diff != "" {
		t.Errorf("tried after (-want +got):\n%s", diff)
	}
	dead := b.queued()
	if len(dead) != 1 || dead[0].Attributes["ErrorCode"].Text != "503" || dead[0].Attributes["RequestID"].Text == "" {
		t.Fatalf("dead letters %+v", dead)
	}
	if m := decode[map[string]any](t, dead[0].Body); m["Message"] != "hello" || b.verify(m) != nil {
		t.Errorf("%v", m)
	}

	// What an endpoint refuses is not tried again.
	h.take()
	h.answer = func(int) int { return 404 }
	b.publish(topic, "hello")
	b.advance(time.Hour)
	if n := len(h.take()); n != 1 {
		t.Errorf("%d requests after 404, want 1", n)
	}
	if dead := b.queued(); len(dead) != 1 || dead[0].Attributes["ErrorCode"].Text != "404" {
		t.Errorf("dead letters %+v", dead)
	}

	// A redirection is not followed.
	h.answer = func(int) int { return 302 }
	b.publish(topic, "hello")
	b.advance(time.Hour)
	if n := len(h.take()); n != 1 {
		t.Errorf("%d requests after 302, want 1", n)
	}

	// An endpoint that is gone is tried as one that fails.
	h.Close()
	b.publish(topic, "hello")
	b.advance(time.Hour)
	if dead := b.queued(); len(dead) != 2 || dead[1].Attributes["ErrorCode"].Text != "0" {
		t.Errorf("dead letters %+v", dead)
	}
}

// The policy of the topic counts where the subscription says nothing, and alone
// when it says so.
func TestDeliveryPolicies(t *testing.T) {
	b := newBed(t)
	h := newHook(t)
	topic := b.createTopic("t", "DeliveryPolicy", `{"http":{"defaultHealthyRetryPolicy":{"numRetries":1,"minDelayTarget":1,"maxDelayTarget":1},"disableSubscriptionOverrides":true}}`)
	b.subscribe(topic, "http", h.URL, "DeliveryPolicy", `{"healthyRetryPolicy":{"numRetries":50}}`)
	b.settle()
	b.follow(decode[map[string]any](t, h.take()[0].body)["SubscribeURL"].(string))
	h.answer = func(int) int { return 500 }
	b.publish(topic, "hello")
	b.advance(24 * time.Hour)
	if n := len(h.take()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
func TestThrottlePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		client := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(start))
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})}
		h := sns.New(sns.Options{Client: client}).HTTP("http")
		e := delivery.Effect{Target: "http://h", Kind: "sns", Payload: []byte(`{"Type":"Notification","PerSecond":4}` + "\nbody"), Attempt: 1}
		for range 4 {
			if o := h.Accept(t.Context(), []delivery.Effect{e})[0]; o.Err != nil {
				t.Error(o.Err)
			}
		}
		if diff := cmp.Diff([]time.Duration{0, 250 * time.Millisecond, 500 * time.Millisecond, 750 * time.Millisecond}, at); diff != "" {
			t.Errorf("called at (-want +got):\n%s", diff)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
