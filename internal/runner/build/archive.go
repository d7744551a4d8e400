package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// MaxUnpacked is how large a function's code may be unpacked, its layers
// included.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxUnpacked = 262144000

// ErrTooLarge is wrapped by the error about an archive of more than
// [MaxUnpacked] bytes.
var ErrTooLarge = errors.New("Unzipped size must be smaller than 262144000 bytes")

// ErrArchive is wrapped by the error about bytes that cannot be unpacked.
var ErrArchive = errors.New("Could not unzip uploaded file. Please check your file, then try to upload again.")

// Unpack makes an artifact of a zip file, as it is uploaded.
func (s *Store) Unpack(archive []byte) (Artifact, error) {
	sum := sha256.Sum256(archive)
	// A directory of code, unlike a program, is known by its archive.
	named := sha256.Sum256(append(sum[:], "zip"...))
	a := Artifact{Digest: hex.EncodeToString(named[:]), SHA256: base64.StdEncoding.EncodeToString(sum[:]), Size: int64(len(archive))}
	if have, err := s.Artifact(a.Digest); err == nil && isDir(have.Dir) {
		return have, nil
	}
	tmp, remove, err := s.temp()
	if err != nil {
		return Artifact{}, fmt.Errorf("build: unpack: %w", err)
	}
	defer remove()
	if err := unzip(archive, tmp); err != nil {
		return Artifact{}, fmt.Errorf("build: unpack: %w", err)
	}
	return s.keep(tmp, a)
}

// archive makes an artifact of a zip file in the project.
func (s *Store) archive(src Source) (Artifact, *index, error) {
	in, err := file(src.Path)
	if err != nil {
		return Artifact{}, nil, err
	}
	b, err := os.ReadFile(src.Path)
	if err != nil {
		return Artifact{}, nil, err
	}
	a, err := s.Unpack(b)
	return a, &index{Source: src, Files: []input{in}}, err
}

// binary makes an artifact of a program that is there already.
func (s *Store) binary(src Source) (Artifact, *index, error) {
	in, err := file(src.Path)
	if err != nil {
		return Artifact{}, nil, err
	}
	tmp, remove, err := s.temp()
	if err != nil {
		return Artifact{}, nil, err
	}
	defer remove()
	b, err := os.ReadFile(src.Path)
	if err != nil {
		return Artifact{}, nil, err
	}
	program := filepath.Join(tmp, src.Name)
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return Artifact{}, nil, err
	}
	if err := os.WriteFile(program, b, 0o755); err != nil {
		return Artifact{}, nil, err
	}
	a, err := s.program(tmp, program)
	return a, &index{Source: src, Files: []input{in}}, err
}

// unzip unpacks an archive. Nothing can be written outside of dir, or through
// a link.
func unzip(archive []byte, dir string) error {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrArchive, err)
	}
	room := int64(MaxUnpacked)
	for _, f := range r.File {
		name := filepath.FromSlash(strings.ReplaceAll(f.Name, `\`, "/"))
		if !filepath.IsLocal(strings.TrimSuffix(name, string(filepath.Separator))) {
			return fmt.Errorf("%w: the name %q leads outside", ErrArchive, f.Name)
		}
		path := filepath.Join(dir, name)
		mode := f.Mode()
		switch {
		case mode.IsDir() || strings.HasSuffix(f.Name, "/"):
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
			continue
		case mode&os.ModeSymlink != 0:
			if err := link(f, dir, path); err != nil {
				return err
			}
			continue
		case !mode.IsRegular():
			return fmt.Errorf("%w: %q is neither a file nor a link", ErrArchive, f.Name)
		}
		n, err := extract(f, path, room)
		if err != nil {
			return err
		}
		if room -= n; room < 0 {
			return ErrTooLarge
		}
	}
	return os.Chmod(dir, 0o755)
}

func extract(f *zip.File, path string, room int64) (int64, error) {
	in, err := f.Open()
	if err != nil {
		return 0, fmt.Errorf("%w: %v", ErrArchive, err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return 0, err
	}
	// Lambda makes what it unpacks readable for everybody; archives made on
	// Windows have no modes at all.
	mode := f.Mode().Perm() | 0o444
	if mode&0o111 != 0 {
		mode |= 0o111
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode|0o200)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, room+1))
	if err != nil {
		err = fmt.Errorf("%w: %v", ErrArchive, err)
	}
	return n, errors.Join(err, out.Close())
}

// link makes a symbolic link that stays inside.
func link(f *zip.File, dir, path string) error {
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrArchive, err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, 4<<10))
	if err != nil {
		return fmt.Errorf("%w: %v", ErrArchive, err)
	}
	rel, err := filepath.Rel(dir, filepath.Join(filepath.Dir(path), string(b)))
	if filepath.IsAbs(string(b)) || err != nil || !filepath.IsLocal(rel) {
		return fmt.Errorf("%w: the link %q leads outside", ErrArchive, f.Name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Symlink(string(b), path)
}
