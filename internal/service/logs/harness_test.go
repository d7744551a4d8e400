package logs

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/disk/disktest"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/policy"
	"github.com/nube-run/nube/internal/record"
)

var update = flag.Bool("update", false, "write the service's answers into the scripts, and the golden files")

const (
	testAccount = "123456789012"
	testRegion  = "eu-west-1"
)

var testCell = keyspace.Cell{Account: testAccount, Region: testRegion}

// began is when the test clock begins.
var began = clock.UnixMilli(1_795_301_973_000)

// cloud is the service alone, behind a front that lets everybody do everything.
type cloud struct {
	t     testing.TB
	front *awsapi.Front
	s     *Service
	db    *kv.DB
	rec   *record.Recorder
	clock *clock.Model
	ctx   context.Context
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	c := &cloud{t: t, db: kv.Open(memkv.New()), clock: clock.NewModel(clock.State{Stopped: true, At: began})}
	var err error
	if c.rec, err = record.Open(record.Options{FS: disktest.NewMem().FS(), Dir: "record", Model: c.clock}); err != nil {
		t.Fatal(err)
	}
	c.s = New(Options{DB: c.db, Logs: c.rec.Logs, Clock: c.clock, Metrics: c.rec.Metrics, Emit: &emitted{}})
	c.front = awsapi.New(awsapi.Options{
		Services: []*awsapi.Service{c.s.API()}, Account: testAccount, Region: testRegion, Model: c.clock, Enforcement: awsapi.Off,
	})
	c.ctx = awsapi.With(context.Background(), &awsapi.Call{Scope: arn.In(testRegion, testAccount), Actor: awsapi.RootOf(testAccount)})
	t.Cleanup(func() {
		if err := c.rec.Close(); err != nil {
			t.Error(err)
		}
		if err := c.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// try makes a request as it looks on the wire. The answer is JSON too; an error
// is "Code: message".
func (c *cloud) try(operation, request string) string {
	c.t.Helper()
	op := shapes.Model.Op(operation)
	if op == nil || !op.Declared {
		c.t.Fatalf("no operation %s", operation)
	}
	in := op.NewInput()
	if err := wire.DecodeJSON(&shapes.Model, op.Input, []byte(request), in); err != nil {
		c.t.Fatalf("%s %s: %v", operation, request, err)
	}
	out, err := c.front.Call(c.ctx, &shapes.Model, op, in)
	if err != nil {
		e, ok := fault.As(err)
		if !ok {
			c.t.Fatalf("%s %s: an error without a code: %v", operation, request, err)
		}
		return e.Code + ": " + e.Message
	}
	if op.Output == schema.None {
		return "{}"
	}
	return string(wire.AppendJSON(nil, &shapes.Model, op.Output, out))
}

// do makes a request that must succeed, and decodes the answer into out.
func (c *cloud) do(operation, request string, out any) {
	c.t.Helper()
	answer := c.try(operation, request)
	if !strings.HasPrefix(answer, "{") {
		c.t.Fatalf("%s %s: %s", operation, request, answer)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			c.t.Fatal(err)
		}
	}
}

// The files of testdata/scripts are requests, each followed by its answer.
// "clock 1h" moves the clock. Times are written @0, @-5s: since the clock began,
// in milliseconds. The tokens of the last answer are $next, $forward and
// $backward; ids are numbered in the order in which they appear.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(data))
			if got == string(data) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, have := strings.Split(string(data), "\n"), strings.Split(got, "\n")
			for i := range max(len(want), len(have)) {
				w, h := at(want, i), at(have, i)
				if w != h {
					t.Errorf("line %d\n got %s\nwant %s", i+1, h, w)
				}
			}
		})
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

var (
	timePattern = regexp.MustCompile(`@(-?[0-9][0-9a-z]*)`)
	idPattern   = regexp.MustCompile(`[fb]/3[0-9]{55}|\b(3|49)[0-9]{54,55}\b`)
	msPattern   = regexp.MustCompile(`\b17[0-9]{11}\b`)
	nextPattern = regexp.MustCompile(`"nextToken":"[^"]*"`)
)

func runScript(t *testing.T, text string) string {
	c := newCloud(t)
	tokens := map[string]string{}
	ids := map[string]string{}
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		out = append(out, line)
		word, rest, _ := strings.Cut(line, " ")
		if word == "" || word == "#" {
			continue
		}
		if word == "clock" {
			d, err := time.ParseDuration(rest)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.clock.Set(c.clock.Now().Add(d)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		request := timePattern.ReplaceAllStringFunc(rest, func(s string) string {
			s = s[1:]
			if s == "0" {
				s = "0s"
			}
			d, err := time.ParseDuration(s)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(began.Add(d).UnixMilli())
		})
		for name, token := range tokens {
			request = strings.ReplaceAll(request, "$"+name, token)
		}
		answer := c.try(word, request)
		var found struct{ NextToken, NextForwardToken, NextBackwardToken string }
		if json.Unmarshal([]byte(answer), &found) == nil {
			tokens = map[string]string{"next": found.NextToken, "forward": found.NextForwardToken, "backward": found.NextBackwardToken}
		}
		answer = nextPattern.ReplaceAllString(answer, `"nextToken":"…"`)
		answer = idPattern.ReplaceAllStringFunc(answer, func(id string) string {
			direction := ""
			if id[1] == '/' {
				direction, id = id[:2], id[2:]
			}
			if ids[id] == "" {
				ids[id] = fmt.Sprint("#", len(ids)+1)
			}
			return direction + ids[id]
		})
		answer = msPattern.ReplaceAllStringFunc(answer, func(s string) string {
			var ms int64
			fmt.Sscan(s, &ms)
			return "@" + time.Duration(clock.UnixMilli(ms).Sub(began)).String()
		})
		out = append(out, "\t"+answer)
	}
	return strings.Join(out, "\n") + "\n"
}

// nobody has no permissions at all.
type nobody struct{ needs []string }

func (*nobody) Key(context.Context, string, string) (awsapi.Credential, bool, error) {
	return awsapi.Credential{}, false, nil
}
func (*nobody) Policies(context.Context, *awsapi.Actor) (*policy.Set, error) {
	return &policy.Set{}, nil
}

func (n *nobody) Denied(_ context.Context, _ awsapi.Actor, r policy.Request, _ policy.Decision) {
	need := r.Action + " " + string(r.Resource)
	for _, k := range []string{"aws:requesttag/team", "aws:tagkeys"} {
		if v, ok := r.Keys.Key(k); ok {
			need += fmt.Sprintf(" %s=%s", k, strings.Join(v.Strings(), "+"))
		}
	}
	n.needs = append(n.needs, need)
}
