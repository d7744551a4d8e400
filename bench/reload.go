package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	reloadRounds = 20
	reloadWarm   = 2 // rounds that do not count: they fill the compiler's cache
)

// What is changed: a text that the shop answers with when there is no such user.
const (
	reloadPackage = "functions/userapi"
	reloadFile    = reloadPackage + "/api.go"
	reloadText    = `"User not found"`
)

// reload changes a Go handler of the shop under nube up and measures the time
// from the change to the first answer of the new code; in turn with go build of
// the same package, changed in the same way, in a copy that nube knows nothing
// of.
func (b *bench) reload(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "nube-bench-reload-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // confined functions have users of their own
		return err
	}
	served, built := filepath.Join(dir, "served"), filepath.Join(dir, "built")
	for _, to := range []string{served, built} {
		if err := os.CopyFS(to, os.DirFS(filepath.Join(b.examples, "shop"))); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(to, ".nube")); err != nil {
			return err
		}
	}
	run, err := startNube(ctx, false, "up", served)
	if err != nil {
		return err
	}
	defer run.stop()
	var answered, compiled []time.Duration
	for round := range reloadWarm + reloadRounds {
		took, err := changed(b.examples, served, fmt.Sprintf("served %d", round), func(text string) error { return answers(ctx, run.gateway, text) })
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		alone, err := changed(b.examples, built, fmt.Sprintf("built %d", round), func(string) error {
			return compile(ctx, built, "./"+reloadPackage, filepath.Join(dir, "bootstrap"))
		})
		if err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if round >= reloadWarm {
			answered, compiled = append(answered, took), append(compiled, alone)
		}
	}
	const table = "A change of one Go handler"
	for _, m := range []struct {
		who  string
		took []time.Duration
	}{{"nube up: to the first new answer", answered}, {"go build of its package alone", compiled}} {
		sorted := slices.Sorted(slices.Values(m.took))
		b.report.value(table, m.who, fmt.Sprintf("%d times", reloadRounds), fmt.Sprintf("p50 %s, worst %s", round(median(sorted)), round(sorted[len(sorted)-1])))
	}
	return nil
}

// changed writes a text into the handler in a copy of the shop, and returns how
// long it takes from then until done with it.
func changed(examples, dir, text string, done func(text string) error) (time.Duration, error) {
	code, err := os.ReadFile(filepath.Join(examples, "shop", filepath.FromSlash(reloadFile)))
	if err != nil {
		return 0, err
	}
	if !bytes.Contains(code, []byte(reloadText)) {
		return 0, fmt.Errorf("%s has no %s", reloadFile, reloadText)
	}
	code = bytes.ReplaceAll(code, []byte(reloadText), fmt.Appendf(nil, "%q", text))
	began := time.Now()
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(reloadFile)), code, 0o644); err != nil {
		return 0, err
	}
	err = done(text)
	return time.Since(began), err
}

// answers asks for a user that there is not until the answer has a text.
func answers(ctx context.Context, host, text string) error {
	raw, limit := request(http.MethodGet, host, "/users/nobody", ""), time.Now().Add(time.Minute)
	for {
		is := false
		err := sendRaw(ctx, host, raw, func(status int, body []byte) bool {
			is = bytes.Contains(body, []byte(`"`+text+`"`))
			return status == http.StatusNotFound
		})
		switch {
		case err != nil || is:
			return err
		case time.Now().After(limit):
			return fmt.Errorf("the new code does not answer")
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
}
