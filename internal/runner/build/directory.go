package build

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// directory makes an artifact of files that are used where they are. It is
// known by what it holds: names, modes and content.
//
// Directories of dependencies are not looked into, because they hold tens of
// thousands of files that only their package manager changes: what it notes
// about them stands for them.
func (s *Store) directory(src Source, old *index) (Artifact, *index, error) {
	known := map[string]input{}
	if old != nil {
		for _, f := range old.Files {
			known[f.Path] = f
		}
	}
	x := &index{Source: src}
	h := sha256.New()
	var size int64
	err := filepath.WalkDir(src.Path, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src.Path, at)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if e.IsDir() {
			if rel != "." && skipped(e.Name()) {
				return s.dependencies(x, at, e.Name())
			}
			d, err := list(at, Directory)
			x.Dirs = append(x.Dirs, d)
			return err
		}
		if !e.Type().IsRegular() || !included(rel, src.Patterns) {
			return nil
		}
		f, err := noted(at, e, known)
		if err != nil {
			return err
		}
		x.Files = append(x.Files, f)
		return nil
	})
	if err != nil {
		return Artifact{}, nil, err
	}
	for _, f := range x.Files {
		rel, err := filepath.Rel(src.Path, f.Path)
		if err != nil {
			return Artifact{}, nil, err
		}
		fmt.Fprintf(h, "%d %s %s\n", len(rel), filepath.ToSlash(rel), f.Hash)
		size += f.Size
	}
	sum := h.Sum(nil)
	// The place belongs to the digest: the same files elsewhere are other files
	// as soon as they are edited.
	placed := sha256.Sum256(append(sum, src.Path...))
	a := Artifact{
		Digest: hex.EncodeToString(placed[:]), SHA256: base64.StdEncoding.EncodeToString(sum), Size: size, Dir: src.Path,
	}
	return a, x, s.note(a)
}

// skipped are directories that are not looked into.
func skipped(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", ".nube", ".serverless", ".aws-sam", ".idea", ".vscode", "__pycache__", "node_modules", ".venv", "venv":
		return true
	}
	return false
}

// dependencies notes what stands for a directory that is not looked into.
func (s *Store) dependencies(x *index, dir, name string) error {
	var note string
	switch name {
	case "node_modules":
		note = filepath.Join(dir, ".package-lock.json")
	case ".venv", "venv":
		note = filepath.Join(dir, "pyvenv.cfg")
	default:
		return filepath.SkipDir
	}
	f, err := file(note)
	if err != nil {
		return err
	}
	x.Files = append(x.Files, f)
	return filepath.SkipDir
}

// noted returns a file's entry, taking its hash from the last time when size
// and time are the same.
func noted(at string, e fs.DirEntry, known map[string]input) (input, error) {
	if f, ok := known[at]; ok {
		st, err := e.Info()
		if err != nil {
			return input{}, err
		}
		if st.Size() == f.Size && st.ModTime().UnixNano() == f.Time && f.Hash != "" {
			return f, nil
		}
	}
	f, err := file(at)
	if os.IsNotExist(err) { // it went away while we looked
		return input{Path: at}, nil
	}
	return f, err
}

// included applies a manifest's package patterns: the last that matches
// decides, and what none matches belongs to the code.
//
// https://www.serverless.com/framework/docs/providers/aws/guide/packaging
func included(rel string, patterns []string) bool {
	in := true
	for _, p := range patterns {
		glob, exclude := strings.CutPrefix(p, "!")
		if match(strings.TrimPrefix(glob, "./"), rel) {
			in = !exclude
		}
	}
	return in
}

// match reports whether a path matches a glob, in which ** stands for any
// number of directories.
func match(glob, rel string) bool {
	return matchParts(strings.Split(glob, "/"), strings.Split(rel, "/"))
}

func matchParts(globs, parts []string) bool {
	for len(globs) > 0 {
		if globs[0] == "**" {
			if len(globs) == 1 {
				return len(parts) > 0
			}
			for n := range len(parts) + 1 {
				if matchParts(globs[1:], parts[n:]) {
					return true
				}
			}
			return false
		}
		if len(parts) == 0 {
			return false
		}
		if ok, err := path.Match(globs[0], parts[0]); err != nil || !ok {
			return false
		}
		globs, parts = globs[1:], parts[1:]
	}
	return len(parts) == 0
}
