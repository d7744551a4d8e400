package apigateway

import (
	"slices"
	"strconv"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
)

func badPatch(p shapes.PatchOperation) *fault.Error {
	return badRequest("Invalid patch path %s: it cannot be changed with %s here", value(p.Path), value(p.Op))
}

// unescapePointer undoes the escaping of RFC 6901.
func unescapePointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
}

// patchList adds or removes one entry.
func patchList(have []string, p shapes.PatchOperation, entry string) []string {
	have = slices.DeleteFunc(slices.Clone(have), func(s string) bool { return s == entry })
	switch value(p.Op) {
	case "add":
		return append(have, entry)
	case "replace":
		return append(have, value(p.Value))
	}
	return have
}

// patchMap adds, replaces or removes one key.
func patchMap(have map[string]string, p shapes.PatchOperation, key string) map[string]string {
	if have == nil {
		have = map[string]string{}
	}
	if value(p.Op) == "remove" {
		delete(have, key)
		return have
	}
	have[key] = value(p.Value)
	return have
}

// patchFlags is patchMap for what is true or false.
func patchFlags(have map[string]bool, p shapes.PatchOperation, key string) map[string]bool {
	if have == nil {
		have = map[string]bool{}
	}
	if value(p.Op) == "remove" {
		delete(have, key)
		return have
	}
	have[key] = value(p.Value) == "true"
	return have
}

func optionalInt(p shapes.PatchOperation) (*int32, error) {
	if value(p.Op) == "remove" || value(p.Value) == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(*p.Value, 10, 32)
	if err != nil {
		return nil, badRequest("Invalid value %s for %s: it must be a whole number", *p.Value, value(p.Path))
	}
	return ptr(int32(n)), nil
}

// defaultPage is how many items a page has when the caller does not say.
const defaultPage = 25

// page cuts one page out of a list; a position is the index of its first item.
func page[T any](items []T, position *string, limit *int32) ([]T, *string, error) {
	start, n := 0, defaultPage
	if position != nil {
		var err error
		if start, err = strconv.Atoi(*position); err != nil || start < 0 {
			return nil, nil, badRequest("Invalid position parameter.")
		}
	}
	if limit != nil {
		n = int(*limit)
	}
	start = min(start, len(items))
	end := min(start+max(n, 1), len(items))
	if end < len(items) {
		return items[start:end], ptr(strconv.Itoa(end)), nil
	}
	return items[start:end], nil, nil
}
