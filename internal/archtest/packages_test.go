package archtest

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackageComments: each package says once what it is.
func TestPackageComments(t *testing.T) {
	comments := map[string][]*file{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		if comments[f.dir] == nil {
			comments[f.dir] = []*file{}
		}
		if f.syntax.Doc != nil {
			comments[f.dir] = append(comments[f.dir], f)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(comments)) {
		fs := comments[dir]
		if len(fs) != 1 {
			t.Errorf("%s has %d package comments, not one", dir, len(fs))
			continue
		}
		want := "Package " + fs[0].syntax.Name.Name + " "
		if fs[0].syntax.Name.Name == "main" {
			want = "Command " + filepath.Base(dir) + " "
		}
		if text := strings.Join(strings.Fields(fs[0].syntax.Doc.Text()), " "); !strings.HasPrefix(text, want) {
			t.Errorf("%s: the package comment does not begin with %q", fs[0].path, want)
		}
	}
}

// TestModulesApart: what is outside of the module knows it from outside.
// Programs that functions run as, the conformance suites and the toolkit
// import nothing of the module; the toolkit and the binary not each other.
func TestModulesApart(t *testing.T) {
	for _, dir := range []string{"conformance", "examples", "kit", "bench"} {
		if _, err := os.Stat(filepath.Join(root, dir)); err != nil {
			continue
		}
		var nested []*file
		err := filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && isModule(p) {
				files, err := load(p)
				nested = append(nested, files...)
				return err
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range nested {
			for _, spec := range f.syntax.Imports {
				p := strings.Trim(spec.Path.Value, `"`)
				if strings.HasPrefix(p, module+"/internal") || strings.HasPrefix(p, module+"/cmd") {
					t.Errorf("%s: %s: imports %s", dir, f.at(spec.Pos()), p)
				}
			}
		}
	}
	for _, f := range tree(t) {
		for _, spec := range f.syntax.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); p == module+"/kit" || strings.HasPrefix(p, module+"/kit/") {
				t.Errorf("%s: the binary does not import the toolkit", f.at(spec.Pos()))
			}
		}
	}
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}
