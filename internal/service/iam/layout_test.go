package iam

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
)

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	const account = "123456789012"
	sp, at := spaceOf(account), clock.Unix(1_700_000_000, 0)
	boundary := arn.Scope{Account: account}.Policy("/team/", "Limits")
	var out strings.Builder
	for _, k := range []kv.Key{
		sp.entity(user, "Ana"), sp.entity(group, "Devs"), sp.entity(role, "App"), sp.policy(boundary), sp.key("AKIA1"), sp.master(),
	} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	for _, row := range []any{
		entity{
			Kind: user, Name: "Ana", Path: "/", ID: "AIDA1", Created: at, Inline: map[string]string{"p": "{}"}, Attached: []arn.ARN{boundary},
			Boundary: boundary, Tags: map[string]string{"k": "v"}, Groups: []string{"Devs"},
		},
		entity{Kind: role, Name: "App", Path: "/team/", ID: "AROA1", Created: at, Trust: "{}", Description: "d", MaxSession: 3600},
		managed{
			ARN: boundary, Name: "Limits", Path: "/team/", ID: "ANPA1", Description: "d", Created: at, Updated: at, Default: "v1", Next: 2,
			Versions: []version{{ID: "v1", Document: "{}", Created: at}}, Tags: map[string]string{"k": "v"},
		},
		accessKey{ID: "AKIA1", Secret: "s", User: "Ana", Active: true, Created: at},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
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
