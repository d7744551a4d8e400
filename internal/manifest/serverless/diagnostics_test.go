package serverless

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares a text with a file, or writes it there.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestDiagnostics holds what is said about broken manifests to the golden texts beside them.
func TestDiagnostics(t *testing.T) {
	manifests, err := filepath.Glob("testdata/diagnostics/*/serverless.*")
	if err != nil || len(manifests) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, name := range manifests {
		dir := filepath.Dir(name)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			_, ds := Load(context.Background(), dir, Options{})
			var b strings.Builder
			if _, err := ds.WriteTo(&b); err != nil {
				t.Fatal(err)
			}
			if b.Len() == 0 {
				t.Fatal("nothing is said")
			}
			golden(t, filepath.Join(dir, "diagnostics.txt"), b.String())
		})
	}
}
