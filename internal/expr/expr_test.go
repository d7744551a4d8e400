package expr

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/expr/attr"
)

// params are the item that the files of testdata were recorded with, and the names and values that their expressions use.
type params struct {
	Item   json.RawMessage            `json:"item"`
	Values map[string]json.RawMessage `json:"values"`
	Names  map[string]string          `json:"names"`

	item attr.Item
}

func loadParams(t testing.TB) *params {
	t.Helper()
	data, err := os.ReadFile("testdata/params.json")
	if err != nil {
		t.Fatal(err)
	}
	var p params
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	p.item = item(t, string(p.Item))
	return &p
}

func item(t testing.TB, js string) attr.Item {
	t.Helper()
	var it attr.Item
	if _, err := it.ScanJSON([]byte(js)); err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	if name, err := it.Err(); err != nil {
		t.Fatalf("%s: %s: %v", js, name, err)
	}
	return it
}

// bindings are those of the recorded names and values that the expression mentions.
func (p *params) bindings(t testing.TB, text string) *Bindings {
	t.Helper()
	var (
		names  map[string]string
		values attr.Item
	)
	for l := newLexer(text); l.token.kind != tokenEOF; l.next() {
		key := l.current()
		if name, ok := p.Names[key]; ok {
			if names == nil {
				names = map[string]string{}
			}
			names[key] = name
		}
		if v, ok := p.Values[key]; ok {
			var val attr.Value
			if _, err := val.ScanJSON(v); err != nil {
				t.Fatal(err)
			}
			if values.IsZero() {
				values = attr.NewItem()
			}
			values = values.With(key, val)
		}
	}
	b, err := NewBindings(names, values)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

// recorded yields the pairs of a file of testdata.
func recorded(t testing.TB, file string) (pairs [][2]string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:]
	for i := 0; i+1 < len(lines); i += 2 {
		pairs = append(pairs, [2]string{lines[i], strings.TrimPrefix(lines[i+1], "\t")})
	}
	return pairs
}

func condition(t testing.TB, text string, b *Bindings) (*Condition, error) {
	p, err := ParseCondition("ConditionExpression", text)
	if err != nil {
		return nil, err
	}
	return p.Bind(b)
}

func TestConditionsRecorded(t *testing.T) {
	p := loadParams(t)
	for _, pair := range recorded(t, "conditions.txt") {
		got := ""
		c, err := condition(t, pair[0], p.bindings(t, pair[0]))
		switch {
		case err != nil:
			got = err.Error()
		case c.Match(p.item):
			got = "true"
		default:
			got = "false"
		}
		if got != pair[1] {
			t.Errorf("%s\n got %s\nwant %s", pair[0], got, pair[1])
		}
	}
}

func update(t testing.TB, text string, b *Bindings) (*Update, error) {
	p, err := ParseUpdate(text)
	if err != nil {
		return nil, err
	}
	return p.Bind(b)
}

func TestUpdatesRecorded(t *testing.T) {
	p := loadParams(t)
	for _, pair := range recorded(t, "updates.txt") {
		var after attr.Item
		u, err := update(t, pair[0], p.bindings(t, pair[0]))
		if err == nil {
			after, err = u.Apply(p.item)
		}
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = changes(t, p.item, after)
		}
		if want := pair[1]; got != want && (err != nil || !sameJSON(t, got, want)) {
			t.Errorf("%s\n got %s\nwant %s", pair[0], got, pair[1])
		}
	}
}

// changes is what differs between two items, as JSON.
func changes(t testing.TB, before, after attr.Item) string {
	t.Helper()
	diff := map[string]json.RawMessage{}
	for name, v := range after.All() {
		if v != before.Get(name) {
			diff[name] = v.AppendJSON(nil)
		}
	}
	for name := range before.All() {
		if after.Get(name).IsZero() {
			diff[name] = json.RawMessage("null")
		}
	}
	out, err := json.Marshal(diff)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// sameJSON compares two maps of attribute values as values.
func sameJSON(t testing.TB, a, b string) bool {
	t.Helper()
	var x, y map[string]json.RawMessage
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil || len(x) != len(y) {
		return false
	}
	for name, raw := range x {
		var v, w attr.Value
		other, ok := y[name]
		if !ok {
			return false
		}
		if _, err := v.ScanJSON(raw); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ScanJSON(other); err != nil {
			t.Fatal(err)
		}
		if v != w {
			return false
		}
	}
	return true
}

func projection(t testing.TB, text string, b *Bindings) (*Projection, error) {
	p, err := ParseProjection(text)
	if err != nil {
		return nil, err
	}
	return p.Bind(b)
}

func TestProjectionsRecorded(t *testing.T) {
	p := loadParams(t)
	for _, pair := range recorded(t, "projections.txt") {
		got := ""
		pr, err := projection(t, pair[0], p.bindings(t, pair[0]))
		if err != nil {
			got = err.Error()
		} else {
			got = string(pr.Apply(p.item).AppendJSON(nil))
		}
		if want := pair[1]; got != want && (err != nil || !sameJSON(t, got, want)) {
			t.Errorf("%s\n got %s\nwant %s", pair[0], got, pair[1])
		}
	}
}
