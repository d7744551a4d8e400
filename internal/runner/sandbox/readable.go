package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Unreadable returns a directory or file that a process started from s is to read and
// cannot, because it runs as a user of its own and others may not; or "" when there is
// none. Interpreters do not say so: for them a module that cannot be read is one that
// is not there.
//
// It looks at the paths themselves, and at the way to them where the process sees the
// host's own tree; not at all that is below.
func (h *Host) Unreadable(s Spec) string {
	r := h.Report()
	if !r.OwnUser {
		return ""
	}
	way := !slices.Contains(r.Namespaces, "mount")
	for _, p := range slices.Concat([]string{s.CodeDir}, s.LayerDirs, s.ReadOnly) {
		if p == "" {
			continue
		}
		if closed := closedToOthers(p, way); closed != "" {
			return closed
		}
	}
	return ""
}

// closedToOthers returns p when others may not read it, or with way a directory above
// through which they may not pass. What cannot be looked at is not what is wrong.
func closedToOthers(p string, way bool) string {
	st, err := os.Stat(p)
	if err != nil {
		return ""
	}
	needs := fs.FileMode(0o004)
	if st.IsDir() {
		needs = 0o005
	}
	if st.Mode()&needs != needs {
		return p
	}
	for way && p != filepath.Dir(p) {
		p = filepath.Dir(p)
		if st, err := os.Stat(p); err == nil && st.Mode()&0o001 == 0 {
			return p
		}
	}
	return ""
}
