package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// module is the module's path, and root where it lies.
const (
	module = "github.com/nube-run/nube"
	root   = "../.."
)

// file is one source file of the module.
type file struct {
	path, dir string // relative to the module, with slashes
	test      bool
	generated bool // carries the standard header
	lines     int
	fset      *token.FileSet
	syntax    *ast.File
}

func (f *file) at(p token.Pos) string {
	return fmt.Sprintf("%s:%d", f.path, f.fset.Position(p).Line)
}

// header is how generated files begin.
// https://pkg.go.dev/cmd/go#hdr-Generate_Go_files_by_processing_source
func header() *regexp.Regexp { return regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`) }

func parse(fset *token.FileSet, path string, src []byte) (*file, error) {
	syntax, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		path: path, dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
		generated: header().Match(src[:fset.Position(syntax.Package).Offset]),
		lines:     strings.Count(string(src), "\n"), fset: fset, syntax: syntax,
	}, nil
}

// load reads all Go files of the module, for whatever system they are, but
// those of modules nested in it and of testdata.
func load(dir string) ([]*file, error) {
	var files []*file
	fset := token.NewFileSet()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			if p != dir && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != dir {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		f, err := parse(fset, filepath.ToSlash(rel), src)
		if err != nil {
			return err
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// loaded reads the module once for all tests.
var loaded = sync.OnceValues(func() ([]*file, error) { return load(root) })

func tree(t *testing.T) []*file {
	t.Helper()
	files, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d files found below %s", len(files), root)
	}
	return files
}

// source makes a file of the module out of a string, for tests of the rules.
func source(t *testing.T, path, text string) *file {
	t.Helper()
	f, err := parse(token.NewFileSet(), path, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
