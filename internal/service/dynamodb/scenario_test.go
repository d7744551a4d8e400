package dynamodb

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("update", false, "write the service's answers into the scenarios, and the golden files")

// The files of testdata/scenarios are sequences of requests, each with DynamoDB's answer as its downloadable edition gives
// it; where that edition differs from the documentation or from the service, with the service's. An answer of {} to an
// operation on tables stands for any answer that is not an error.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := newCloud(t)
	var out []string
	for _, step := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		request, want, _ := strings.Cut(step, "\n")
		operation, body, _ := strings.Cut(request, " ")
		got := strings.ReplaceAll(c.try(operation, body), "\n", `\n`)
		if same(t, operation, got, want) {
			out = append(out, step)
			continue
		}
		if *rewrite {
			out = append(out, request+"\n"+got)
			continue
		}
		t.Errorf("%s\n got %s\nwant %s", short(request), short(got), short(want))
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func short(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}

// same compares two answers without regard to the order of names, and of the items where DynamoDB promises none.
func same(t *testing.T, operation, got, want string) bool {
	if got == want {
		return true
	}
	isAnswer := func(s string) bool { return strings.HasPrefix(s, "{") }
	if !isAnswer(got) || !isAnswer(want) {
		return sameError(t, got, want)
	}
	if want == "{}" && strings.HasSuffix(operation, "Table") {
		return true
	}
	return cmp.Equal(ordered(operation, decoded(t, got)), ordered(operation, decoded(t, want)))
}

// sameError compares two errors, one of which may end in an item.
func sameError(t *testing.T, got, want string) bool {
	cut := func(s string) (string, string) {
		if i := strings.Index(s, " {\""); i >= 0 && !strings.Contains(s, `\n`) {
			return s[:i], s[i+1:]
		}
		return s, "null"
	}
	g, gi := cut(got)
	w, wi := cut(want)
	return g == w && json.Valid([]byte(gi)) && json.Valid([]byte(wi)) && cmp.Equal(decoded(t, gi), decoded(t, wi))
}

func ordered(operation string, v any) any {
	m, ok := v.(map[string]any)
	if !ok || operation != "Scan" && operation != "BatchGetItem" {
		return v
	}
	sortItems := func(list any) {
		items, _ := list.([]any)
		slices.SortFunc(items, func(a, b any) int {
			x, _ := json.Marshal(a)
			y, _ := json.Marshal(b)
			return strings.Compare(string(x), string(y))
		})
	}
	sortItems(m["Items"])
	sortItems(m["ConsumedCapacity"])
	if responses, ok := m["Responses"].(map[string]any); ok {
		for _, items := range responses {
			sortItems(items)
		}
	}
	return v
}
