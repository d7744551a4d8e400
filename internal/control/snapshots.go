package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// LoadPath is the path below [Prefix] that exchanges the cloud's state, and so
// the server itself.
const LoadPath = "snapshots/load"

// Snapshot is a state of the whole cloud that was kept.
type Snapshot struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"` // by the machine's clock
	Clock   time.Time `json:"clock"`   // what the model clock showed
	Stopped bool      `json:"stopped"` // and whether it stood still
	Bytes   int64     `json:"bytes"`
	File    string    `json:"file,omitempty"` // of a snapshot that is not the cloud's
}

// SnapshotRequest names a snapshot: one of the cloud's by Name, or a file on the
// cloud's machine.
type SnapshotRequest struct {
	Name    string `json:"name,omitempty"`
	File    string `json:"file,omitempty"` // absolute
	Replace bool   `json:"replace,omitempty"`
}

// Snapshots takes and puts back states of the cloud. Errors that are the
// caller's are, or wrap, an [ErrSnapshot].
type Snapshots interface {
	Save(ctx context.Context, r SnapshotRequest) (Snapshot, error)
	// Load replaces the state of the running cloud.
	Load(ctx context.Context, r SnapshotRequest) (Snapshot, error)
	List(ctx context.Context) ([]Snapshot, error)
	Remove(ctx context.Context, name string) error
}

// ErrSnapshot is an error that another request would not have made.
type ErrSnapshot struct{ Message string }

// Error implements error.
func (e *ErrSnapshot) Error() string { return e.Message }

// snapshots answers GET and POST snapshots, POST snapshots/load, and DELETE
// snapshots with a name.
func (s *Server) snapshots(w http.ResponseWriter, r *http.Request, body []byte, load bool) {
	var out any = struct{}{}
	var err error
	var req SnapshotRequest
	if r.Method == http.MethodPost {
		if err := json.Unmarshal(body, &req); err != nil {
			refuse(w, http.StatusBadRequest, "The request is not JSON: "+err.Error())
			return
		}
	}
	switch {
	case r.Method == http.MethodGet:
		out, err = s.Snapshots.List(r.Context())
	case r.Method == http.MethodDelete:
		err = s.Snapshots.Remove(r.Context(), r.URL.Query().Get("name"))
	case load:
		out, err = s.Snapshots.Load(r.Context(), req)
	default:
		out, err = s.Snapshots.Save(r.Context(), req)
	}
	var theirs *ErrSnapshot
	switch {
	case errors.As(err, &theirs):
		refuse(w, http.StatusBadRequest, text(err))
	case err != nil:
		refuse(w, http.StatusInternalServerError, text(err))
	default:
		answer(w, out)
	}
}
