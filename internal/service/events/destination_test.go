package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/kv"
)

// endpoint is a server that answers as it is told, and remembers what it was
// asked.
type endpoint struct {
	*httptest.Server
	status func(n int) int

	mu   sync.Mutex
	said []string
}

func newEndpoint(t *testing.T) *endpoint {
	e := &endpoint{status: func(int) int { return 200 }}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		if r.URL.Path == "/token" {
			e.said = append(e.said, "token "+string(body)+" "+r.Header.Get("X-Tenant"))
			fmt.Fprint(w, `{"access_token":"tok","expires_in":3600}`)
			return
		}
		e.said = append(e.said, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("X-Key"), body)))
		w.WriteHeader(e.status(len(e.said)))
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.said
	e.said = nil
	return out
}

// destination makes a connection and a destination with it, and returns the ARN.
func (b *bed) destination(name, url, method string, kind string, auth *shapes.CreateConnectionAuthRequestParameters) string {
	b.Helper()
	c := call(b, shapes.CreateConnection, &shapes.CreateConnectionRequest{Name: &name, AuthorizationType: &kind, AuthParameters: auth})
	return *call(b, shapes.CreateApiDestination, &shapes.CreateApiDestinationRequest{
		Name: &name, ConnectionArn: c.ConnectionArn, InvocationEndpoint: &url, HttpMethod: &method,
	}).ApiDestinationArn
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
func TestAPIDestination(t *testing.T) {
	b, server := newBed(t), newEndpoint(t)
	role := b.role("caller", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"arn:aws:events:us-east-1:123456789012:api-destination/*"}`)
	basic := b.destination("basic", server.URL+"/orders/*/x", "POST", "BASIC", &shapes.CreateConnectionAuthRequestParameters{
		BasicAuthParameters: &shapes.CreateConnectionBasicAuthRequestParameters{Username: ptr("user"), Password: ptr("s3cret")},
		InvocationHttpParameters: &shapes.ConnectionHttpParameters{
			BodyParameters:        []shapes.ConnectionBodyParameter{{Key: ptr("tenant"), Value: ptr("blue"), IsValueSecret: ptr(false)}},
			QueryStringParameters: []shapes.ConnectionQueryStringParameter{{Key: ptr("k"), Value: ptr("v")}},
		},
	})
	key := b.destination("key", server.URL+"/key", "PUT", "API_KEY", &shapes.CreateConnectionAuthRequestParameters{
		ApiKeyAuthParameters: &shapes.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: ptr("X-Key"), ApiKeyValue: ptr("s3cret")},
	})
	oauth := b.destination("oauth", server.URL+"/oauth", "POST", "OAUTH_CLIENT_CREDENTIALS", &shapes.CreateConnectionAuthRequestParameters{
		OAuthParameters: &shapes.CreateConnectionOAuthRequestParameters{
			ClientParameters:      &shapes.CreateConnectionOAuthClientRequestParameters{ClientID: ptr("id"), ClientSecret: ptr("s3cret")},
			AuthorizationEndpoint: ptr(server.URL + "/token"), HttpMethod: ptr("POST"),
			OAuthHttpParameters: &shapes.ConnectionHttpParameters{HeaderParameters: []shapes.ConnectionHeaderParameter{{Key: ptr("X-Tenant"), Value: ptr("blue")}}},
		},
	})
	with := func(t *shapes.Target) { t.RoleArn, t.InputPath = &role, ptr("$.detail") }
	b.rule("", "r", orders,
		to("1", basic, with, func(t *shapes.Target) {
			t.HttpParameters = &shapes.HttpParameters{PathParameterValues: []string{"a b"}, QueryStringParameters: map[string]string{"k": "other", "q": "1"}}
		}),
		to("2", key, with), to("3", oauth, with))
	b.put("", "shop", "order", `{"n":1}`)
	b.settle()
	got := server.take()
	if diff := cmp.Diff([]string{
		`POST /oauth Bearer tok  {"n":1}`, `POST /orders/a%20b/x?k=v&q=1 Basic dXNlcjpzM2NyZXQ=  {"n":1,"tenant":"blue"}`, `PUT /key  s3cret {"n":1}`,
		`token client_id=id&client_secret=s3cret&grant_type=client_credentials blue`,
	}, got, sorted()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.put("", "shop", "order", `{"n":2}`)
	b.settle()
	if got := strings.Join(server.take(), "\n"); strings.Contains(got, "client_secret") {
		t.Errorf("a token is asked for again:\n%s", got)
	}
	// No secret is shown, nor in the clear in the store.
	for _, name := range []string{"basic", "key", "oauth"} {
		c, err := json.Marshal(call(b, shapes.DescribeConnection, &shapes.DescribeConnectionRequest{Name: &name}))
		if err != nil || strings.Contains(string(c), "s3cret") {
			t.Errorf("%s %v", c, err)
		}
	}
	err := b.db.View(context.Background(), func(s *kv.Snap) error {
		for p, err := range s.Scan(kv.Range{Start: kv.Key{0}, End: kv.Key{0xff}}, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			if strings.Contains(string(p.Value), "s3cret") {
				t.Errorf("the row %s has the secret", p.Key)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAPIDestinationFails(t *testing.T) {
	b, server := newBed(t), newEndpoint(t)
	role := b.role("caller", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"*"}`)
	weak := b.role("weak", "events.amazonaws.com", "")
	auth := &shapes.CreateConnectionAuthRequestParameters{ApiKeyAuthParameters: &shapes.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: ptr("X-Key"), ApiKeyValue: ptr("k")}}
	d := b.destination("d", server.URL, "POST", "API_KEY", auth)
	dlq := func(t *shapes.Target) { t.DeadLetterConfig = &shapes.DeadLetterConfig{Arn: ptr(queueARN + "dlq")} }
	b.rule("", "r", orders, to("t", d, dlq, func(t *shapes.Target) { t.RoleArn = &role }))
	server.status = func(n int) int {
		if n < 3 {
			return 503
		}
		return 200
	}
	b.put("", "shop", "order", `{}`)
	b.advance(time.Minute)
	if got := server.take(); len(got) != 3 || len(b.queues.take()) != 0 {
		t.Errorf("%d calls", len(got))
	}
	server.status = func(int) int { return 400 }
	b.put("", "shop", "order", `{}`)
	b.advance(time.Minute)
	if got, dead := server.take(), b.queues.take(); len(got) != 1 || len(dead) != 1 {
		t.Errorf("%d calls, %d dead letters", len(got), len(dead))
	}
	b.rule("", "r", orders, to("t", d, dlq, func(t *shapes.Target) { t.RoleArn = &weak }))
	b.put("", "shop", "order", `{}`)
	b.settle()
	dead := b.queues.take()
	if len(server.take()) != 0 || len(dead) != 1 {
		t.Fatalf("%d dead letters", len(dead))
	}
	m, err := dead[0].Message()
	if err != nil || m.Attributes["ERROR_CODE"].Text != "NO_PERMISSIONS" || m.Attributes["TARGET_ARN"].Text != d || !strings.HasPrefix(string(m.Body), `{"version"`) {
		t.Errorf("%+v %s %v", m.Attributes, m.Body, err)
	}
	out := call(b, shapes.PutTargets, &shapes.PutTargetsRequest{Rule: ptr("r"), Targets: []shapes.Target{to("x", d)}})
	if *out.FailedEntryCount != 1 {
		t.Error("a destination is called without a role")
	}
}

// sorted compares lists without their order.
func sorted() cmp.Option {
	return cmp.Transformer("sorted", func(in []string) map[string]int {
		out := map[string]int{}
		for _, s := range in {
			out[s]++
		}
		return out
	})
}

// Values of HttpParameters may be paths into the event, as it was before it was
// transformed.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#targets-specific-parms
func TestDynamicParameters(t *testing.T) {
	b, server := newBed(t), newEndpoint(t)
	role := b.role("caller", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"*"}`)
	auth := &shapes.CreateConnectionAuthRequestParameters{BasicAuthParameters: &shapes.CreateConnectionBasicAuthRequestParameters{Username: ptr("user"), Password: ptr("pass")}}
	d := b.destination("d", server.URL+"/orders/*/lines/*", "POST", "BASIC", auth)
	b.rule("", "r", orders, to("t", d, func(t *shapes.Target) {
		t.RoleArn, t.Input = &role, ptr(`{}`)
		t.HttpParameters = &shapes.HttpParameters{
			PathParameterValues:   []string{"$.detail.id", "all"},
			QueryStringParameters: map[string]string{"n": "$.detail.n", "price": "$5 each", "none": "$.detail.none"},
			HeaderParameters:      map[string]string{"X-Key": "$.source"},
		}
	}))
	b.put("", "shop", "order", `{"id":"a/b","n":1.50}`)
	b.settle()
	if diff := cmp.Diff([]string{`POST /orders/a%2Fb/lines/all?n=1.50&price=%245+each Basic dXNlcjpwYXNz shop {}`}, server.take()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot be reached is told of without the secrets that are in URLs.
func TestErrorsHaveNoSecrets(t *testing.T) {
	b, server := newBed(t), newEndpoint(t)
	server.Close()
	role := b.role("caller", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"*"}`)
	query := &shapes.ConnectionHttpParameters{QueryStringParameters: []shapes.ConnectionQueryStringParameter{{Key: ptr("key"), Value: ptr("s3cret")}}}
	in := b.destination("call", server.URL, "POST", "BASIC", &shapes.CreateConnectionAuthRequestParameters{
		BasicAuthParameters: &shapes.CreateConnectionBasicAuthRequestParameters{Username: ptr("user"), Password: ptr("s3cret")}, InvocationHttpParameters: query,
	})
	token := b.destination("token", server.URL, "POST", "OAUTH_CLIENT_CREDENTIALS", &shapes.CreateConnectionAuthRequestParameters{
		OAuthParameters: &shapes.CreateConnectionOAuthRequestParameters{
			ClientParameters:      &shapes.CreateConnectionOAuthClientRequestParameters{ClientID: ptr("id"), ClientSecret: ptr("s3cret")},
			AuthorizationEndpoint: ptr(server.URL + "/token"), HttpMethod: ptr("GET"), OAuthHttpParameters: query,
		},
	})
	once := func(t *shapes.Target) {
		t.RoleArn, t.DeadLetterConfig = &role, &shapes.DeadLetterConfig{Arn: ptr(queueARN + "dlq")}
		t.RetryPolicy = &shapes.RetryPolicy{MaximumRetryAttempts: ptr(int32(0))}
	}
	b.rule("", "r", orders, to("1", in, once), to("2", token, once))
	b.put("", "shop", "order", `{}`)
	b.settle()
	dead := b.queues.take()
	if len(dead) != 2 {
		t.Fatalf("%d dead letters", len(dead))
	}
	for _, d := range dead {
		m, err := d.Message()
		if err != nil {
			t.Fatal(err)
		}
		if why := m.Attributes["ERROR_MESSAGE"].Text; strings.Contains(why, "s3cret") || !strings.Contains(why, server.URL) {
			t.Errorf("the dead letter says %s", why)
		}
	}
}

// A token that was asked for with credentials that have changed since is not used.
func TestTokenOfOldCredentials(t *testing.T) {
	b, server := newBed(t), newEndpoint(t)
	role := b.role("caller", "events.amazonaws.com", `{"Effect":"Allow","Action":"events:InvokeApiDestination","Resource":"*"}`)
	change := make(chan func(), 1)
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret := r.FormValue("client_secret")
		select {
		case f := <-change: // while the first is asked for
			f()
		default:
		}
		fmt.Fprintf(w, `{"access_token":"of-%s","expires_in":3600}`, secret)
	}))
	t.Cleanup(slow.Close)
	d := b.destination("d", server.URL, "POST", "OAUTH_CLIENT_CREDENTIALS", &shapes.CreateConnectionAuthRequestParameters{
		OAuthParameters: &shapes.CreateConnectionOAuthRequestParameters{
			ClientParameters:      &shapes.CreateConnectionOAuthClientRequestParameters{ClientID: ptr("id"), ClientSecret: ptr("old")},
			AuthorizationEndpoint: &slow.URL, HttpMethod: ptr("POST"),
		},
	})
	change <- func() {
		if err := b.clock.Set(b.clock.Now().Add(time.Second)); err != nil {
			t.Error(err)
		}
		call(b, shapes.UpdateConnection, &shapes.UpdateConnectionRequest{Name: ptr("d"), AuthParameters: &shapes.UpdateConnectionAuthRequestParameters{
			OAuthParameters: &shapes.UpdateConnectionOAuthRequestParameters{ClientParameters: &shapes.UpdateConnectionOAuthClientRequestParameters{ClientSecret: ptr("new")}},
		}})
	}
	b.rule("", "r", orders, to("t", d, func(t *shapes.Target) { t.RoleArn, t.Input = &role, ptr(`{}`) }))
	for range 2 {
		b.put("", "shop", "order", `{}`)
		b.settle()
	}
	if diff := cmp.Diff([]string{"POST / Bearer of-old  {}", "POST / Bearer of-new  {}"}, server.take()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
