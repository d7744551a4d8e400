package archtest

import (
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNeighbours holds docs/neighbours.md to the tests: each test of a row exists
// and names every fault of the row, and each fault that any test names has a row.
func TestNeighbours(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "neighbours.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string][]string{} // what the page says that a test names
	link := regexp.MustCompile(`\[(Test\w+)\]\(\.\./([^)]+)\)`)
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "#") {
			continue
		}
		links := link.FindAllStringSubmatch(cells[3], -1)
		if links == nil {
			t.Errorf("no test in the row %s", line)
		}
		for _, l := range links {
			test := path.Dir(l[2]) + " " + l[1]
			told[test] = append(told[test], faultsIn(cells[1], cells[1])...)
		}
	}
	if len(told) == 0 {
		t.Fatal("the page has no rows")
	}
	names := naming(t, faultsIn(string(page), string(page)))
	for test, faults := range told {
		for _, f := range faults {
			if !slices.Contains(names[test], f) {
				t.Errorf("docs/neighbours.md says that %s names %s", test, f)
			}
		}
	}
	rows := slices.Concat(slices.Collect(maps.Values(told))...)
	for test, faults := range names {
		for _, f := range faults {
			if !slices.Contains(rows, f) {
				t.Errorf("%s names %s: docs/neighbours.md needs a row for it", test, f)
			}
		}
	}
}

// faultsIn finds the faults that a text names: "localstack#7217, #11262" are two.
// Of owners only those count that the page has.
func faultsIn(text, page string) (out []string) {
	owner := ""
	for _, m := range regexp.MustCompile(`(?:([a-z][a-z-]+)( PR)?|[,;] )#(\d+)`).FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			owner = m[1] + m[2]
		}
		if owner != "" && strings.Contains(page, owner+"#") {
			out = append(out, owner+"#"+m[3])
		}
	}
	return out
}

// naming is which tests of the whole tree, its nested modules too, name which
// faults. Tests are "folder TestName".
func naming(t *testing.T, known []string) map[string][]string {
	t.Helper()
	page := strings.Join(known, " ")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && p != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules"):
			return filepath.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parse(token.NewFileSet(), p, src)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		for _, decl := range f.syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			from := fn.Pos()
			if fn.Doc != nil {
				from = fn.Doc.Pos()
			}
			// Comments go on in the next line.
			text := regexp.MustCompile(`\n\s*//\s*`).ReplaceAllString(string(src[f.fset.Position(from).Offset:f.fset.Position(fn.End()).Offset]), " ")
			if faults := faultsIn(text, page); faults != nil {
				out[filepath.ToSlash(rel)+" "+fn.Name.Name] = faults
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
