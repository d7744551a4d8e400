package sample

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// where is the scope of the golden files.
func where() Scope {
	return Scope{Account: "123456789012", Region: "us-east-1", Time: time.Date(2026, 11, 22, 10, 30, 0, 123e6, time.UTC)}
}

// file is where a sample's golden is.
func file(name string) string {
	return filepath.Join("testdata", strings.ReplaceAll(name, ":", "_")+".json")
}

func TestGolden(t *testing.T) {
	known := map[string]bool{}
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			got, err := s.Event(where(), nil)
			if err != nil {
				t.Fatal(err)
			}
			again, err := s.Event(where(), nil)
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("it is another event the second time: %s, %v", cmp.Diff(string(got), string(again)), err)
			}
			known[file(s.Name)] = true
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file(s.Name), got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file(s.Name))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no sample", f)
		}
	}
}

// TestDescribed holds every sample to saying what it is.
func TestDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range All() {
		service, kind, ok := strings.Cut(s.Name, ":")
		if !ok || service == "" || kind == "" || seen[s.Name] || s.About == "" || !strings.HasPrefix(s.Page, "https://docs.aws.amazon.com/") {
			t.Errorf("%q: about %q, page %q, named before: %v", s.Name, s.About, s.Page, seen[s.Name])
		}
		seen[s.Name] = true
		for _, p := range s.Params {
			if p.Name == "" || p.About == "" {
				t.Errorf("%s: parameter %+v", s.Name, p)
			}
		}
	}
}

// TestParamsCount sets each parameter of each sample to something else, which
// must show.
func TestParamsCount(t *testing.T) {
	other := func(p Param) string {
		switch {
		case p.Name == "view":
			return "KEYS_ONLY"
		case p.Name == "version" && p.Default == "" || p.Name == "trigger":
			return "other"
		case p.Name == "size" || p.Name == "messages":
			return "3"
		case p.Name == "base64":
			return "true"
		case strings.HasPrefix(p.Default, "{"):
			return `{"other":{"S":"value"}}`
		}
		return "other=value"
	}
	for _, s := range All() {
		usual, err := s.Event(where(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range s.Params {
			got, err := s.Event(where(), map[string]string{p.Name: other(p)})
			if err != nil {
				t.Errorf("%s --set %s: %v", s.Name, p.Name, err)
			}
			if bytes.Equal(usual, got) && !without(s.Name, p.Name) {
				t.Errorf("%s: the parameter %s makes no difference", s.Name, p.Name)
			}
		}
	}
}

// without are parameters that a sample shares with others and has no place for.
func without(sample, param string) bool {
	switch sample {
	case "s3:delete", "s3:delete-marker":
		return param == "size" || param == "etag"
	case "events:s3-deleted":
		return param == "size" || param == "etag"
	case "dynamodb:insert":
		return param == "old"
	case "dynamodb:remove", "dynamodb:ttl":
		return param == "new"
	case "cloudformation:create", "cloudformation:delete":
		return param == "old"
	case "lambda:destination-success":
		return param == "error"
	case "lambda:destination-failure":
		return param == "response"
	case "cognito:user-migration":
		return param == "email"
	case "apigateway:websocket-connect":
		return param == "body"
	case "apigateway:websocket-message":
		return param == "query"
	case "apigateway:websocket-disconnect":
		return param == "query" || param == "body"
	}
	return false
}

func TestSet(t *testing.T) {
	event := func(name string, set map[string]string) (out map[string]any) {
		t.Helper()
		s, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := s.Event(where(), set)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	at := func(v any, path ...any) any {
		for _, p := range path {
			switch p := p.(type) {
			case string:
				v = v.(map[string]any)[p]
			case int:
				v = v.([]any)[p]
			}
		}
		return v
	}
	put := event("s3:put", map[string]string{"bucket": "photos", "key": "a folder/año 1.jpg", "size": "7"})
	if got := at(put, "Records", 0, "s3", "object", "key"); got != "a+folder/a%C3%B1o+1.jpg" {
		t.Errorf("the key is %v", got)
	}
	if got := at(put, "Records", 0, "s3", "bucket", "arn"); got != "arn:aws:s3:::photos" {
		t.Errorf("the bucket is %v", got)
	}
	if n := len(at(event("sqs:message", map[string]string{"messages": "3"}), "Records").([]any)); n != 3 {
		t.Errorf("%d messages", n)
	}
	http := event("apigateway:http-v2", map[string]string{"method": "get", "path": "users/1", "route": "GET /users/{id}", "params": "id=1", "stage": "dev", "claims": "sub=ana"})
	if got := at(http, "requestContext", "http", "path"); got != "/dev/users/1" || at(http, "rawPath") != got || at(http, "pathParameters", "id") != "1" ||
		at(http, "requestContext", "authorizer", "jwt", "claims", "sub") != "ana" || at(http, "requestContext", "http", "method") != "GET" {
		t.Errorf("the request is %v", http)
	}
	insert := event("dynamodb:insert", map[string]string{"view": "KEYS_ONLY"})
	if at(insert, "Records", 0, "dynamodb", "NewImage") != nil {
		t.Error("keys alone have an image")
	}
}

func TestWrong(t *testing.T) {
	if _, err := Find("s3:absent"); err == nil || !strings.Contains(err.Error(), "there are s3:copy, s3:delete, ") {
		t.Errorf("a sample that there is not: %v", err)
	}
	if _, err := Find("absent"); err == nil {
		t.Error("a service that there is not has samples")
	}
	for name, set := range map[string]map[string]string{
		"s3:put has no parameter name; it has bucket, key, size": {"name": "x"},
		"s3:put: parameter size: \"large\" is no whole number":   {"size": "large"},
	} {
		s, err := Find("s3:put")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Event(where(), set); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v: %v, want %s", set, err, name)
		}
	}
	s, err := Find("dynamodb:insert")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Event(where(), map[string]string{"keys": "Id=1"}); err == nil || !strings.Contains(err.Error(), "parameter keys: it is not the JSON that it should be") {
		t.Errorf("keys that are no JSON: %v", err)
	}
}
