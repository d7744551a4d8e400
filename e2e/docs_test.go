package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTestingPage: the page shows the examples as they are.
func TestTestingPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "testing.md"))
	if err != nil {
		t.Fatal(err)
	}
	for language, file := range map[string]string{"go": "go/users_test.go", "python": "python/test_users.py", "js": "node/users.test.js"} {
		code, err := os.ReadFile(filepath.Join("..", "examples", "testing", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(page), "```"+language+"\n"+string(code)+"```\n") {
			t.Errorf("docs/testing.md does not show examples/testing/%s as it is", file)
		}
	}
}
