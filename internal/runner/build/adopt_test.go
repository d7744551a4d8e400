package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// An artifact is the same in another store, and is adopted once.
func TestAdopt(t *testing.T) {
	from, to := open(t), open(t)
	src := filepath.Join(t.TempDir(), "bootstrap")
	if err := os.WriteFile(src, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	made, err := from.Build(t.Context(), Source{Kind: Binary, Path: src}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Describe()
	if err != nil {
		t.Fatal(err)
	}
	a, err := Described(text)
	if err != nil {
		t.Fatal(err)
	}
	fills := 0
	copyTo := func(dir string) error {
		fills++
		return made.Files(func(name string, info fs.FileInfo, path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, name), b, info.Mode())
		})
	}
	for range 2 {
		got, err := to.Adopt(a, copyTo)
		if err != nil {
			t.Fatal(err)
		}
		if got.Digest != made.Digest || got.SHA256 != made.SHA256 || got.Dir == made.Dir {
			t.Errorf("adopted as %+v, from %+v", got, made)
		}
		st, err := os.Stat(filepath.Join(got.Dir, "bootstrap"))
		if err != nil || st.Mode().Perm()&0o111 == 0 {
			t.Errorf("its program: %v, %v", st, err)
		}
	}
	if fills != 1 {
		t.Errorf("filled %d times", fills)
	}
	if _, err := to.Adopt(Artifact{Digest: "../x"}, copyTo); err == nil {
		t.Error("a digest that is a path is taken")
	}
}
