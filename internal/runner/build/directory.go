package build

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// directory makes an artifact of files as they are: a copy, so that an instance
// that starts while somebody edits sees what the others of its version see. What
// has not changed since the last artifact is linked to it.
//
// Directories of dependencies are neither looked into nor copied, because they
// hold tens of thousands of files that only their package manager changes: what
// it notes about them stands for them, and the artifact has links to them.
func (s *Store) directory(src Source, old *index) (Artifact, *index, error) {
	tmp, remove, err := s.temp()
	if err != nil {
		return Artifact{}, nil, err
	}
	defer remove()
	d := &copying{src: src, to: tmp, index: &index{Source: src}}
	if old != nil {
		d.known = map[string]input{}
		for _, f := range old.Files {
			d.known[f.Path] = f
		}
		d.from = filepath.Join(s.dir, "code", old.Artifact)
	}
	if err := filepath.WalkDir(src.Path, d.visit); err != nil {
		return Artifact{}, nil, err
	}
	h := sha256.New()
	var size int64
	for _, f := range d.index.Files {
		rel, err := filepath.Rel(src.Path, f.Path)
		if err != nil {
			return Artifact{}, nil, err
		}
		fmt.Fprintf(h, "%d %s %s\n", len(rel), filepath.ToSlash(rel), f.Hash)
		size += f.Size
	}
	sum := h.Sum(nil)
	// The place belongs to the digest, because the links lead there.
	placed := sha256.Sum256(append(sum, src.Path...))
	if err := os.Chmod(tmp, 0o755); err != nil {
		return Artifact{}, nil, err
	}
	a, err := s.keep(tmp, Artifact{Digest: hex.EncodeToString(placed[:]), SHA256: base64.StdEncoding.EncodeToString(sum), Size: size, Uses: d.uses})
	return a, d.index, err
}

// copying is a directory on its way to an artifact.
type copying struct {
	src   Source
	to    string
	index *index
	uses  []string         // directories elsewhere that links lead to
	known map[string]input // the files of the last artifact
	from  string           // where that is
}

func (d *copying) visit(at string, e fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(d.src.Path, at)
	if err != nil {
		return err
	}
	to, kind := filepath.Join(d.to, rel), e.Type()
	if kind&fs.ModeSymlink != 0 {
		st, err := os.Stat(at)
		if err != nil {
			return nil // it leads nowhere
		}
		kind = st.Mode().Type()
		if kind.IsDir() {
			return d.link(at, to)
		}
	}
	switch {
	case kind.IsDir() && rel != "." && skipped(e.Name()):
		if note := notice(e.Name()); note != "" {
			f, err := file(filepath.Join(at, note))
			if err != nil {
				return err
			}
			d.index.Files = append(d.index.Files, f)
			if err := d.link(at, to); err != nil {
				return err
			}
		}
		return filepath.SkipDir
	case kind.IsDir():
		l, err := list(at, Directory)
		d.index.Dirs = append(d.index.Dirs, l)
		return err
	case !kind.IsRegular() || !included(filepath.ToSlash(rel), d.src.Patterns):
		return nil
	}
	f, err := d.copy(at, rel, to)
	if os.IsNotExist(err) {
		f, err = input{Path: at}, nil // it went away while we looked
	}
	d.index.Files = append(d.index.Files, f)
	return err
}

// link makes a link to a directory that is not copied.
func (d *copying) link(at, to string) error {
	real, err := filepath.EvalSymlinks(at)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	d.uses = append(d.uses, real)
	return os.Symlink(real, to)
}

// copy brings a file into the artifact and notes its content as it is there. A
// file with the size and time of the last artifact's is that file.
func (d *copying) copy(at, rel, to string) (input, error) {
	st, err := os.Stat(at)
	if err != nil {
		return input{}, err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return input{}, err
	}
	if f, ok := d.known[at]; ok && f.Hash != "" && st.Size() == f.Size && st.ModTime().UnixNano() == f.Time {
		if was, err := os.Stat(filepath.Join(d.from, rel)); err == nil && was.Mode() == modeOf(st) && os.Link(filepath.Join(d.from, rel), to) == nil {
			return f, nil
		}
	}
	in, err := os.Open(at)
	if err != nil {
		return input{}, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return input{}, err
	}
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(out, h), in)
	if err == nil {
		err = out.Chmod(modeOf(st))
	}
	return input{Path: at, Size: size, Time: st.ModTime().UnixNano(), Hash: hex.EncodeToString(h.Sum(nil))}, errors.Join(err, out.Close())
}

// modeOf is the mode of a copy: as in a package for Lambda, everybody can read
// it, and run it when its owner can.
func modeOf(st fs.FileInfo) fs.FileMode {
	if st.Mode()&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// skipped are directories that are not looked into.
func skipped(name string) bool {
	switch name {
	case ".git", ".hg", ".svn", ".nube", ".serverless", ".aws-sam", ".idea", ".vscode", "__pycache__", "node_modules", ".venv", "venv":
		return true
	}
	return false
}

// notice is the file in which a package manager notes what it has put into a
// directory of dependencies; empty for other directories.
func notice(name string) string {
	switch name {
	case "node_modules":
		return ".package-lock.json"
	case ".venv", "venv":
		return "pyvenv.cfg"
	}
	return ""
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
