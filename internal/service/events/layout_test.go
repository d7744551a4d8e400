package events

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"})
	at := clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []keyspace.Key{
		sp.bus("b"), sp.rule("b", "r"), sp.head("b"), sp.changed("b", 7), sp.named("archive", "a"), sp.archived("id", at, "event"), sp.named("kept", "id"),
		sp.named("size", "id"), sp.named("replay", "r"), sp.named("connection", "c"), sp.named("destination", "d"),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	text, n := "text", int32(5)
	for _, row := range []any{
		busRow{ID: "X", Created: at, Modified: at, Description: "d", Policy: "{}", DeadLetter: "q", Key: "k", Tags: map[string]string{"a": "b"}},
		ruleRow{Pattern: "{}", Schedule: "rate(1 day)", Begun: at, State: "ENABLED", Description: "d", Role: "r", ManagedBy: "m", CreatedBy: "c", Tags: map[string]string{"a": "b"}, Targets: []target{{
			ID: "i", ARN: "a", Role: "r", Input: &text, InputPath: &text, Transform: &transformer{map[string]string{"a": "$"}, "<a>"}, Group: "g",
			HTTP: &httpParameters{[]string{"p"}, map[string]string{"h": "v"}, map[string]string{"q": "v"}}, DeadLetter: "d", Retries: &n, Age: &n,
		}}},
		head{ID: "X", Count: 7}, archiveRow{ID: "X", Bus: "b", Created: at, Description: "d", Pattern: "{}", Days: 3},
		replayRow{Archive: "a", Bus: "b", Rules: []string{"r"}, From: at, To: at, Description: "d", State: "RUNNING", Started: at, Ended: at, Last: at, Cursor: []byte{1}},
		connectionRow{ID: "X", Kind: "BASIC", State: "AUTHORIZED", Created: at, Modified: at, Description: "d", Sealed: []byte{1}},
		credentials{Name: "n", Secret: "s", Call: parameters{Headers: []parameter{{"k", "v", true}}}, Endpoint: "e", Method: "POST"},
		destinationRow{ID: "X", Connection: "c", Endpoint: "e", Method: "POST", PerSecond: 300, Created: at, Modified: at, Description: "d"},
		logHead{"e"}, callHead{&httpParameters{Path: []string{"p"}}},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	golden(t, "testdata/layout.golden", out.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever a template and an event are, compiling and rendering end, and what is
// compiled renders every event.
func FuzzTransform(f *testing.F) {
	f.Add(`"<a> is <aws.events.rule-name>"`, "$.detail.a", `{"a":"x\"y"}`)
	f.Add(`{"a":<a>,"e":<aws.events.event.json>}`, "$.detail.list[*].id", `{"list":[{"id":1},{"id":[2]}]}`)
	f.Add("\"one\"\n\"<a>\"", "$.detail.*", `{"a":null}`)
	f.Fuzz(func(t *testing.T, template, path, detail string) {
		to := target{ID: "t", Transform: &transformer{Paths: map[string]string{"a": path}, Template: template}}
		o, err := to.compile()
		if err != nil {
			return
		}
		object, ok := compactObject(detail)
		if !ok {
			return
		}
		c := content{ID: "id", DetailType: "d", Source: "s", Detail: object}
		e := &event{id: "id", json: c.encode()}
		if !json.Valid(e.json) {
			t.Fatalf("the event is no JSON: %s", e.json)
		}
		o.input.render(e, rule{bus{name: defaultBus}, "r"})
		if p, err := parsePath(path); err == nil {
			if v := p.find(e.json); v != nil && !json.Valid(v) {
				t.Errorf("%s finds %s", path, v)
			}
		}
		if without := withoutDetail(e.json); !json.Valid(without) {
			t.Errorf("without its detail: %s", without)
		}
	})
}
