package apigateway_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEvents holds the events that functions get to those in testdata/events.
func TestEvents(t *testing.T) {
	b := open(t)
	b.route("ANY", "/users/{id}")
	b.route("ANY", "/users")
	b.route("ANY", "/files/{proxy+}")
	b.deploy()
	tests := []struct {
		name, method, target, body string
		headers                    []string
	}{
		{"get", "GET", "/users/7", "", []string{"User-Agent: curl/8", "Accept: */*"}},
		{"post", "POST", "/users", `{"name":"Ana \"é\""}`, []string{"Content-Type: application/json"}},
		{"repeated-query", "GET", "/users?tag=a&tag=b%20c&empty=&flag", "", nil},
		{"repeated-header", "GET", "/users", "", []string{"X-Tag: a", "X-Tag: b", "X-Forwarded-For: 203.0.113.9"}},
		{"encoded-path", "GET", "/users/a%2Fb%20c", "", nil},
		{"greedy", "DELETE", "/files/a/b%20c/d", "", nil},
		{"binary", "PUT", "/files/logo.png", "\x89PNG\x00\xff", []string{"Content-Type: image/png; q=1"}},
		{"not-binary", "PUT", "/files/logo.txt", "\x89PNG", []string{"Content-Type: text/plain"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b.function.events = nil
			if r := b.request(tt.method, tt.target, tt.body, tt.headers...); r.StatusCode != 200 || len(b.function.events) != 1 {
				t.Fatalf("%s, %d events", described(r), len(b.function.events))
			}
			got := masked(t, b.function.events[0])
			file := filepath.Join("testdata", "events", tt.name+".json")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// masked is an event in lines, without the ids that are others every time.
func masked(t *testing.T, event string) string {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(event), &v); err != nil {
		t.Fatalf("%v: %s", err, event)
	}
	hide := func(m any, keys ...string) {
		for _, k := range keys {
			switch x := m.(map[string]any)[k].(type) {
			case string:
				m.(map[string]any)[k] = "…"
			case []any:
				m.(map[string]any)[k] = []any{"…"}
			default:
				t.Errorf("%s is %v", k, x)
			}
		}
	}
	hide(v["requestContext"], "resourceId", "extendedRequestId", "requestId", "deploymentId", "apiId")
	hide(v["headers"], "X-Amzn-Trace-Id")
	hide(v["multiValueHeaders"], "X-Amzn-Trace-Id")
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}
