package apigateway

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/vtl"
)

// find follows a JSONPath of members and indexes, such as $.a['b'][0]; nil when
// it leads to nothing. What selects more than one value, such as $..a, [*] and
// filters, is refused.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
func find(v any, path string) (any, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(path), "$")
	if !ok {
		rest = "." + rest // json('a') is json('$.a')
	}
	for rest != "" {
		var key string
		index := -1
		switch {
		case strings.HasPrefix(rest, "["):
			inner, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, fmt.Errorf("the JSONPath %s has a [ without a ]", path)
			}
			rest = after
			if n := len(inner); n >= 2 && (inner[0] == '\'' || inner[0] == '"') && inner[n-1] == inner[0] {
				key = inner[1 : n-1]
			} else if i, err := strconv.Atoi(inner); err == nil && i >= 0 {
				index = i
			} else {
				return nil, fmt.Errorf("the JSONPath %s has [%s]; names in quotes and numbers are supported", path, inner)
			}
		case strings.HasPrefix(rest, "."):
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			key, rest = rest[1:end], rest[end:]
			if key == "" || key == "*" {
				return nil, fmt.Errorf("the JSONPath %s selects more than one value, or has no name after a dot, which is not supported", path)
			}
		default:
			return nil, fmt.Errorf("the JSONPath %s is not supported", path)
		}
		switch o := v.(type) {
		case *vtl.Map:
			v = nil
			if index < 0 {
				v, _ = o.Get(key)
			}
		case *vtl.List:
			v = nil
			if index >= 0 && index < len(o.Items) {
				v = o.Items[index]
			}
		default:
			v = nil
		}
	}
	return v, nil
}
