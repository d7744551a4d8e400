package dynamodb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/sigv4"
)

// everyone is one user who may do everything.
type everyone struct{ set *policy.Set }

func (e everyone) Key(context.Context, string, string) (awsapi.Credential, bool, error) {
	a := awsapi.RootOf(testAccount)
	a.Principal.ARN = "arn:aws:iam::" + testAccount + ":user/bench"
	return awsapi.Credential{Secret: "secret", Actor: a}, true, nil
}

func (e everyone) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) { return e.set, nil }

// discard is a response that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

const benchItem = `"h":{"S":"customer#%d"},"r":{"N":"%d"},"status":{"S":"PAID"},"total":{"N":"129.95"},"currency":{"S":"EUR"},
"created":{"N":"1795301973"},"tags":{"SS":["gift","priority"]},"address":{"M":{"street":{"S":"Calle Mayor 1"},"city":{"S":"Madrid"},
"zip":{"S":"28013"}}},"lines":{"L":[{"M":{"sku":{"S":"A-1"},"qty":{"N":"2"},"price":{"N":"19.99"}}}]},"paid":{"BOOL":true},
"description":{"S":"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."}`

// BenchmarkRequest is a signed request through the whole front, from HTTP to the store in memory and back.
func BenchmarkRequest(b *testing.B) {
	const n = 512
	for _, bench := range []struct {
		name, operation string
		body            func(i int) string
	}{
		{"PutItem", "PutItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"orders","Item":{`+benchItem+`}}`, i/8, i)
		}},
		{"GetItem", "GetItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"orders","Key":{"h":{"S":"customer#%d"},"r":{"N":"%d"}}}`, i/8, i)
		}},
		{"UpdateItem", "UpdateItem", func(i int) string {
			return fmt.Sprintf(`{"TableName":"orders","Key":{"h":{"S":"customer#%d"},"r":{"N":"%d"}},"UpdateExpression":"ADD hits :one",
				"ExpressionAttributeValues":{":one":{"N":"1"}}}`, i/8, i)
		}},
		{"Query8", "Query", func(i int) string {
			return fmt.Sprintf(`{"TableName":"orders","KeyConditionExpression":"h = :h","ExpressionAttributeValues":{":h":{"S":"customer#%d"}}}`, i/8)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := newCloud(b)
			doc, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]}`)
			if err != nil {
				b.Fatal(err)
			}
			front := awsapi.New(awsapi.Options{
				Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Enforce,
				Identities: everyone{&policy.Set{Identity: []*policy.Doc{doc}}},
			})
			c.do("CreateTable", `{"TableName":"orders","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"h","AttributeType":"S"},
				{"AttributeName":"r","AttributeType":"N"}],"KeySchema":[{"AttributeName":"h","KeyType":"HASH"},{"AttributeName":"r","KeyType":"RANGE"}]}`)
			for i := range n {
				c.do("PutItem", fmt.Sprintf(`{"TableName":"orders","Item":{`+benchItem+`}}`, i/8, i))
			}
			var (
				requests [n]*http.Request
				bodies   [n][]byte
			)
			for i := range requests {
				bodies[i] = []byte(bench.body(i))
				requests[i] = signed(b, bench.operation, bodies[i])
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := requests[i%n]
				r.Body = io.NopCloser(bytes.NewReader(bodies[i%n]))
				w := discard{header: http.Header{}}
				if front.ServeHTTP(&w, r); w.status != http.StatusOK {
					b.Fatalf("status %d", w.status)
				}
				i++
			}
		})
	}
}

func signed(b *testing.B, operation string, body []byte) *http.Request {
	r, err := http.NewRequest("POST", "http://127.0.0.1:4566/", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.ContentLength = int64(len(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req := sigv4.Request{Method: r.Method, Host: r.Host, Path: "/", Header: r.Header, ContentLength: r.ContentLength, Body: body, Service: "dynamodb", Region: testRegion}
	sigv4.Sign(&req, sigv4.Credentials{AccessKey: "AKID", Secret: "secret"}, clock.Machine{}.Now())
	return r
}
