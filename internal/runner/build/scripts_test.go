package build

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMisread(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"good.js": "export const a = 1;\n", "package.json": `{"type":"module"}`,
		"src/bad.js": "export const a = 1;\nexport const b = \"two;\n",
		"good.py":    "a = 1\n", "pkg/bad.py": "a = 1\ndef f(:\n  pass\n",
		"node_modules/x/bad.js": "}",
	})
	b := &builder{t: t, s: open(t), src: Source{Kind: Directory, Path: dir}}
	b.build()
	got := b.s.Misread(t.Context(), b.src)
	want := []Problem{
		{File: filepath.Join(dir, "src/bad.js"), Line: 2, Column: 18, Message: "SyntaxError: Invalid or unexpected token"},
		{File: filepath.Join(dir, "pkg/bad.py"), Line: 2, Column: 7, Message: "SyntaxError: invalid syntax"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
