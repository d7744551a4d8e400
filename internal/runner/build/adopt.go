package build

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Adopt takes over an artifact of another store, whose files fill writes into a
// directory. One that is there already is left as it is.
func (s *Store) Adopt(a Artifact, fill func(dir string) error) (Artifact, error) {
	if !isDigest(a.Digest) {
		return Artifact{}, fmt.Errorf("build: adopt: %q is not a digest", a.Digest)
	}
	if have, err := s.Artifact(a.Digest); err == nil && isDir(have.Dir) {
		return have, nil
	}
	dir, remove, err := s.temp()
	if err != nil {
		return Artifact{}, fmt.Errorf("build: adopt: %w", err)
	}
	defer remove()
	if err := fill(dir); err != nil {
		return Artifact{}, fmt.Errorf("build: adopt %s: %w", a.Digest, err)
	}
	if a, err = s.keep(dir, a); err != nil {
		return Artifact{}, fmt.Errorf("build: adopt %s: %w", a.Digest, err)
	}
	return a, nil
}

// Files calls each for the files of an artifact, by their paths in it. A link to
// a directory ([Artifact.Uses]) is one of them, as itself.
func (a Artifact) Files(each func(name string, info fs.FileInfo, path string) error) error {
	return filepath.WalkDir(a.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := os.Stat(path) // of a link, what it leads to
		if err == nil && info.IsDir() {
			info, err = os.Lstat(path)
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(a.Dir, path)
		if err != nil {
			return err
		}
		return each(filepath.ToSlash(name), info, path)
	})
}

// Describe is an artifact as text that [Described] reads.
func (a Artifact) Describe() ([]byte, error) { return json.Marshal(a) }

// Described reads an artifact's description.
func Described(text []byte) (a Artifact, err error) {
	if err = json.Unmarshal(text, &a); err != nil {
		err = fmt.Errorf("build: an artifact's description: %w", err)
	}
	return a, err
}
