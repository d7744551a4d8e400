package scheduler

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
	for _, k := range []keyspace.Key{sp.group("g"), sp.schedule("g", "s")} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	text, n := "text", int32(5)
	for _, v := range []any{
		groupRow{Created: at, Modified: at, Tags: map[string]string{"a": "b"}, Token: "t"},
		row{
			Expression: "rate(1 day)", Zone: "UTC", Start: at, End: at, Begun: at, State: "ENABLED", Window: 5, After: "DELETE", Description: "d", Key: "k", Token: "t",
			Created: at, Modified: at,
			Target: target{ARN: "a", Role: "r", Input: &text, DetailType: "d", Source: "s", Group: "g", DeadLetter: "q", Retries: &n, Age: &n},
		},
		call{Schedule: "s", At: at, Role: "r", DetailType: "d", Source: "s", Group: "g", Default: true},
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", v, b)
	}
	const path = "testdata/layout.golden"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
