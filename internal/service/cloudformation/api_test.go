package cloudformation

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/sigv4"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/stack/schema"
	"github.com/nube-run/nube/internal/work"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testTable has two types under names that the API knows something about.
var testTable = schema.Table{
	Shapes: []schema.Shape{{Kind: schema.String}},
	Types: []schema.Type{
		{Name: "AWS::IAM::Role", PrimaryID: []string{"RoleName"}, Attributes: []string{"Arn"}, Properties: []schema.Property{{Name: "Description"}, {Name: "RoleName", CreateOnly: true}}},
		{Name: "AWS::SNS::Topic", PrimaryID: []string{"TopicArn"}, Attributes: []string{"TopicName"}, Properties: []schema.Property{{Name: "DisplayName"}, {Name: "TopicName", CreateOnly: true}}},
	},
}

// memory is a provider whose resources exist in a map.
type memory struct {
	mu   sync.Mutex
	have map[string]bool
}

func (m *memory) Create(_ context.Context, r stack.Request) (stack.Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := r.Properties.Get("DisplayName"); d != nil && d.Text == "broken" {
		return stack.Progress{}, fault.New("InvalidParameter", "Invalid parameter: DisplayName")
	}
	m.have[r.PhysicalID] = true
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{"Arn": "arn:role/" + r.PhysicalID, "TopicName": r.PhysicalID}}, nil
}

func (m *memory) Update(_ context.Context, r stack.Request) (stack.Progress, error) {
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: r.Attrs}, nil
}

func (m *memory) Delete(_ context.Context, r stack.Request) (stack.Progress, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.have, r.PhysicalID)
	return stack.Progress{}, nil
}

func (m *memory) Read(_ context.Context, r stack.Request) (stack.Attrs, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.have[r.PhysicalID] {
		return nil, stack.ErrNotFound
	}
	return stack.Attrs{}, nil
}

// anyone has one key, and may do everything.
type anyone struct{}

func (anyone) Key(context.Context, string, string) (awsapi.Credential, bool, error) {
	return awsapi.Credential{Secret: "secret", Actor: awsapi.RootOf("123456789012")}, true, nil
}

func (anyone) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	return &policy.Set{}, nil
}

// newAPI serves the API over HTTP to anyone.
func newAPI(t *testing.T) (*httptest.Server, *stack.Engine) {
	t.Helper()
	db := kv.Open(memkv.New())
	model := clock.NewModel(clock.State{Stopped: true, At: clock.Unix(1_700_000_000, 0)})
	m := &memory{have: map[string]bool{}}
	types := stack.NewTypes(
		&stack.Type{Schema: &testTable.Types[0], Table: &testTable, Provider: m, NameProperty: "RoleName", Name: stack.NameRule{Max: 64}},
		&stack.Type{Schema: &testTable.Types[1], Table: &testTable, Provider: m, NameProperty: "TopicName", Name: stack.NameRule{Max: 64}},
	)
	var mu sync.Mutex
	n := byte(0)
	engine := stack.New(stack.Options{
		DB: db, Types: types, Model: model, Ledger: work.NewLedger(), Log: slog.New(slog.DiscardHandler), Parallel: 1,
		NewID: func() (id [16]byte) {
			mu.Lock()
			defer mu.Unlock()
			n++
			id[15] = n
			return id
		},
	})
	front := awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{New(engine, nil).API()}, Account: "123456789012", Region: "eu-central-1", Model: model, Identities: anyone{},
	})
	srv := httptest.NewServer(front)
	t.Cleanup(func() {
		srv.Close()
		engine.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv, engine
}

// TestAPI replays testdata/*.txt. A line that begins with ">" is a request,
// "Operation Name=value&..." with @file for the text of a file below; what
// follows is the answer, as XML, without the request id. After a request that
// begins an operation on a stack the test waits for its end.
func TestAPI(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script, files := split(string(text))
			srv, engine := newAPI(t)
			var got strings.Builder
			for line := range strings.Lines(script) {
				if line = strings.TrimRight(line, "\n"); strings.HasPrefix(line, "#") || strings.HasPrefix(line, "> ") {
					got.WriteString(line + "\n")
				}
				if q, ok := strings.CutPrefix(line, "> "); ok {
					got.WriteString(ask(t, srv, q, files))
					settle(t, engine)
				}
			}
			got.WriteString(string(text)[len(script):])
			if *update {
				if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(text), got.String()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		})
	}
}

// split parts a script from its files, which begin with "-- name --".
func split(text string) (script string, files map[string]string) {
	files = map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(n, " --") {
			name = strings.TrimSuffix(n, " --")
			continue
		}
		if name == "" {
			script += line
		} else {
			files[name] += line
		}
	}
	return script, files
}

var (
	requestID = regexp.MustCompile(`<ResponseMetadata>.*?</ResponseMetadata>|<RequestId>.*?</RequestId>`)
	element   = regexp.MustCompile(`(>)(<[A-Za-z])`)
)

// ask makes a request and returns the answer, an element a line.
func ask(t *testing.T, srv *httptest.Server, q string, files map[string]string) string {
	t.Helper()
	op, rest, _ := strings.Cut(q, " ")
	form := url.Values{"Action": {op}, "Version": {"2010-05-15"}}
	for _, kv := range strings.Split(rest, "&") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			if file, ok := strings.CutPrefix(v, "@"); ok {
				v = files[file]
			}
			form.Set(k, v)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(&sigv4.Request{
		Method: req.Method, Host: req.URL.Host, Path: "/", Header: req.Header, Body: []byte(form.Encode()), Service: "cloudformation", Region: "eu-central-1",
	}, sigv4.Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE", Secret: "secret"}, clock.Machine{}.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := requestID.ReplaceAllString(string(body), "")
	text = element.ReplaceAllString(text, "$1\n  $2")
	return fmt.Sprintf("%d %s\n", resp.StatusCode, strings.TrimSpace(text))
}

// settle waits until no stack has an operation under way.
func settle(t *testing.T, e *stack.Engine) {
	t.Helper()
	scope := arn.In("eu-central-1", "123456789012")
	all, err := e.Stacks(t.Context(), scope, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if _, err := e.Wait(t.Context(), scope, s.ID); err != nil {
			t.Fatal(err)
		}
	}
}
