package serverless

import (
	"errors"
	"path"
	"path/filepath"
	"strings"

	"github.com/nube-run/nube/internal/manifest"
	"github.com/nube-run/nube/internal/manifest/serverless/compile"
	"github.com/nube-run/nube/internal/template"
)

// findCode finds the code of every function. What is missing is reported where the manifest names it.
func (l *loader) findCode(v *template.Value) map[string]manifest.Function {
	out := map[string]manifest.Function{}
	provider := v.Get("provider")
	functions := v.Get("functions")
	if functions.IsNull() {
		return out
	}
	for _, field := range functions.Fields {
		c := field.Value
		if c.IsNull() {
			continue
		}
		f := manifest.Function{Handler: text(c, "handler"), Runtime: text(c, "runtime"), Architecture: text(c, "architecture"), Pos: field.Pos}
		runtimeAt := c.Get("runtime")
		if f.Runtime == "" {
			f.Runtime, runtimeAt = compile.Runtime(provider), provider.Get("runtime")
		}
		if f.Architecture == "" {
			f.Architecture = text(provider, "architecture")
		}
		if f.Architecture == "" {
			f.Architecture = "x86_64"
		}
		if h := c.Get("handler"); h != nil {
			f.Pos = h.Pos
			f.Code = l.code(v, c, f, runtimeAt)
		}
		out[field.Key] = f
	}
	return out
}

func text(v *template.Value, path ...string) string {
	s, _ := v.Get(path...).Literal()
	return s
}

// code finds the code of one function: its artifact, or what its handler names.
func (l *loader) code(root, c *template.Value, f manifest.Function, runtimeAt *template.Value) manifest.Code {
	code, err := manifest.FindCode(l.files.dir, f.Runtime, f.Handler)
	artifact := c.Get("package", "artifact")
	if artifact.IsNull() {
		artifact = root.Get("package", "artifact")
	}
	var ce *manifest.CodeError
	switch {
	case code.Kind == 0 && errors.As(err, &ce): // an unknown runtime
		pos := f.Pos
		if runtimeAt != nil {
			pos = runtimeAt.Pos
		}
		l.diags = append(l.diags, template.Errorf(pos, "%s", ce.Why).WithHint("%s", ce.Hint))
		return code
	case !artifact.IsNull():
		return l.artifact(artifact)
	case err == nil || l.options.MissingCode && errors.As(err, &ce):
	case errors.As(err, &ce):
		d := template.Errorf(f.Pos, "%s", ce.Why)
		if ce.Hint != "" {
			d = d.WithHint("%s", ce.Hint)
		}
		l.diags = append(l.diags, d)
	default:
		l.diags = append(l.diags, template.Errorf(f.Pos, "%v", err))
	}
	code.Patterns = patterns(root, c)
	return code
}

// artifact is code that was packed before.
func (l *loader) artifact(v *template.Value) manifest.Code {
	name := path.Clean(filepath.ToSlash(v.Text))
	code := manifest.Code{Kind: manifest.Archive, Path: name}
	switch {
	case strings.HasPrefix(v.Text, "s3://") || strings.HasPrefix(v.Text, "https://"):
		l.diags = append(l.diags, template.Errorf(v.Pos, "the artifact %s is not in the project", v.Text).
			WithHint("download it, and name the file"))
	case path.IsAbs(name) || strings.HasPrefix(name, "../"):
		l.diags = append(l.diags, template.Errorf(v.Pos, "the artifact %s is outside of the project", v.Text))
	case path.Ext(name) != ".zip" && path.Ext(name) != ".jar":
		l.diags = append(l.diags, template.Errorf(v.Pos, "the artifact %s is not a zip file", v.Text))
	case !l.options.MissingCode && !l.files.exists(filepath.Join(l.files.dir, filepath.FromSlash(name))):
		l.diags = append(l.diags, template.Errorf(v.Pos, "the artifact %s does not exist", v.Text).
			WithHint("build it before, or name the function's source in its handler and leave the artifact out"))
	}
	return code
}

// patterns are the files that belong to a function: the service's rules, then its own.
func patterns(root, c *template.Value) []string {
	var out []string
	for _, v := range []*template.Value{root.Get("package", "patterns"), c.Get("package", "patterns")} {
		if v == nil {
			continue
		}
		for _, item := range v.Items {
			out = append(out, item.Text)
		}
	}
	return out
}

// findLayers finds the content of the layers that the service brings.
func (l *loader) findLayers(v *template.Value) map[string]manifest.Layer {
	out := map[string]manifest.Layer{}
	layers := v.Get("layers")
	if layers.IsNull() {
		return out
	}
	for _, field := range layers.Fields {
		c := field.Value
		layer := manifest.Layer{Pos: field.Pos}
		at := c.Get("path")
		if artifact := c.Get("package", "artifact"); !artifact.IsNull() {
			layer.Code = l.artifact(artifact)
		} else if at.IsNull() {
			l.diags = append(l.diags, template.Errorf(field.Pos, "the layer %q has neither a path nor an artifact", field.Key))
		} else {
			layer.Pos = at.Pos
			layer.Code = manifest.Code{Kind: manifest.Directory, Path: path.Clean(filepath.ToSlash(at.Text)), Patterns: patterns(nil, c)}
			if rel := layer.Code.Path; path.IsAbs(rel) || rel == ".." || strings.HasPrefix(rel, "../") {
				l.diags = append(l.diags, template.Errorf(at.Pos, "the layer %s is outside of the project", at.Text))
			}
		}
		out[field.Key] = layer
	}
	return out
}
