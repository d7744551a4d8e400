package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FailStop returns fs with the rule that the first change that fails is the
// last. It reports that failure to failed, once, and from then on pretends that
// changes succeed, while none reaches the disk any more: what is there is what
// a power loss at that instant would have left. Files made later are in memory.
//
// A write or a sync that failed leaves a file in a state that nobody knows, and
// code above that carries on, or tidies up, makes it worse: it may delete the
// log whose contents it believes to have flushed. Pebble, in particular, panics
// under its locks or tries for ever. Over a FailStop it finds no error to trip
// over, and nothing that it says after the failure is to be believed.
//
// That something is not there, or is there already, is an answer and not a
// failure, and so are the errors of reads, of directories made and of locks.
func FailStop(fs FS, failed func(error)) FS {
	return &failStop{FS: fs, stop: &stop{failed: failed}, later: vfs.NewMem()}
}

// stop is the state of a fail-stop file system.
type stop struct {
	stopped atomic.Bool // set when failed has returned, so that nobody sees a success before
	once    sync.Once
	failed  func(error)
}

// change makes a change, unless one has failed before. It reports whether the
// change was made.
func (s *stop) change(op, name string, do func() error) (made bool, err error) {
	if s.stopped.Load() {
		return false, nil
	}
	err = do()
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err == nil, err
	}
	s.once.Do(func() { // and a second failure waits for the first
		s.failed(fmt.Errorf("%s %s: %w", op, name, err))
		s.stopped.Store(true)
	})
	return false, nil
}

type failStop struct {
	FS
	stop  *stop
	later *vfs.MemFS // files made after the failure
}

func (f *failStop) Unwrap() FS { return f.FS }

// file makes a change that returns a file.
func (f *failStop) file(op, name string, do func() (File, error)) (File, error) {
	var file File
	made, err := f.stop.change(op, name, func() (err error) {
		file, err = do()
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !made:
		if err := f.later.MkdirAll(f.PathDir(name), 0o755); err != nil {
			return nil, err
		}
		return f.later.Create(name, vfs.WriteCategoryUnspecified)
	}
	return &failStopFile{File: file, stop: f.stop, name: name}, nil
}

func (f *failStop) Create(name string, c vfs.DiskWriteCategory) (File, error) {
	return f.file("create", name, func() (File, error) { return f.FS.Create(name, c) })
}

func (f *failStop) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (File, error) {
	return f.file("open", name, func() (File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

func (f *failStop) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (File, error) {
	return f.file("reuse", name, func() (File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

func (f *failStop) Open(name string, o ...vfs.OpenOption) (File, error) {
	if f.stop.stopped.Load() {
		if file, err := f.later.Open(name); err == nil {
			return file, nil
		}
	}
	return f.FS.Open(name, o...)
}

func (f *failStop) OpenDir(name string) (File, error) {
	d, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &failStopFile{File: d, stop: f.stop, name: name}, nil
}

func (f *failStop) Link(old, name string) error {
	_, err := f.stop.change("link", name, func() error { return f.FS.Link(old, name) })
	return err
}

func (f *failStop) Remove(name string) error {
	_, err := f.stop.change("remove", name, func() error { return f.FS.Remove(name) })
	return err
}

func (f *failStop) RemoveAll(name string) error {
	_, err := f.stop.change("remove", name, func() error { return f.FS.RemoveAll(name) })
	return err
}

func (f *failStop) Rename(old, name string) error {
	_, err := f.stop.change("rename", name, func() error { return f.FS.Rename(old, name) })
	return err
}

// failStopFile is a file or directory that may be changed.
type failStopFile struct {
	File
	stop *stop
	name string
}

func (f *failStopFile) Write(p []byte) (n int, err error) {
	made, err := f.stop.change("write", f.name, func() (err error) {
		n, err = f.File.Write(p)
		return err
	})
	if !made && err == nil {
		n = len(p)
	}
	return n, err
}

func (f *failStopFile) WriteAt(p []byte, at int64) (n int, err error) {
	made, err := f.stop.change("write", f.name, func() (err error) {
		n, err = f.File.WriteAt(p, at)
		return err
	})
	if !made && err == nil {
		n = len(p)
	}
	return n, err
}

func (f *failStopFile) Sync() error {
	_, err := f.stop.change("sync", f.name, f.File.Sync)
	return err
}

func (f *failStopFile) SyncData() error {
	_, err := f.stop.change("sync", f.name, f.File.SyncData)
	return err
}

func (f *failStopFile) SyncTo(length int64) (full bool, err error) {
	_, err = f.stop.change("sync", f.name, func() (err error) {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

// Close closes the file even after a failure.
func (f *failStopFile) Close() error {
	if f.stop.stopped.Load() {
		f.File.Close()
		return nil
	}
	_, err := f.stop.change("close", f.name, f.File.Close)
	return err
}
