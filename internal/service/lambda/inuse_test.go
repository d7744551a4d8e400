package lambda

import (
	"fmt"
	"testing"
)

// What a function, an older version of it and a layer have is in use, and what
// they had is not.
func TestInUse(t *testing.T) {
	c := newCloud(t, nil)
	used := func(when string, want int) {
		t.Helper()
		got, err := c.s.InUse(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != want {
			t.Errorf("%s: %d artifacts are in use, want %d", when, len(got), want)
		}
	}
	code := func(text string) {
		t.Helper()
		c.do("UpdateFunctionCode", fmt.Sprintf(`{"FunctionName":"f","ZipFile":%q}`, archived(t, "index.js", text)))
	}
	used("nothing", 0)
	c.create("f", "")
	used("a function", 1)
	c.do("PublishVersion", `{"FunctionName":"f"}`)
	used("a version of the same code", 1)
	code("two")
	used("other code", 2)
	code("three")
	used("code that was never published has gone", 2)
	c.do("PublishLayerVersion", fmt.Sprintf(`{"LayerName":"l","Content":{"ZipFile":%q}}`, archived(t, "lib.js", "lib")))
	used("a layer", 3)
	c.do("DeleteFunction", `{"FunctionName":"f"}`)
	used("only the layer", 1)
}
