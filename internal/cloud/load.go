package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/disk"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/memkv"
	"github.com/nube-run/nube/internal/kv/pebblekv"
	"github.com/nube-run/nube/internal/snapshot"
	"github.com/nube-run/nube/internal/work"
)

// Load implements [control.Snapshots]. The new state is made ready beside the
// old one while the cloud goes on; then requests are held, what runs is ended,
// the states are exchanged and everything begins anew. Requests under way end
// with an error, as when the power fails.
func (s snapshots) Load(ctx context.Context, r control.SnapshotRequest) (control.Snapshot, error) {
	path, own, err := s.file(r)
	if err != nil {
		return control.Snapshot{}, err
	}
	what, err := s.look(path, own)
	if err != nil {
		return what, err
	}
	c := s.c
	if err := c.deploying.take(ctx); err != nil { // nothing is deployed meanwhile, or loaded
		return what, err
	}
	defer c.deploying.Unlock()
	next, err := c.prepare(ctx, path)
	if err != nil {
		return what, fmt.Errorf("loading %s: %w", path, err)
	}
	// Whoever asked may be gone: half an exchange would be worse.
	if err := c.exchange(context.WithoutCancel(ctx), next); err != nil {
		c.fail()
		return what, fmt.Errorf("loading %s: %w; the cloud stops", path, err)
	}
	return what, nil
}

// next is a state that is ready to be put in place.
type next struct {
	fs disk.FS // of the records
	db *kv.DB  // nil when all of it is on the disk
}

// loadingDir is where a state is made ready, beside the others.
const loadingDir = "loading"

// readyMark is there when a state is complete, until it is in place.
const readyMark = "ready"

// prepare makes the state of a snapshot ready.
func (c *Cloud) prepare(ctx context.Context, path string) (next, error) {
	f, err := os.Open(path)
	if err != nil {
		return next{}, err
	}
	defer f.Close()
	r, err := snapshot.NewReader(f)
	if err != nil {
		return next{}, err
	}
	if h := r.Header; h.Account != c.opts.Account {
		return next{}, &control.ErrSnapshot{Message: fmt.Sprintf("the snapshot is of account %s, and this cloud is account %s", h.Account, c.opts.Account)}
	}
	if c.place.temp {
		n := next{fs: disk.Mem(), db: kv.Open(c.sealing(memkv.NewAt(r.Header.Version)))}
		if err := c.fill(r, n.db, n.fs, c.place.dir); err != nil {
			return next{}, errors.Join(err, n.db.Close())
		}
		if err := c.reseal(ctx, n.db, r.Header.Master); err != nil {
			return next{}, errors.Join(err, n.db.Close())
		}
		return n, nil
	}
	fsys, dir := c.place.fs, c.place.fs.PathJoin(c.place.dir, loadingDir)
	if err := fsys.RemoveAll(dir); err != nil {
		return next{}, err
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return next{}, err
	}
	engine, err := pebblekv.Open(fsys.PathJoin(dir, "kv"), pebblekv.Options{FS: fsys, Log: c.log, After: r.Header.Version})
	if err != nil {
		return next{}, err
	}
	db := kv.Open(engine)
	if err = c.fill(r, db, fsys, dir); err == nil {
		err = c.reseal(ctx, db, r.Header.Master)
	}
	return next{}, errors.Join(err, db.Close())
}

// fillBatch is how many bytes of pairs are written in one transaction.
const fillBatch = 4 << 20

// fill writes the content of a snapshot to a store, to the records below a
// directory, and to the store of code.
func (c *Cloud) fill(r *snapshot.Reader, db *kv.DB, fsys disk.FS, dir string) error {
	var batch []kv.Pair
	size := 0
	flush := func() error {
		_, err := db.Update(context.Background(), func(tx *kv.Tx) error {
			for _, p := range batch {
				tx.Set(p.Key, p.Value)
			}
			return nil
		})
		batch, size = batch[:0], 0
		return err
	}
	code := &codeFiles{c: c}
	defer code.remove()
	err := r.Each(func(k, v []byte) error {
		batch = append(batch, kv.Pair{Key: k, Value: v})
		if size += len(k) + len(v); size >= fillBatch {
			return flush()
		}
		return nil
	}, func(name string, mode, size int64, body io.Reader) error {
		if rest, ok := strings.CutPrefix(name, "records/"); ok {
			return writeRecord(fsys, dir, rest, body)
		}
		return code.take(strings.TrimPrefix(name, "code/"), mode, size, body)
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = code.adopt()
	}
	return err
}

// writeRecord writes a segment of the records, named as logs/0000000001.seg.
func writeRecord(fsys disk.FS, dir, name string, body io.Reader) error {
	of, segment, _ := strings.Cut(name, "/")
	if strings.Contains(segment, "/") {
		return snapshot.ErrDamaged
	}
	to := fsys.PathJoin(dir, "records", of)
	if err := fsys.MkdirAll(to, 0o700); err != nil {
		return err
	}
	f, err := fsys.Create(fsys.PathJoin(to, segment), "telemetry")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Sync(), f.Close())
}

// exchange puts a state in place.
func (c *Cloud) exchange(ctx context.Context, n next) error {
	if !c.turn.TryLock() {
		return errors.New("the cloud is closing")
	}
	defer c.turn.Unlock()
	if c.closed {
		return errors.New("the cloud is closed")
	}
	if n.db == nil {
		if err := mark(c.place.fs, c.place.dir); err != nil {
			return err
		}
	}
	empty := c.gate.hold()
	err := c.stopTo(ctx, c.base)
	if err := errors.Join(err, empty()); err != nil {
		return err
	}
	if n.db != nil {
		c.place.fs, c.db = n.fs, n.db
	} else if err := finishLoading(c.place.fs, c.place.dir); err != nil {
		return err
	}
	c.ledger = work.NewLedger()
	if err := c.openStore(ctx); err != nil {
		return err
	}
	if err := c.openParts(ctx); err != nil {
		return err
	}
	c.gate.open(c.handlers())
	return nil
}

// mark notes that a state is ready: from now on it is put in place, if need be
// at the next start.
func mark(fsys disk.FS, dir string) error {
	dir = fsys.PathJoin(dir, loadingDir)
	f, err := fsys.Create(fsys.PathJoin(dir, readyMark), "snapshot")
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(fsys, dir))
}

// finishLoading puts a state in place that is ready, and removes one that is
// not. It may be interrupted anywhere and begun again.
func finishLoading(fsys disk.FS, dir string) error {
	from := fsys.PathJoin(dir, loadingDir)
	if _, err := fsys.Stat(fsys.PathJoin(from, readyMark)); err == nil {
		for _, part := range []string{"kv", "records"} {
			have, to := fsys.PathJoin(from, part), fsys.PathJoin(dir, part)
			if _, err := fsys.Stat(have); errors.Is(err, fs.ErrNotExist) {
				continue // it is in place
			}
			if err := fsys.RemoveAll(to); err != nil {
				return err
			}
			if err := fsys.Rename(have, to); err != nil {
				return err
			}
		}
		if err := syncDir(fsys, dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.RemoveAll(from)
}

func syncDir(fsys disk.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// codeFiles are the artifacts that a snapshot brings. They are taken over when
// all of it was read.
type codeFiles struct {
	c    *Cloud
	dir  string // where they are meanwhile
	tell [][]byte
}

func (f *codeFiles) take(name string, mode, size int64, body io.Reader) error {
	if f.dir == "" {
		var err error
		if f.dir, err = os.MkdirTemp(f.c.place.work, "code-"); err != nil {
			return err
		}
	}
	if !strings.Contains(name, "/") {
		a, err := described(body, size)
		if err != nil {
			return err
		}
		text, err := a.Describe()
		f.tell = append(f.tell, text)
		return err
	}
	root, err := os.OpenRoot(f.dir) // what a link in it leads to is not written
	if err != nil {
		return err
	}
	defer root.Close()
	to := filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if mode == linkMode {
		target, err := io.ReadAll(io.LimitReader(body, 1<<16))
		if err != nil {
			return err
		}
		return root.Symlink(string(target), to)
	}
	out, err := root.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(mode)&fs.ModePerm)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, body)
	return errors.Join(err, out.Close())
}

// adopt takes over what was brought. A directory with nothing in it was not
// brought.
func (f *codeFiles) adopt() error {
	for _, text := range f.tell {
		a, err := described(strings.NewReader(string(text)), int64(len(text)))
		if err != nil {
			return err
		}
		_, err = f.c.builds.Adopt(a, func(dir string) error {
			if err := os.Remove(dir); err != nil { // it is empty
				return err
			}
			return os.Rename(filepath.Join(f.dir, a.Digest), dir)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *codeFiles) remove() {
	if f.dir != "" {
		_ = os.RemoveAll(f.dir) // the next start removes what is left
	}
}
