package inject

import (
	"fmt"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/nube-run/nube/internal/disk"
)

// Disk returns fs as it is while the disk is not said to be full.
func (s *Set) Disk(fs disk.FS) disk.FS { return &fullable{FS: fs, set: s} }

type fullable struct {
	disk.FS
	set *Set
}

func (f *fullable) Unwrap() vfs.FS { return f.FS }

// check is the error of whatever needs room.
func (s *Set) check(name string) error {
	if !s.full.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.load() {
		if o.rule.Kind != DiskFull {
			continue
		}
		if strikes, _ := o.strikes(); strikes {
			return fmt.Errorf("write %s: %w", name, syscall.ENOSPC)
		}
	}
	return nil
}

func (f *fullable) file(name string, open func() (disk.File, error)) (disk.File, error) {
	if err := f.set.check(name); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, err
	}
	return &fullableFile{File: file, set: f.set, name: name}, nil
}

func (f *fullable) Create(name string, c vfs.DiskWriteCategory) (disk.File, error) {
	return f.file(name, func() (disk.File, error) { return f.FS.Create(name, c) })
}

func (f *fullable) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (disk.File, error) {
	return f.file(name, func() (disk.File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

func (f *fullable) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (disk.File, error) {
	return f.file(name, func() (disk.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

// fullableFile is a file that is written to.
type fullableFile struct {
	disk.File
	set  *Set
	name string
}

func (f *fullableFile) Write(p []byte) (int, error) {
	if err := f.set.check(f.name); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *fullableFile) WriteAt(p []byte, at int64) (int, error) {
	if err := f.set.check(f.name); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, at)
}

func (f *fullableFile) Preallocate(at, length int64) error {
	if err := f.set.check(f.name); err != nil {
		return err
	}
	return f.File.Preallocate(at, length)
}
