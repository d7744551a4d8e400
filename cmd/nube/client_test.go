package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A cloud whose application is in another region than the default one is asked for
// what is in that region, functions always and the rest unless the environment names
// one; and the time from which on it is asked is that of its own clock.
func TestRegion(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
	}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "/")
		signed := strings.Split(scope, "/")
		line := r.URL.Path
		for _, name := range []string{"region", "since"} {
			if v := r.URL.Query().Get(name); v != "" {
				line += " " + name + "=" + v
			}
		}
		switch path := strings.TrimPrefix(r.URL.Path, "/_nube/api/"); {
		case path == "status":
			fmt.Fprint(w, `{"region":"eu-central-1","functions":[{"name":"app-dev-hello"}]}`)
		case strings.HasPrefix(path, "mail") && r.Method == http.MethodGet:
			fmt.Fprint(w, "[]")
		case strings.HasPrefix(path, "replays"):
			fmt.Fprint(w, `{"recorded":{},"answer":{}}`)
		case strings.HasPrefix(path, "mail"):
			fmt.Fprint(w, "{}")
		default:
			line += " signed for " + signed[1]
		}
		if r.URL.Path != "/_nube/api/status" {
			asked = append(asked, line)
		}
	}))
	defer server.Close()
	for _, tt := range []struct {
		region string
		words  []string
		want   []string
	}{
		{"", []string{"invoke", "hello"}, []string{"/2015-03-31/functions/app-dev-hello/invocations signed for eu-central-1"}},
		{"us-west-2", []string{"invoke", "hello"}, []string{"/2015-03-31/functions/app-dev-hello/invocations signed for eu-central-1"}},
		{"", []string{"logs", "hello", "--since", "5m"}, []string{"/_nube/api/logs region=eu-central-1 since=5m0s signed for eu-central-1"}},
		{"", []string{"logs", "/group"}, []string{"/_nube/api/logs signed for us-east-1"}},
		{"us-west-2", []string{"logs", "/group"}, []string{"/_nube/api/logs region=us-west-2 signed for us-west-2"}},
		{"", []string{"mail", "--since", "1h"}, []string{"/_nube/api/mail since=1h0m0s"}},
		{"us-west-2", []string{"mail", "delete", "--all"}, []string{"/_nube/api/mail region=us-west-2"}},
		{"", []string{"replay", "x"}, []string{"/_nube/api/replays/x"}},
	} {
		t.Setenv("AWS_REGION", tt.region)
		asked = nil
		var out, notes bytes.Buffer
		code := run(context.Background(), append(slices.Clone(tt.words), "--endpoint", server.URL), terminal{&out, &notes})
		if d := cmp.Diff(tt.want, asked); d != "" || code != 0 {
			t.Errorf("%v in %q: exit code %d, %s%s\n%s", tt.words, tt.region, code, &out, &notes, d)
		}
	}
}
