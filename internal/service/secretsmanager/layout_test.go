package secretsmanager

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

var update = flag.Bool("update", false, "write the golden files")

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(keyspace.Cell{Account: "123456789012", Region: "eu-west-1"})
	at := clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []keyspace.Key{sp.secret("a/b"), sp.version("a/b", "AbCdEf", "token")} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	for _, row := range []any{
		secretRow{
			Suffix: "AbCdEf", Created: at, Changed: at, Accessed: at, Deleted: at, Description: "d", KeyID: "alias/x", Tags: map[string]string{"k": "v"}, Policy: "{}",
			Stages: map[string]string{current: "token"}, Versions: map[string]clock.Instant{"token": at},
			Rotation: &rotationRow{Enabled: true, Function: "f", Days: 1, Schedule: "rate(1 day)", Duration: "2h", Since: at, Next: at, Last: at},
		},
		versionRow{Sealed: []byte{1}, Body: []byte{2}, Binary: true, Key: "arn"},
		step{Step: "createSecret", SecretID: "arn", ClientRequestToken: "token", RotationToken: "token"},
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
