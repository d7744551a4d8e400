package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
)

// reload takes up changes of the application's files until the returned
// function is called.
func (a *app) reload(ctx context.Context, cl *cloud.Cloud, req control.DeployRequest) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := cl.Watch(ctx, req, func(r cloud.Reload) { a.reloaded(req.Dir, r) }); err != nil {
			a.note("%v", err)
		}
	}()
	return func() { cancel(); <-ended }
}

// reloadLine is what is said of a change with --output json.
type reloadLine struct {
	Reload struct {
		Files    []string            `json:"files"`
		Error    string              `json:"error,omitempty"`
		Problems []string            `json:"problems,omitempty"`
		Deployed *control.Deployment `json:"deployed,omitempty"`
		Millis   int64               `json:"millis"`
	} `json:"reload"`
}

// reloaded tells of a change.
func (a *app) reloaded(dir string, r cloud.Reload) {
	var problems []string
	var ps control.Problems
	if errors.As(r.Err, &ps) {
		problems = ps.Problems()
	}
	if a.output == "json" {
		var line reloadLine
		l := &line.Reload
		l.Files, l.Problems, l.Deployed, l.Millis = r.Files, problems, r.Deployment, r.Took.Milliseconds()
		if r.Err != nil {
			l.Error = r.Err.Error()
		}
		_ = a.line(line) // whoever read it has gone
		return
	}
	a.note("changed  %s", strings.Join(shorter(dir, r.Files), ", "))
	if r.Err == nil {
		for _, e := range r.Steps {
			a.progress(e)
		}
		a.note("%s in %v", paint(a.err, "32", "reloaded"), r.Took.Round(time.Millisecond))
		return
	}
	for _, p := range problems {
		a.note("%s", p)
	}
	if len(problems) == 0 {
		a.note("%s %v", paint(a.err, "31", "error:"), r.Err)
	}
	a.note("what served before serves on")
}

// shorter names files as the user does, the first few of them.
func shorter(dir string, files []string) []string {
	const most = 5
	var out []string
	for i, f := range files {
		if i == most {
			return append(out, "…")
		}
		if rel, err := filepath.Rel(dir, f); err == nil && filepath.IsLocal(rel) {
			f = rel
		}
		out = append(out, f)
	}
	return out
}
