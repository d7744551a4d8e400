package ssm

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
)

var update = flag.Bool("update", false, "write the golden files")

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"})
	at := clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []keyspace.Key{sp.parameter("a"), sp.parameter("/a/b"), sp.version("/a/b", 3)} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	p := []policyRow{{Type: "Expiration", Text: "{}", At: at, Done: true}}
	for _, row := range []any{
		parameterRow{
			Name: "/a/b", Type: secure, Version: 3, Oldest: 1, Labels: map[string]int64{"l": 2}, Tags: map[string]string{"k": "v"}, Tier: advanced, KeyID: "alias/x",
			DataType: "text", Policies: p, Changed: at, By: "arn", Description: "d", Pattern: "p",
		},
		versionRow{
			Value: "v", Sealed: []byte{1}, Body: []byte{2}, Type: secure, Tier: advanced, DataType: "text", KeyID: "alias/x", Description: "d", Pattern: "p", Changed: at,
			By: "arn", Policies: p,
		},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	const path = "testdata/layout.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
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

func FuzzRead(f *testing.F) {
	f.Add("/a/b:3")
	f.Add("arn:aws:ssm:eu-west-1:123456789012:parameter/a:label")
	f.Add("/aws/reference/secretsmanager/a:b:c")
	ctx := awsapi.With(f.Context(), &awsapi.Call{})
	f.Fuzz(func(t *testing.T, text string) {
		n, err := read(ctx, text)
		if err == nil && n.check() == nil && (strings.ContainsAny(n.text, ": ") || n.text == "") {
			t.Errorf("%q is the name %q", text, n.text)
		}
	})
}

func FuzzPolicies(f *testing.F) {
	f.Add(`[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"1","Unit":"Days"}}]`)
	f.Add(`[{"Type":"Expiration","Attributes":{"Timestamp":"2099-01-01T00:00:00Z"}},{"Type":"ExpirationNotification","Attributes":{"Before":"1","Unit":"Hours"}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := readPolicies(text, clock.Unix(1_700_000_000, 0))
		if err == nil && len(inlinePolicies(list)) != len(list) {
			t.Error("some are lost")
		}
	})
}
