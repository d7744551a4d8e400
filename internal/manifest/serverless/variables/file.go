package variables

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// file is a file that a variable has read: its content, or that it does not exist.
type file struct {
	value *template.Value // nil when there is no such file
	err   error
}

// file reads a file, or a value in it.
func (r *Resolver) file(ctx context.Context, c call) (*template.Value, error, error) {
	if len(c.params) == 0 || c.params[0].IsNull() {
		return nil, nil, template.Errorf(c.at, "the source \"file\" needs a path").WithHint("like ${file(config.yml):key}")
	}
	name, ok := text(c.params[0])
	if !ok {
		return nil, nil, template.Errorf(c.at, "the path of a file must be a text, and this is a %s", c.params[0].Kind)
	}
	f := r.open(name, c)
	if f.err != nil {
		return nil, nil, f.err
	}
	if f.value == nil {
		return nil, template.Errorf(c.at, "there is no file %s", name).WithHint("paths are relative to the directory of the manifest"), nil
	}
	if c.address == "" {
		return f.value, nil, nil
	}
	v := f.value
	for _, key := range strings.Split(c.address, ".") {
		var err error
		if v, err = r.evaluate(ctx, v, 0); err != nil {
			return nil, nil, err
		}
		if v = step(v, key); v.IsNull() {
			return nil, template.Errorf(c.at, "there is nothing at %q in %s", c.address, name), nil
		}
	}
	return v, nil, nil
}

// step returns what is under a key of a map or at an index of a list, or nil.
func step(v *template.Value, key string) *template.Value {
	if v.Kind == template.List {
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(v.Items) {
			return v.Items[i]
		}
		return nil
	}
	return v.Get(key)
}

// open reads a file once.
func (r *Resolver) open(name string, c call) *file {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.cfg.Dir, path)
	}
	path = filepath.Clean(path)
	if f := r.files[path]; f != nil {
		return f
	}
	f := r.load(path, name, c)
	r.files[path] = f
	return f
}

func (r *Resolver) load(path, name string, c call) *file {
	ext := filepath.Ext(path)
	switch ext {
	case ".js", ".cjs", ".mjs", ".ts", ".mts":
		return &file{err: template.Errorf(c.at, "%s is a program, and nube does not run programs to read a manifest", name).
			WithHint("write its result into a .json or .yml file, or pass the values as parameters: ${param:name} and --param")}
	}
	text, err := r.cfg.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &file{}
	} else if err != nil {
		return &file{err: template.Errorf(c.at, "read %s: %v", name, err)}
	}
	display := path
	if r.cfg.Name != nil {
		display = r.cfg.Name(path)
	}
	source := &template.File{Name: display, Text: text}
	var v *template.Value
	var ds template.Diagnostics
	switch ext {
	case ".yml", ".yaml":
		v, ds = template.ReadYAML(source)
	case ".json", ".tfstate":
		v, ds = template.ReadJSON(source)
	default:
		v = template.New(template.Pos{File: source, Line: 1, Column: 1}, string(text))
	}
	if err := ds.Err(); err != nil {
		r.diags = append(r.diags, ds...)
		return &file{err: errReported}
	}
	return &file{value: v}
}
