package cloud

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/sealkv"
	"github.com/nube-run/nube/internal/runner/build"
	"github.com/nube-run/nube/internal/snapshot"
)

// snapshots takes and puts back states of the cloud. It implements
// [control.Snapshots].
//
// A snapshot is taken while everything goes on: it is what a power loss at that
// instant would leave, so that what was under way is taken up when it is put
// back. Code is in it where it is a file of its own; for those of the cloud the
// store of code keeps what they use.
type snapshots struct{ c *Cloud }

const snapshotSuffix = ".snapshot"

// file is where a snapshot is, and whether it is one of the cloud's own.
func (s snapshots) file(r control.SnapshotRequest) (path string, own bool, err error) {
	switch {
	case r.File != "" && !filepath.IsAbs(r.File):
		return "", false, &control.ErrSnapshot{Message: "file is not an absolute path: " + r.File}
	case r.File != "":
		return r.File, false, nil
	case !snapshotName(r.Name):
		return "", false, &control.ErrSnapshot{Message: fmt.Sprintf("%q is not a name of a snapshot: letters, digits, dots, hyphens and underscores, 64 at most", r.Name)}
	}
	return filepath.Join(s.c.workDir("snapshots"), r.Name+snapshotSuffix), true, nil
}

func snapshotName(name string) bool {
	ok := name != "" && len(name) <= 64 && name[0] != '.' && name[0] != '-'
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
	}
	return ok
}

// Save implements [control.Snapshots].
func (s snapshots) Save(ctx context.Context, r control.SnapshotRequest) (control.Snapshot, error) {
	path, own, err := s.file(r)
	if err != nil {
		return control.Snapshot{}, err
	}
	if _, err := os.Stat(path); err == nil && !r.Replace {
		return control.Snapshot{}, &control.ErrSnapshot{Message: "there is a snapshot " + filepath.Base(path) + " already; --replace replaces it"}
	}
	if own {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return control.Snapshot{}, fmt.Errorf("snapshot: %w", err)
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".snapshot-")
	if err != nil {
		return control.Snapshot{}, &control.ErrSnapshot{Message: "the snapshot cannot be written: " + err.Error()}
	}
	err = s.c.save(ctx, f, r.Name, !own)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return control.Snapshot{}, errors.Join(fmt.Errorf("snapshot: %w", err), os.Remove(f.Name()))
	}
	return s.look(path, own)
}

// look reads what a snapshot is of.
func (s snapshots) look(path string, own bool) (control.Snapshot, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return control.Snapshot{}, &control.ErrSnapshot{Message: "there is no snapshot " + strings.TrimSuffix(filepath.Base(path), snapshotSuffix)}
	}
	if err != nil {
		return control.Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	h, err := header(path)
	if err != nil {
		return control.Snapshot{}, err
	}
	out := control.Snapshot{Name: h.Name, Created: h.Created, Clock: h.Clock, Stopped: h.Stopped, Bytes: st.Size()}
	if own {
		out.Name = strings.TrimSuffix(filepath.Base(path), snapshotSuffix)
	} else {
		out.File = path
	}
	return out, nil
}

// List implements [control.Snapshots].
func (s snapshots) List(context.Context) ([]control.Snapshot, error) {
	paths, err := filepath.Glob(filepath.Join(s.c.workDir("snapshots"), "*"+snapshotSuffix))
	if err != nil {
		return nil, fmt.Errorf("snapshots: %w", err)
	}
	out := []control.Snapshot{}
	for _, p := range paths {
		one, err := s.look(p, true)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Created.Before(out[j].Created) })
	return out, nil
}

// keep adds the code that the cloud's own snapshots use to what is in use.
func (s snapshots) keep(used map[string]bool) error {
	paths, err := filepath.Glob(filepath.Join(s.c.workDir("snapshots"), "*"+snapshotSuffix))
	if err != nil {
		return fmt.Errorf("snapshots: %w", err)
	}
	for _, p := range paths {
		h, err := header(p)
		if err != nil {
			return err
		}
		for _, d := range h.Uses {
			used[d] = true
		}
	}
	return nil
}

// header reads what a snapshot says of itself.
func header(path string) (snapshot.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return snapshot.Header{}, fmt.Errorf("snapshot: %w", err)
	}
	defer f.Close()
	r, err := snapshot.NewReader(f)
	if err != nil {
		return snapshot.Header{}, fmt.Errorf("%s: %w", path, err)
	}
	return r.Header, nil
}

// Remove implements [control.Snapshots].
func (s snapshots) Remove(_ context.Context, name string) error {
	path, _, err := s.file(control.SnapshotRequest{Name: name})
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &control.ErrSnapshot{Message: "there is no snapshot " + name}
	}
	return err
}

// save writes a snapshot.
func (c *Cloud) save(ctx context.Context, to io.Writer, name string, code bool) error {
	uses, err := c.parts.lambda.InUse(ctx)
	if err != nil {
		return err
	}
	digests := slices.Sorted(maps.Keys(uses))
	master, err := c.travelKey(ctx)
	if err != nil {
		return err
	}
	var w *snapshot.Writer
	err = c.db.View(sealkv.Raw(ctx), func(s *kv.Snap) (err error) {
		w, err = snapshot.NewWriter(to, snapshot.Header{
			Name: name, Created: clock.Machine{}.Now().UTC(), Clock: c.model.Now().Time(), Stopped: c.model.Stopped(),
			Version: s.Stamp().Version(), Account: c.opts.Account, Code: code, Uses: digests, Program: c.opts.Version, Master: master,
		})
		if err != nil {
			return err
		}
		for p, err := range s.Scan(kv.Range{Start: kv.Key{0}, End: kv.Key{0xff}}, kv.ScanOptions{}) {
			if err == nil {
				err = w.Pair(p.Key, p.Value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.saveRecords(w); err != nil {
		return err
	}
	if code {
		if err := c.saveCode(w, digests); err != nil {
			return err
		}
	}
	return w.Close()
}

// recordDirs are the directories of records.
func recordDirs() []string { return []string{"logs", "traces", "metrics"} }

// saveRecords writes the segments of the records. The last of each is cut off
// where it is; journals read up to there.
func (c *Cloud) saveRecords(w *snapshot.Writer) error {
	if err := c.recorder.Flush(); err != nil {
		return err
	}
	fsys := c.place.fs
	for _, d := range recordDirs() {
		dir := fsys.PathJoin(c.place.dir, "records", d)
		names, err := fsys.List(dir)
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, n := range names {
			if !strings.HasSuffix(n, ".seg") {
				continue
			}
			if err := c.saveSegment(w, fsys.PathJoin(dir, n), "records/"+d+"/"+n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cloud) saveSegment(w *snapshot.Writer, path, name string) error {
	f, err := c.place.fs.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its time has come meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	return w.File(name, 0o600, st.Size(), f)
}

// linkMode marks the file that stands for a link: its content is where it leads.
const linkMode = 0o120000

// saveCode writes what functions run from. Directories of dependencies stay where
// they are.
func (c *Cloud) saveCode(w *snapshot.Writer, digests []string) error {
	for _, d := range digests {
		a, err := c.builds.Artifact(d)
		if errors.Is(err, build.ErrUnknown) {
			continue // its function cannot be run here either
		}
		if err != nil {
			return err
		}
		text, err := a.Describe()
		if err == nil {
			err = w.File("code/"+a.Digest+".json", 0o600, int64(len(text)), bytes.NewReader(text))
		}
		if err == nil {
			err = a.Files(func(name string, info fs.FileInfo, path string) error {
				return saveFile(w, "code/"+a.Digest+"/"+name, info, path)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func saveFile(w *snapshot.Writer, name string, info fs.FileInfo, path string) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return w.File(name, linkMode, int64(len(to)), strings.NewReader(to))
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return w.File(name, int64(info.Mode().Perm()), info.Size(), f)
}

// described reads an artifact that a snapshot brings.
func described(r io.Reader, size int64) (build.Artifact, error) {
	text, err := io.ReadAll(io.LimitReader(r, min(size, 1<<20)))
	if err != nil {
		return build.Artifact{}, err
	}
	return build.Described(text)
}
