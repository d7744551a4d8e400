package secretsmanager

import (
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// space makes the keys of a cell; see the package's documentation.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "secretsmanager", 0)} }

func (s space) secret(name string) kv.Key { return s.Key().Str("secret").Str(name).Done() }
func (s space) secrets() kv.Range         { return s.Key().Str("secret").Range() }
func (s space) version(name, suffix, id string) kv.Key {
	return s.Key().Str("version").Str(name).Str(suffix).Str(id).Done()
}
func (s space) versionsOf(name, suffix string) kv.Range {
	return s.Key().Str("version").Str(name).Str(suffix).Range()
}

// secretRow is the row of a secret.
type secretRow struct {
	Suffix      string // of its ARN: a secret of the same name later has another
	Created     clock.Instant
	Changed     clock.Instant
	Accessed    clock.Instant     `json:",omitempty"` // the day
	Deleted     clock.Instant     `json:",omitempty"` // when it will be gone
	Description string            `json:",omitempty"`
	KeyID       string            `json:",omitempty"` // as it was given
	Tags        map[string]string `json:",omitempty"`
	Policy      string            `json:",omitempty"`
	Stages      map[string]string `json:",omitempty"` // label → version
	Versions    map[string]clock.Instant
	Rotation    *rotationRow `json:",omitempty"`
}

// rotationRow is how a secret is rotated.
type rotationRow struct {
	Enabled  bool   `json:",omitempty"`
	Function string `json:",omitempty"`
	Days     int64  `json:",omitempty"`
	Schedule string `json:",omitempty"`
	Duration string `json:",omitempty"`
	Since    clock.Instant
	Next     clock.Instant `json:",omitempty"`
	Last     clock.Instant `json:",omitempty"`
}

// versionRow is the value of a version.
type versionRow struct {
	Sealed []byte // the data key, as KMS encrypted it
	Body   []byte // the value, encrypted with it: nonce and ciphertext
	Binary bool   `json:",omitempty"`
	Key    string // ARN of the key that sealed it
}
