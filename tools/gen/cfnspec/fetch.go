package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	npmPackage = "@aws-cdk/aws-service-spec@0.1.216"
	tarball    = "aws-cdk-aws-service-spec-0.1.216.tgz"
	// integrity is the package's sha512 as the registry publishes it.
	integrity = "O3Lu6v6J6RnI+Eenklbw8237kV64cTpM94QEXmlcmsIAzhcKrdd+qApZhlTL+H3IDt1JP6Vphbd+OOmq6r8pqw=="
)

// fetch returns the database of the package, from the cache if it is there.
func fetch() (*database, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "nube-gen")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, tarball)
	tgz, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		cmd := exec.Command("npm", "pack", "--silent", npmPackage)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("npm pack %s: %w", npmPackage, err)
		}
		tgz, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha512.Sum512(tgz); base64.StdEncoding.EncodeToString(sum[:]) != integrity {
		return nil, fmt.Errorf("%s is not what the registry publishes: remove it and run again", path)
	}
	return unpack(tgz)
}

// unpack reads package/db.json.gz out of the tarball.
func unpack(tgz []byte) (*database, error) {
	zr, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return nil, err
	}
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return nil, fmt.Errorf("%s has no package/db.json.gz", tarball)
		}
		if err != nil {
			return nil, err
		}
		if h.Name == "package/db.json.gz" {
			break
		}
	}
	inner, err := gzip.NewReader(tr)
	if err != nil {
		return nil, err
	}
	db := new(database)
	if err := json.NewDecoder(inner).Decode(db); err != nil {
		return nil, fmt.Errorf("db.json.gz: %w", err)
	}
	return db, nil
}

// database is the part of the package's database that is used.
type database struct {
	Schema struct {
		Resource       struct{ Entities []resource }
		TypeDefinition struct{ Entities []definition }
	}
}

type resource struct {
	CloudFormationType string
	PrimaryIdentifier  []string
	Attributes         map[string]json.RawMessage
	Properties         map[string]property
	TagInformation     *struct{ TagPropertyName, Variant string }
}

type definition struct {
	ID         string `json:"$id"`
	Name       string
	Properties map[string]property
}

type property struct {
	Type              typ
	Required          bool
	CausesReplacement string // yes, no, maybe
}

type typ struct {
	Type      string
	Element   *typ
	Types     []typ
	Reference struct {
		Ref string `json:"$ref"`
	}
}
