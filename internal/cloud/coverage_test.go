package cloud

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/awsapi"
)

// coverageFile is where people read what there is and what there is not.
const coverageFile = "../../docs/coverage.md"

// TestCoverage holds docs/coverage.md to the services that are registered.
func TestCoverage(t *testing.T) {
	w := openWalk(t)
	got := coverage(w.cloud.front.Services())
	if *update {
		if err := os.WriteFile(coverageFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), got); d != "" {
		t.Errorf("docs/coverage.md is not current; go test ./internal/cloud -run TestCoverage -update writes it:\n%s", d)
	}
}

// coverage lists the operations of services by whether they are implemented.
func coverage(services []*awsapi.Service) string {
	services = slices.SortedFunc(slices.Values(services), func(a, b *awsapi.Service) int { return cmp.Compare(a.Model.FullName, b.Model.FullName) })
	var b strings.Builder
	b.WriteString(`# Coverage

<!-- Written by go test ./internal/cloud -run TestCoverage -update; do not edit. -->

What each service implements of AWS's API. Every operation is authorised by IAM. One that is not implemented is answered
with HTTP 501, the code NotImplemented and its name, and changes nothing. Services that are not listed are not offered;
nothing is ever forwarded to AWS.

| service | API version | implemented | of |
|---|---|---|---|
`)
	for _, s := range services {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %d | %d |\n", s.Model.FullName, s.Model.ID, s.Model.Version, len(s.Implemented()), len(s.Model.Ops))
	}
	for _, s := range services {
		done := s.Implemented()
		var not, refused []string
		for _, r := range s.Reasons() {
			refused = append(refused, r.Operations...)
		}
		for i := range s.Model.Ops {
			if name := s.Model.Ops[i].Name; !slices.Contains(done, name) && !slices.Contains(refused, name) {
				not = append(not, name)
			}
		}
		fmt.Fprintf(&b, "\n<a id=%q></a>\n\n## %s\n", s.Model.ID, s.Model.FullName)
		paragraph(&b, "Implemented", done)
		paragraph(&b, "Not implemented", not)
		for _, r := range s.Reasons() {
			paragraph(&b, "Not offered, because "+r.Why, r.Operations)
		}
	}
	return b.String()
}

// paragraph lists names in lines that people can read in the file itself.
func paragraph(b *strings.Builder, title string, names []string) {
	const width = 120
	if len(names) == 0 {
		names = []string{"none"}
	}
	line := title + ":"
	b.WriteByte('\n')
	for i, n := range names {
		if i < len(names)-1 {
			n += ","
		}
		if len(line)+1+len(n) > width {
			b.WriteString(line + "\n")
			line = n
			continue
		}
		line += " " + n
	}
	b.WriteString(line + ".\n")
}
