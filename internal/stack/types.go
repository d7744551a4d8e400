package stack

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// Types are the resource types that stacks can have, sorted by name.
type Types []*Type

// NewTypes sorts types.
func NewTypes(ts ...*Type) Types {
	slices.SortFunc(ts, func(a, b *Type) int { return strings.Compare(a.Schema.Name, b.Schema.Name) })
	return ts
}

// Find returns the type of that name, or nil.
func (ts Types) Find(name string) *Type {
	i, ok := slices.BinarySearchFunc(ts, name, func(t *Type, name string) int { return strings.Compare(t.Schema.Name, name) })
	if !ok {
		return nil
	}
	return ts[i]
}

// unknown explains that a type is not offered, and what is.
func (ts Types) unknown(r *template.Resource) template.Diagnostic {
	d := template.Errorf(r.TypePos, "Template format error: Unrecognized resource types: [%s]", r.Type)
	names := make([]string, len(ts))
	for i, t := range ts {
		names[i] = t.Schema.Name
	}
	if near := template.Suggest(r.Type, names); near != "" {
		return d.WithHint("did you mean %s?", near)
	}
	if i := strings.LastIndex(r.Type, "::"); i > 0 {
		var same []string
		for _, n := range names {
			if strings.HasPrefix(n, r.Type[:i+2]) {
				same = append(same, n)
			}
		}
		if same != nil {
			return d.WithHint("of %s nube has %s", r.Type[:i], strings.Join(same, ", "))
		}
	}
	var services []string
	for _, n := range names {
		s := n[:strings.LastIndex(n, "::")]
		if !slices.Contains(services, s) {
			services = append(services, s)
		}
	}
	return d.WithHint("nube has resources of %s", strings.Join(services, ", "))
}
