package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Kind says what stands at the path of a [Source].
type Kind uint8

// The kinds of sources.
const (
	GoPackage Kind = iota + 1 // a Go package with a main function, to be built
	Binary                    // an executable that speaks the Lambda Runtime API
	Archive                   // a zip file, to be unpacked
	Directory                 // files to be used where they are
)

// Source is code as it stands in a project.
type Source struct {
	Kind Kind
	Path string // absolute
	// Name is the file under which a Go package's program or a binary is run;
	// "bootstrap" when empty, which is what provided.* runtimes want.
	Name string
	// Patterns say which files of a Directory belong to it, in order; "!"
	// excludes, and the last that matches decides.
	Patterns []string
	// Debug builds a Go package so that it can be stepped through.
	Debug bool `json:",omitempty"`
}

const defaultName = "bootstrap"

// Artifact is code that can be run.
type Artifact struct {
	Digest string `json:"digest"` // names the content
	SHA256 string `json:"sha256"` // base64: Lambda's CodeSha256
	Size   int64  `json:"size"`   // Lambda's CodeSize
	Dir    string `json:"dir"`    // where it can be run from
	// Uses are directories outside of Dir that links in it lead to.
	Uses []string `json:"uses,omitempty"`
}

// Event is a step of a build.
type Event struct {
	Source Source
	Step   Step
}

// Step is what a build begins to do.
type Step string

// The steps.
const (
	Compiling Step = "compiling"
	Unpacking Step = "unpacking"
	Unchanged Step = "unchanged" // the artifact of before is still right
	Done      Step = "done"
)

// Store holds artifacts. Its methods may be called concurrently.
type Store struct {
	dir string

	mu       sync.Mutex
	building map[string]*sync.Mutex // by index file
	unused   map[string]time.Time   // artifacts since when; nil before the first sweep
}

// ErrUnknown is returned for digests without an artifact.
var ErrUnknown = errors.New("build: no such artifact")

// Open returns the store in a directory, which is made when it is missing.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	for _, sub := range []string{"code", "meta", "index"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("build: open: %w", err)
		}
	}
	return &Store{dir: dir, building: map[string]*sync.Mutex{}}, nil
}

// Artifact returns the artifact with a digest.
func (s *Store) Artifact(digest string) (Artifact, error) {
	if !isDigest(digest) {
		return Artifact{}, fmt.Errorf("%w: %q", ErrUnknown, digest)
	}
	b, err := os.ReadFile(s.meta(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return Artifact{}, fmt.Errorf("%w: %s", ErrUnknown, digest)
	}
	if err != nil {
		return Artifact{}, fmt.Errorf("build: artifact %s: %w", digest, err)
	}
	var a Artifact
	if err := json.Unmarshal(b, &a); err != nil {
		return Artifact{}, fmt.Errorf("build: artifact %s: %w", digest, err)
	}
	return a, nil
}

// Build returns the artifact of a source, making it when it is not there or
// not right any more. progress may be nil. A program that does not compile is
// a *[CompileError].
func (s *Store) Build(ctx context.Context, src Source, progress func(Event)) (Artifact, error) {
	tell := func(step Step) {
		if progress != nil {
			progress(Event{src, step})
		}
	}
	if src.Name == "" {
		src.Name = defaultName
	}
	file := s.indexFile(src)
	defer s.lock(file)()
	old := readIndex(file)
	if old != nil && old.current(src) {
		if a, err := s.Artifact(old.Artifact); err == nil && isDir(a.Dir) {
			tell(Unchanged)
			return a, nil
		}
	}
	var a Artifact
	var next *index
	var err error
	switch src.Kind {
	case GoPackage:
		tell(Compiling)
		a, next, err = s.compile(ctx, src)
	case Binary:
		a, next, err = s.binary(src)
	case Archive:
		tell(Unpacking)
		a, next, err = s.archive(src)
	case Directory:
		a, next, err = s.directory(src, old)
	default:
		err = fmt.Errorf("unknown kind of source %d", src.Kind)
	}
	if err != nil {
		return Artifact{}, fmt.Errorf("build %s: %w", src.Path, err)
	}
	next.Artifact = a.Digest
	if err := next.write(file); err != nil {
		return Artifact{}, fmt.Errorf("build %s: %w", src.Path, err)
	}
	tell(Done)
	return a, nil
}

// Inputs returns the files and directories that went into the last artifact of
// a source, those included that were looked for and not there: a change of one
// may change the artifact. Of a source that was never built it is the source.
func (s *Store) Inputs(src Source) []string {
	if src.Name == "" {
		src.Name = defaultName
	}
	x := readIndex(s.indexFile(src))
	if x == nil {
		return []string{src.Path}
	}
	out := make([]string, 0, len(x.Files)+len(x.Dirs))
	for _, f := range x.Files {
		out = append(out, f.Path)
	}
	for _, d := range x.Dirs {
		out = append(out, d.Path)
	}
	return out
}

// lock makes two builds of one source one after the other; the second then
// finds the first's result.
func (s *Store) lock(file string) (unlock func()) {
	s.mu.Lock()
	m := s.building[file]
	if m == nil {
		m = new(sync.Mutex)
		s.building[file] = m
	}
	s.mu.Unlock()
	m.Lock()
	return m.Unlock
}

func (s *Store) meta(digest string) string { return filepath.Join(s.dir, "meta", digest+".json") }

// keep gives a finished directory its place under its digest, and notes what
// it is. A directory that is there already has the same content.
func (s *Store) keep(from string, a Artifact) (Artifact, error) {
	a.Dir = filepath.Join(s.dir, "code", a.Digest)
	if _, err := os.Stat(a.Dir); err != nil {
		if err := os.Rename(from, a.Dir); err != nil && !isDir(a.Dir) {
			return Artifact{}, err
		}
	}
	return a, s.note(a)
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func (s *Store) note(a Artifact) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return replace(s.meta(a.Digest), b)
}

// temp returns a new directory in which an artifact is made.
func (s *Store) temp() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp(filepath.Join(s.dir, "code"), "tmp-")
	return dir, func() { _ = os.RemoveAll(dir) }, err // what was kept is not there any more
}

// replace writes a file so that it is there whole or as it was.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

func isDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
