package resource

import (
	"maps"
	"slices"

	"github.com/nube-run/nube/internal/template"
)

// tagMap returns the Tags property, a list of keys and values, as a map; nil
// when there are none.
func tagMap(props *template.Value) map[string]string {
	v := props.Get("Tags")
	if v == nil || len(v.Items) == 0 {
		return nil
	}
	out := make(map[string]string, len(v.Items))
	for _, item := range v.Items {
		out[text(item, "Key")] = text(item, "Value")
	}
	return out
}

// tagChanges returns the tags to set and the keys to remove to come from one
// version to another.
func tagChanges(old, new *template.Value) (set map[string]string, remove []string) {
	was, is := tagMap(old), tagMap(new)
	for k, v := range is {
		if have, ok := was[k]; !ok || have != v {
			if set == nil {
				set = map[string]string{}
			}
			set[k] = v
		}
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, ok := is[k]; !ok {
			remove = append(remove, k)
		}
	}
	return set, remove
}

// pairs makes tags of a service's own kind, sorted by key.
func pairs[T any](tags map[string]string, make func(k, v string) T) []T {
	var out []T
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, make(k, tags[k]))
	}
	return out
}
