package serverless

import (
	"fmt"
	"strings"
	"testing"
)

// TestDifferencesDocument keeps docs/serverless-differences.md what the list says.
func TestDifferencesDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What nube does otherwise than the Serverless Framework\n\n" +
		"nube reads `serverless.yml` as the Serverless Framework v3 does, and its open successor osls: the same variables, the same\n" +
		"keys, the same CloudFormation template with the same logical ids, names and outputs. Every key is compared with osls 4.3.1\n" +
		"over the manifests in `internal/manifest/serverless/testdata/oracle` (`tools/oracle/osls.sh` asks osls again). This is the\n" +
		"list of what is different on purpose; the comparison fails on anything else.\n\n" +
		"This file is made from the list in `internal/manifest/serverless/differences.go` by\n" +
		"`go test ./internal/manifest/serverless -run Differences -update`.\n")
	for _, d := range Differences() {
		fmt.Fprintf(&b, "\n## %s\n\n- The Framework: %s\n- nube: %s\n- Why: %s\n", d.About, d.Framework, d.Nube, d.Why)
	}
	golden(t, "../../../docs/serverless-differences.md", b.String())
}

func TestDifferencesAreKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Differences() {
		if seen[d.Name] {
			t.Errorf("the difference %q is listed twice", d.Name)
		}
		seen[d.Name] = true
		for _, text := range []string{d.Name, d.About, d.Framework, d.Nube, d.Why} {
			if text == "" {
				t.Errorf("the difference %q does not say everything", d.Name)
			}
		}
		if _, ok := changes()[d.Name]; ok != d.Template {
			t.Errorf("the difference %q: Template is %v", d.Name, d.Template)
		}
	}
	for name := range changes() {
		if !seen[name] {
			t.Errorf("the comparison forgives %q, which is not listed", name)
		}
	}
	for c, name := range refusedHere() {
		if !seen[name] {
			t.Errorf("the case %s is refused because of %q, which is not listed", c, name)
		}
	}
}
