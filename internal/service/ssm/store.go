package ssm

import (
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "ssm", 0)} }

// full is a name as keys have it.
func full(name string) string { return "/" + strings.TrimPrefix(name, "/") }

func (s space) parameter(name string) kv.Key {
	return s.Key().Str("parameter").Str(full(name)).Done()
}
func (s space) parameters() kv.Range { return s.Key().Str("parameter").Range() }
func (s space) version(name string, n int64) kv.Key {
	return s.Key().Str("version").Str(full(name)).Int(n).Done()
}
func (s space) versionsOf(name string) kv.Range {
	return s.Key().Str("version").Str(full(name)).Range()
}

// parameterRow is the row of a parameter: what is not of a version.
type parameterRow struct {
	Name     string // as it was given
	Type     string
	Version  int64             // the newest
	Oldest   int64             // that there is
	Labels   map[string]int64  `json:",omitempty"`
	Tags     map[string]string `json:",omitempty"`
	Tier     string
	KeyID    string `json:",omitempty"` // as it was given
	DataType string
	Policies []policyRow   `json:",omitempty"`
	Changed  clock.Instant // when the newest version was put
	By       string        // who put it
	Description,
	Pattern string `json:",omitempty"`
}

// versionRow is the row of a version.
type versionRow struct {
	Value string `json:",omitempty"`
	// Sealed is a SecureString: KMS's ciphertext of the value, or of the data key
	// that encrypted Body.
	Sealed               []byte `json:",omitempty"`
	Body                 []byte `json:",omitempty"`
	Type, Tier, DataType string
	KeyID                string `json:",omitempty"`
	Description, Pattern string `json:",omitempty"`
	Changed              clock.Instant
	By                   string
	Policies             []policyRow `json:",omitempty"`
}
