package serverless

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// files reads the files of a project and remembers which, the missing ones included.
type files struct {
	dir  string
	seen map[string]bool
}

func newFiles(dir string) *files { return &files{dir: dir, seen: map[string]bool{}} }

// read returns the content of a file.
func (f *files) read(path string) ([]byte, error) {
	f.seen[filepath.Clean(path)] = true
	return os.ReadFile(path)
}

// exists reports whether there is a file.
func (f *files) exists(path string) bool {
	f.seen[filepath.Clean(path)] = true
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeDir == 0
}

// names returns what was read or looked for, sorted.
func (f *files) names() []string { return slices.Sorted(maps.Keys(f.seen)) }

// display names a file for diagnostics: relative to the project when it is inside.
func (f *files) display(path string) string {
	rel, err := filepath.Rel(f.dir, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return path
	}
	return filepath.ToSlash(rel)
}
