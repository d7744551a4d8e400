package sns

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/nube-run/nube/conformance/target"
)

// request is what an HTTP endpoint got.
type request struct {
	header http.Header
	body   []byte
	json   map[string]any // of the body, if it is an object
}

// hook is an HTTP endpoint on this machine.
type hook struct {
	*httptest.Server
	got chan request
}

// reachable reports whether the target can reach an endpoint on this machine: it is on it itself.
func reachable(t *testing.T) bool {
	u, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	target.Must(t, err)
	if h := u.Hostname(); h == "localhost" || strings.HasPrefix(h, "127.") || h == "::1" {
		return true
	}
	t.Logf("%s cannot reach this machine", u.Host)
	return false
}

func newHook(t *testing.T) *hook {
	h := &hook{got: make(chan request, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got := request{header: r.Header, body: body}
		json.Unmarshal(body, &got.json)
		h.got <- got
	}))
	t.Cleanup(h.Close)
	return h
}

// next is the next request.
func (h *hook) next(t *testing.T) request {
	t.Helper()
	select {
	case r := <-h.got:
		return r
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came for 30 seconds")
		return request{}
	}
}

func text(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func fetch(t *testing.T, link string) (status int, body []byte) {
	t.Helper()
	resp, err := http.Get(link)
	target.Must(t, err)
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	target.Must(t, err)
	return resp.StatusCode, body
}

// verify checks the signature of a message.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
func verify(t *testing.T, m map[string]any) error {
	t.Helper()
	status, certificate := fetch(t, text(m, "SigningCertURL"))
	if status != http.StatusOK {
		return fmt.Errorf("the certificate: %d", status)
	}
	block, _ := pem.Decode(certificate)
	if block == nil {
		return errors.New("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	names := []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	if text(m, "Type") == "Notification" {
		names = []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	}
	var signed strings.Builder
	for _, name := range names {
		if v, ok := m[name]; ok {
			fmt.Fprintf(&signed, "%s\n%s\n", name, v)
		}
	}
	signature, err := base64.StdEncoding.DecodeString(text(m, "Signature"))
	if err != nil {
		return err
	}
	if text(m, "SignatureVersion") == "1" {
		sum := sha1.Sum([]byte(signed.String()))
		return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], signature)
	}
	sum := sha256.Sum256([]byte(signed.String()))
	return rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], signature)
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
// https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
// https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html
// https://docs.aws.amazon.com/sns/latest/dg/http-unsubscribe-confirmation-json.html
func TestHTTPEndpoint(t *testing.T) {
	if !reachable(t) {
		return
	}
	for _, version := range []string{"1", "2"} {
		t.Run("SignatureVersion"+version, func(t *testing.T) {
			x := open(t)
			h := newHook(t)
			_, err := x.SetTopicAttributes(x.ctx, &sns.SetTopicAttributesInput{TopicArn: x.topic, AttributeName: aws.String("SignatureVersion"), AttributeValue: &version})
			target.Must(t, err)
			sub, err := x.Subscribe(x.ctx, &sns.SubscribeInput{TopicArn: x.topic, Protocol: aws.String("http"), Endpoint: &h.URL, ReturnSubscriptionArn: true})
			target.Must(t, err)
			asked := h.next(t)
			if err := verify(t, asked.json); err != nil {
				t.Errorf("signature of the confirmation: %v", err)
			}
			for name, want := range map[string]string{
				"X-Amz-Sns-Message-Type": "SubscriptionConfirmation", "X-Amz-Sns-Topic-Arn": *x.topic, "X-Amz-Sns-Message-Id": text(asked.json, "MessageId"),
				"Content-Type": "text/plain; charset=UTF-8", "User-Agent": "Amazon Simple Notification Service Agent",
			} {
				if got := asked.header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if status, body := fetch(t, text(asked.json, "SubscribeURL")); status != 200 || !strings.Contains(string(body), *sub.SubscriptionArn) {
				t.Errorf("confirmed: %d %s", status, body)
			}
			out, err := x.Client.Publish(x.ctx, &sns.PublishInput{
				TopicArn: x.topic, Message: aws.String("hello <wörld> & \"all\""), Subject: aws.String("News"),
				MessageAttributes: map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: aws.String("7")}},
			})
			target.Must(t, err)
			got := h.next(t)
			if err := verify(t, got.json); err != nil {
				t.Errorf("signature: %v", err)
			}
			if text(got.json, "Message") != "hello <wörld> & \"all\"" || text(got.json, "MessageId") != *out.MessageId || text(got.json, "Subject") != "News" ||
				got.header.Get("X-Amz-Sns-Subscription-Arn") != *sub.SubscriptionArn || !strings.Contains(string(got.body), `"n":{"Type":"Number","Value":"7"}`) {
				t.Errorf("%s %v", got.body, got.header)
			}
			if status, body := fetch(t, text(got.json, "UnsubscribeURL")); status != 200 {
				t.Errorf("unsubscribed: %d %s", status, body)
			}
			last := h.next(t)
			if text(last.json, "Type") != "UnsubscribeConfirmation" {
				t.Errorf("%s", last.body)
			}
			if err := verify(t, last.json); err != nil {
				t.Errorf("signature of the last message: %v", err)
			}
			_, err = x.GetSubscriptionAttributes(x.ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn})
			target.Refused(t, err, "NotFound", "Subscription does not exist")
		})
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
func TestRawDeliveryAndFilters(t *testing.T) {
	if !reachable(t) {
		return
	}
	x := open(t)
	h := newHook(t)
	sub, err := x.Subscribe(x.ctx, &sns.SubscribeInput{
		TopicArn: x.topic, Protocol: aws.String("http"), Endpoint: &h.URL, ReturnSubscriptionArn: true,
		Attributes: map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"status":["paid",{"prefix":"ship"}],"amount":[{"numeric":[">=",100]}]}`},
	})
	target.Must(t, err)
	_, err = x.ConfirmSubscription(x.ctx, &sns.ConfirmSubscriptionInput{TopicArn: x.topic, Token: aws.String(text(h.next(t).json, "Token"))})
	target.Must(t, err)
	publish := func(message string, attributes ...string) {
		t.Helper()
		in := &sns.PublishInput{TopicArn: x.topic, Message: &message, MessageAttributes: map[string]types.MessageAttributeValue{}}
		for i := 0; i < len(attributes); i += 3 {
			in.MessageAttributes[attributes[i]] = types.MessageAttributeValue{DataType: &attributes[i+1], StringValue: &attributes[i+2]}
		}
		_, err := x.Client.Publish(x.ctx, in)
		target.Must(t, err)
	}
	expect := func(message string) {
		t.Helper()
		if got := h.next(t); string(got.body) != message || got.header.Get("X-Amz-Sns-Rawdelivery") != "true" {
			t.Errorf("%s %v, want %s", got.body, got.header, message)
		}
	}
	publish("not paid", "status", "String", "open", "amount", "Number", "100")
	publish("too little", "status", "String", "paid", "amount", "Number", "99.99")
	publish("without an amount", "status", "String", "paid")
	publish("shipped", "status", "String", "shipped", "amount", "Number", "1e2")
	expect("shipped")

	for _, a := range [][2]string{{"FilterPolicyScope", "MessageBody"}, {"FilterPolicy", `{"order":{"items":{"sku":["a"]},"country":[{"anything-but":["US"]}]}}`}} {
		_, err = x.SetSubscriptionAttributes(x.ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: sub.SubscriptionArn, AttributeName: &a[0], AttributeValue: &a[1]})
		target.Must(t, err)
	}
	publish("no JSON")
	publish(`{"order":{"items":[{"sku":"a"}],"country":"US"}}`)
	publish(`{"order":{"items":[{"sku":"b"},{"sku":"a"}],"country":"DE"}}`)
	expect(`{"order":{"items":[{"sku":"b"},{"sku":"a"}],"country":"DE"}}`)
}
