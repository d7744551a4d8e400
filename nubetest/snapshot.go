package nubetest

import (
	"path/filepath"
	"testing"

	"github.com/nube-run/nube/internal/control"
)

// Snapshot keeps the state of the whole cloud under a name: what is stored, what
// was logged, where the clock is, what is under way. It ends with the cloud;
// SaveFile's does not.
func (c *Cloud) Snapshot(t testing.TB, name string) {
	t.Helper()
	if _, err := c.api().Snapshots.Save(t.Context(), control.SnapshotRequest{Name: name, Replace: true}); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

// Restore makes the cloud what it was at a snapshot. Requests under way end with
// an error, and functions begin anew; ports and faults stay as they are. Nothing
// else may be asked of the cloud until it returns.
func (c *Cloud) Restore(t testing.TB, name string) {
	t.Helper()
	c.load(t, control.SnapshotRequest{Name: name})
}

// SaveFile keeps the state in a file, functions' code with it, from which any
// cloud can go on: one of another test, or of nube snapshot load --file.
func (c *Cloud) SaveFile(t testing.TB, path string) {
	t.Helper()
	if _, err := c.api().Snapshots.Save(t.Context(), control.SnapshotRequest{File: absolute(t, path), Replace: true}); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

// RestoreFile makes the cloud what the cloud was whose state is in a file.
func (c *Cloud) RestoreFile(t testing.TB, path string) {
	t.Helper()
	c.load(t, control.SnapshotRequest{File: absolute(t, path)})
}

func (c *Cloud) load(t testing.TB, r control.SnapshotRequest) {
	t.Helper()
	if _, err := c.api().Snapshots.Load(t.Context(), r); err != nil {
		t.Fatalf("nubetest: %v", err)
	}
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	return abs
}
