package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// index is what went into an artifact.
type index struct {
	Source   Source
	Artifact string
	Tool     []string // the go command and what else it looks at
	Files    []input
	Dirs     []listing
}

// input is a file as it was.
type input struct {
	Path string
	Size int64
	Time int64 // of modification, in nanoseconds
	Hash string
}

// listing is what a directory held of the files that matter.
type listing struct {
	Path  string
	Time  int64
	Names []string
}

// indexFile is where the index of a source is kept.
func (s *Store) indexFile(src Source) string {
	b, err := json.Marshal(src)
	if err != nil {
		panic(err) // strings and a number
	}
	sum := sha256.Sum256(b)
	return filepath.Join(s.dir, "index", hex.EncodeToString(sum[:16])+".json")
}

// readIndex returns the index in a file, or nil when there is none that can be
// read: everything is then made anew.
func readIndex(file string) *index {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var x index
	if json.Unmarshal(b, &x) != nil {
		return nil
	}
	return &x
}

func (x *index) write(file string) error {
	b, err := json.Marshal(x)
	if err != nil {
		return err
	}
	return replace(file, b)
}

// current reports whether nothing that went into the artifact differs.
func (x *index) current(src Source) bool {
	if src.Kind == GoPackage && !slices.Equal(x.Tool, tool(src)) {
		return false
	}
	for _, f := range x.Files {
		if !f.current() {
			return false
		}
	}
	for _, d := range x.Dirs {
		if !d.current(src) {
			return false
		}
	}
	return true
}

// current reports whether the file has the content that it had.
func (f *input) current() bool {
	st, err := os.Stat(f.Path)
	if err != nil {
		return f.Hash == "" // it was not there before either
	}
	if f.Hash == "" || st.Size() != f.Size {
		return false
	}
	if st.ModTime().UnixNano() == f.Time {
		return true
	}
	sum, err := hashFile(f.Path)
	return err == nil && sum == f.Hash
}

// current reports whether the directory lists the files that it listed.
func (d *listing) current(src Source) bool {
	st, err := os.Stat(d.Path)
	if err != nil {
		return d.Time == 0
	}
	if st.ModTime().UnixNano() == d.Time {
		return true
	}
	now, err := list(d.Path, src.Kind)
	return err == nil && slices.Equal(now.Names, d.Names)
}

// list lists the files of a directory that matter to a kind of source.
func list(dir string, k Kind) (listing, error) {
	st, err := os.Stat(dir)
	if err != nil {
		return listing{}, err
	}
	es, err := os.ReadDir(dir)
	if err != nil {
		return listing{}, err
	}
	d := listing{Path: dir, Time: st.ModTime().UnixNano()}
	for _, e := range es {
		if k == GoPackage && (strings.HasSuffix(e.Name(), "_test.go") || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), "~")) {
			continue // of editors and tests
		}
		d.Names = append(d.Names, e.Name())
	}
	return d, nil
}

// file notes a file as it is now; one that is not there too.
func file(path string) (input, error) {
	st, err := os.Stat(path)
	if os.IsNotExist(err) {
		return input{Path: path}, nil
	}
	if err != nil {
		return input{}, err
	}
	sum, err := hashFile(path)
	return input{Path: path, Size: st.Size(), Time: st.ModTime().UnixNano(), Hash: sum}, err
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
