package nubetest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// What was recorded once is a test from then on.
func TestFixture(t *testing.T) {
	t.Parallel()
	c := Start(t, application())
	f := ReadFixture(t, "testdata/fixture.json")
	answer, err := c.Invoke(t.Context(), f.Function, f.Event)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, f.Answer); err != nil || f.Failed || string(answer) != want.String() {
		t.Errorf("it answers %s, and answered %s", answer, f.Answer)
	}
}

func TestNoFixture(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"event.json": `{"n":1}`, "broken.json": `{`, "missing.json": ""} {
		file := filepath.Join(dir, name)
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if !fails(&owner{TB: t}, func(t testing.TB) { ReadFixture(t, file) }) {
			t.Errorf("%s was taken", name)
		}
	}
}
