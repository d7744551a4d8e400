package proxy

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
)

func request(method, target, body string, headers ...string) *Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:51234"
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	return &Request{HTTP: r, Body: []byte(body), ID: "id", At: clock.Unix(1584039838, 0), Account: "123456789012", API: "api", Domain: "api.example.com", Stage: "$default",
		Path: r.URL.EscapedPath(), RouteKey: "$default"}
}

// TestEvent2Order holds the order of members, which AWS's documents and what
// people compare logs with have in common.
func TestEvent2Order(t *testing.T) {
	q := request("POST", "http://api.example.com/my/path?a=1&a=2&b=%20", "hi", "Content-Type: text/plain", "User-Agent: agent", "Cookie: c=1;d=2", "Cookie: e=3", "X-Forwarded-For: 198.51.100.1")
	q.Params, q.Variables, q.Authorizer, q.Trace = map[string]string{"p": "v"}, map[string]string{"s": "1"}, []byte(`{"lambda":null}`), "Root=1-a"
	want := `{"version":"2.0","routeKey":"$default","rawPath":"/my/path","rawQueryString":"a=1&a=2&b=%20","cookies":["c=1","d=2","e=3"],` +
		`"headers":{"content-length":"2","content-type":"text/plain","host":"api.example.com","user-agent":"agent","x-amzn-trace-id":"Root=1-a","x-forwarded-for":"198.51.100.1, 192.0.2.7","x-forwarded-port":"80","x-forwarded-proto":"http"},` +
		`"queryStringParameters":{"a":"1,2","b":" "},"requestContext":{"accountId":"123456789012","apiId":"api","authorizer":{"lambda":null},"domainName":"api.example.com","domainPrefix":"api",` +
		`"http":{"method":"POST","path":"/my/path","protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"agent"},"requestId":"id","routeKey":"$default","stage":"$default","time":"12/Mar/2020:19:03:58 +0000","timeEpoch":1584039838000},` +
		`"pathParameters":{"p":"v"},"stageVariables":{"s":"1"},"body":"hi","isBase64Encoded":false}`
	if d := cmp.Diff(want, string(q.Event2())); d != "" {
		t.Error(d)
	}
}

func TestMappedPath(t *testing.T) {
	q := request("GET", "http://api.example.com/shop/users", "")
	q.Path, q.Mapped = "/dev/users", "/shop/users"
	if got := string(q.Event1()); !strings.Contains(got, `"path":"/shop/users","httpMethod"`) {
		t.Error(got)
	}
	if got := string(q.Event2()); !strings.Contains(got, `"rawPath":"/dev/users"`) {
		t.Error(got)
	}
}

func TestIsText(t *testing.T) {
	for kind, want := range map[string]bool{
		"application/json": true, "Application/JSON; charset=utf-8": true, "text/html": true, "application/problem+json": true, "image/svg+xml": true,
		"application/x-www-form-urlencoded": false, "application/octet-stream": false, "multipart/form-data; boundary=x": false, "": false, "text/plain; bad=": true,
	} {
		if got := IsText(http.Header{"Content-Type": {kind}}); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
	if IsText(http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}}) {
		t.Error("what is compressed is no text")
	}
}

// TestRead2Strings: a bare string is without its quotes for HTTP APIs, and with
// them for function URLs.
// https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload
func TestRead2Strings(t *testing.T) {
	for unquote, want := range map[bool]string{true: `Hello, "world"`, false: `"Hello, \"world\""`} {
		a, err := Read2([]byte(`"Hello, \"world\""`), unquote)
		if err != nil || string(a.Body) != want || a.Status != 200 || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v: %+v %v", unquote, a, err)
		}
	}
}

func TestWriteHead(t *testing.T) {
	w := httptest.NewRecorder()
	Answer{Status: 200, Header: http.Header{"X-A": {"1"}, "Connection": {"close"}, "Content-Length": {"99"}}, Body: []byte("abc")}.Write(w, httptest.NewRequest("HEAD", "/", nil))
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") != "3" || w.Header().Get("Connection") != "" || w.Header().Get("X-A") != "1" {
		t.Errorf("%v %q", w.Header(), w.Body)
	}
}

func TestCORSOrigins(t *testing.T) {
	for _, tt := range []struct {
		origins     []string
		credentials bool
		origin      string
		want        string
	}{
		{[]string{"*"}, false, "https://a.example.com", "*"},
		{[]string{"https://*"}, false, "https://a.example.com", "https://a.example.com"},
		{[]string{"https://*"}, false, "http://a.example.com", ""},
		{[]string{"https://A.example.com"}, true, "https://a.example.com", "https://a.example.com"},
		{[]string{"https://a.example.com"}, false, "https://a.example.com.evil.example.com", ""},
		{nil, false, "https://a.example.com", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Origin", tt.origin)
		h := http.Header{"Access-Control-Allow-Origin": {"https://evil.example.com"}}
		(&CORS{Origins: tt.origins, Credentials: tt.credentials}).Dress(h, r)
		if got := h.Get("Access-Control-Allow-Origin"); got != tt.want {
			t.Errorf("%v %s: %q, want %q", tt.origins, tt.origin, got, tt.want)
		}
	}
}

// FuzzEvents: every request becomes JSON in both formats, and its body can be had
// from it.
func FuzzEvents(f *testing.F) {
	f.Add("/a/b?x=1&x=2", "text/plain", "hi", "a=1; b")
	f.Add("/%zz?%", "", "\xff\x00", ";;")
	f.Fuzz(func(t *testing.T, target, kind, body, cookie string) {
		u, err := url.Parse("http://h" + "/" + strings.TrimPrefix(target, "/"))
		if err != nil {
			return
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.URL = u
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Cookie", cookie)
		q := &Request{HTTP: r, Body: []byte(body), Path: u.EscapedPath(), RouteKey: "POST /{a}", Params: map[string]string{"a": target}}
		for _, text := range [][]byte{q.Event1(), q.Event2()} {
			var event struct {
				Body            string `json:"body"`
				IsBase64Encoded bool   `json:"isBase64Encoded"`
			}
			if err := json.Unmarshal(text, &event); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if !event.IsBase64Encoded && utf8.ValidString(body) && event.Body != body {
				t.Errorf("the body %q became %q", body, event.Body)
			}
		}
	})
}

// FuzzAnswers: no payload makes the readers fail otherwise than by an error, and
// what they read can be sent.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{`"x"`, `{"statusCode":200,"headers":{"a":1},"body":"b","cookies":["c"]}`, `{"statusCode":"x"}`, `null`, `[`, `{"statusCode":200,"isBase64Encoded":true,"body":"?"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		for _, read := range []func([]byte) (Answer, error){Read1, func(b []byte) (Answer, error) { return Read2(b, true) }} {
			if a, err := read([]byte(payload)); err == nil {
				if a.Status < 200 || a.Status > 599 {
					t.Errorf("status %d", a.Status)
				}
				a.Write(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
			}
		}
	})
}

// TestRead2Objects: an object is a response exactly when it has a statusCode.
func TestRead2Objects(t *testing.T) {
	for payload, want := range map[string]string{
		`{"headers":"x","body":3}`:            `{"headers":"x","body":3}`,
		`{"statusCode":200,"headers":"x"}`:    "error",
		`{"statusCode":200,"body":3}`:         "error",
		`{"statusCode":null,"body":"x"}`:      `{"statusCode":null,"body":"x"}`,
		`{"statusCode":200,"body":"x"} extra`: "error",
		` {"statusCode":200,"body":"x"} `:     "x",
		``:                                    "error",
	} {
		a, err := Read2([]byte(payload), true)
		got := string(a.Body)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", payload, got, want, err)
		}
	}
}
