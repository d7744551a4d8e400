package apigateway_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestControlPlane holds the life of an API, as signed requests on the wire, to
// testdata/control.txt: a request a line, with its body after the path, and
// below it what was answered. {name} stands for an id that an answer gave: a
// line "name = METHOD …" keeps its id.
func TestControlPlane(t *testing.T) {
	const file = "testdata/control.txt"
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := open(t)
	ids := map[string]string{}
	var got strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(string(want), "\n"), "\n") {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		got.WriteString(line + "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		name, request, keeps := strings.Cut(line, " = ")
		if !keeps {
			request = line
		}
		for name, id := range ids {
			request = strings.ReplaceAll(request, "{"+name+"}", id)
		}
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		var in any
		if body != "" {
			in = json.RawMessage(body)
		}
		a := b.client.REST("apigateway", method, path, in)
		if keeps {
			m, _ := a.JSON().(map[string]any)
			ids[name], _ = m["id"].(string)
			if root, ok := m["rootResourceId"].(string); ok {
				ids[name+".root"] = root
			}
		}
		answer := a.Error()
		if answer == "" {
			if v := a.JSON(); v != nil {
				text, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				answer = string(text)
			}
		}
		for name, id := range ids {
			if id != "" {
				answer = strings.ReplaceAll(answer, id, "{"+name+"}")
			}
		}
		fmt.Fprintf(&got, "\t%d %s\n", a.Status, answer)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Error(d)
	}
}
