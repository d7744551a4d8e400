package serverless

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/manifest/schema"
	"github.com/nube-run/nube/internal/manifest/serverless/shape"
	"github.com/nube-run/nube/internal/template"
)

// TestEveryKeyIsTried fails when the shape has a key that no manifest of the oracle uses, so that no key can be added
// without comparing what it compiles to.
func TestEveryKeyIsTried(t *testing.T) {
	used := map[string]bool{}
	dirs, err := os.ReadDir("testdata/oracle")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		for _, name := range Names() {
			path := filepath.Join("testdata/oracle", dir.Name(), name)
			text, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			v, ds := template.Read(&template.File{Name: path, Text: text})
			if ds.HasErrors() {
				continue // a manifest that is not YAML on purpose
			}
			tried(shape.Root(), v, "", used)
		}
	}
	if len(used) == 0 {
		t.Fatal("no keys at all")
	}
	var unused []string
	for _, key := range keys(shape.Root(), "") {
		if !used[key] && !slices.Contains(pointless(), key) {
			unused = append(unused, key)
		}
	}
	slices.Sort(unused)
	unused = slices.Compact(unused)
	if len(unused) > 0 {
		t.Errorf("no manifest of the oracle uses\n  %s", strings.Join(unused, "\n  "))
	}
}

// pointless are keys that osls does not know, or that mean nothing to a template.
func pointless() []string {
	return []string{"org", "app", "licenseKey"}
}

// keys lists the keys of a schema.
func keys(s schema.Schema, path string) []string {
	var out []string
	switch s := s.(type) {
	case schema.Object:
		for _, f := range s.Fields {
			if _, refused := f.Is.(schema.Refuse); refused {
				continue
			}
			out = append(out, join(path, f.Key))
			out = append(out, keys(f.Is, join(path, f.Key))...)
		}
		if s.Rest != nil {
			out = append(out, keys(s.Rest, path)...)
		}
	case schema.Tagged:
		return keys(schema.Object{Fields: s.Of}, path)
	case schema.Map:
		return keys(s.Of, join(path, "*"))
	case schema.List:
		return keys(s.Of, path)
	case schema.OneOf:
		for _, alt := range s {
			out = append(out, keys(alt, path)...)
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// tried marks the keys of a schema that a value uses.
func tried(s schema.Schema, v *template.Value, path string, used map[string]bool) {
	switch s := s.(type) {
	case schema.Object:
		for _, f := range s.Fields {
			if x, ok := v.Field(f.Key); ok {
				used[join(path, f.Key)] = true
				tried(f.Is, x.Value, join(path, f.Key), used)
			}
		}
		if s.Rest != nil {
			for _, f := range v.Fields {
				tried(s.Rest, f.Value, path, used)
			}
		}
	case schema.Tagged:
		tried(schema.Object{Fields: s.Of}, v, path, used)
	case schema.Map:
		for _, f := range v.Fields {
			tried(s.Of, f.Value, join(path, "*"), used)
		}
	case schema.List:
		for _, item := range v.Items {
			tried(s.Of, item, path, used)
		}
	case schema.OneOf:
		for _, alt := range s {
			tried(alt, v, path, used)
		}
	}
}
