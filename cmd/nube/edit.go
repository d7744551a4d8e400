package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/nube-run/nube/internal/control"
)

// editable is a request as it is edited. The body is text, or JSON where it was
// JSON.
type editable struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Host   string          `json:"host"`
	Header http.Header     `json:"headers"`
	Body   json.RawMessage `json:"body,omitempty"`
	Base64 bool            `json:"base64,omitempty"`
}

// edited has the user edit what is recorded.
func (r *replaying) edited(ctx context.Context) (req control.ReplayRequest, err error) {
	var x control.Recorded
	if err := r.call(ctx, http.MethodGet, nil, &x); err != nil {
		return req, err
	}
	if x.HTTP == nil {
		req.Event, err = r.editor(ctx, x.Event)
		return req, err
	}
	h := x.HTTP
	e := editable{Method: h.Method, Path: h.Path, Host: h.Host, Header: h.Header, Base64: h.Base64}
	isJSON := !h.Base64 && h.Body != "" && json.Valid([]byte(h.Body)) && h.Body[0] != '"'
	if isJSON {
		e.Body = json.RawMessage(h.Body)
	} else if e.Body, err = json.Marshal(h.Body); err != nil {
		return req, err
	}
	before, err := json.Marshal(e)
	if err != nil {
		return req, err
	}
	after, err := r.editor(ctx, before)
	if err != nil || bytes.Equal(before, after) {
		return req, err
	}
	e = editable{}
	if err := json.Unmarshal(after, &e); err != nil {
		return req, fmt.Errorf("the request is not one any more: %w", err)
	}
	req.HTTP = &control.HTTPRequest{Method: e.Method, Path: e.Path, Host: e.Host, Header: e.Header, Base64: e.Base64}
	if len(e.Body) > 0 && json.Unmarshal(e.Body, &req.HTTP.Body) != nil {
		req.HTTP.Body = string(e.Body)
	}
	return req, nil
}

// editor has the user edit JSON, and returns it compact.
func (r *replaying) editor(ctx context.Context, doc json.RawMessage) (json.RawMessage, error) {
	text, err := indented(doc)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "nube-*.json")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	words := editorCommand()
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], f.Name())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, r.err, r.err
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s: %w; $VISUAL or $EDITOR names another", words[0], err)
	}
	if text, err = os.ReadFile(f.Name()); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.Join(errors.New("it was emptied, so nothing is replayed"), os.Remove(f.Name()))
	}
	var again json.RawMessage
	if err := json.Unmarshal(text, &again); err != nil { // it knows where, and Compact does not
		return nil, fmt.Errorf("what was edited is not JSON%s: %w; it is kept in %s", place(text, err), err, f.Name())
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		return nil, err
	}
	return out.Bytes(), os.Remove(f.Name())
}

// place says where in a text an error of JSON is.
func place(text []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset < 1 || syntax.Offset > int64(len(text)) {
		return ""
	}
	before := text[:syntax.Offset-1]
	return fmt.Sprintf(", line %d, column %d", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'))
}

// editorCommand is the user's editor and its arguments.
func editorCommand() []string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if words := strings.Fields(os.Getenv(name)); len(words) > 0 {
			return words
		}
	}
	if runtime.GOOS == "windows" {
		return []string{"notepad"}
	}
	return []string{"vi"}
}

// indented is JSON as people read it.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
