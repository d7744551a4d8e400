package apigatewayv2

import (
	"strings"
	"testing"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigatewayv2"
)

// FuzzMatch: whatever routes an API has, a request takes one whose key fits it
// with the values of its variables put in, a whole fit before a greedy one; and
// none only where no key fits.
func FuzzMatch(f *testing.F) {
	f.Add("GET /pets/dog/1|GET /pets/dog/{id}|GET /pets/{proxy+}|ANY /{proxy+}", "GET", "/pets/dog/2")
	f.Add("GET /{a}/b|GET /{a}/{b+}|POST /x/{y}", "GET", "/x/y")
	f.Add("ANY /|GET //|GET /a/|GET /a", "GET", "/a/")
	f.Add("GET /{a}/x/{c+}|GET /b/{d}", "GET", "/b/x/")
	f.Fuzz(func(t *testing.T, keys, method, path string) {
		if !strings.HasPrefix(path, "/") || strings.Contains(path, "%") || strings.Contains(keys, "%") || !knownMethod(method) {
			return
		}
		p := &plan{}
		seen := map[string]bool{}
		var routes []*route
		for key := range strings.SplitSeq(keys, "|") {
			if key == defaultRoute || soundKey(key) != nil || seen[shape(key)] {
				continue
			}
			seen[shape(key)] = true
			r := &route{Route: &shapes.Route{RouteKey: &key}}
			p.root.add(r)
			routes = append(routes, r)
		}
		got, values := p.match(method, path)
		best := 0
		for _, r := range routes {
			if r.method == method || r.method == "ANY" {
				best = max(best, fitOf(r.path, path))
			}
		}
		if got == nil {
			if best > 0 {
				t.Errorf("%s %s takes none of %q", method, path, keys)
			}
			return
		}
		if fit := fitOf(got.path, path); fit != best {
			t.Errorf("%s %s takes %s, which fits %d; the best of %q fits %d", method, path, *got.RouteKey, fit, keys, best)
		}
		if got.method != method && got.method != "ANY" {
			t.Errorf("%s %s takes %s", method, path, *got.RouteKey)
		}
		if len(values) != len(got.names) {
			t.Fatalf("%s has %d values: %q", *got.RouteKey, len(values), values)
		}
		parts, n := strings.Split(got.path, "/"), 0
		for i, part := range parts {
			if _, ok := variable(part); ok {
				parts[i] = values[n]
				n++
			}
		}
		if back := strings.Join(parts, "/"); back != path {
			t.Errorf("%s with %q is %s, not %s", *got.RouteKey, values, back, path)
		}
	})
}

// fitOf says slowly how a path fits a route's: 2 wholly, 1 by a greedy variable,
// 0 not at all.
func fitOf(route, path string) int {
	want, have := strings.Split(route[1:], "/"), strings.Split(path[1:], "/")
	for i, part := range want {
		name, isVariable := variable(part)
		switch {
		case strings.HasSuffix(name, "+"):
			if rest := have[min(i, len(have)):]; len(rest) > 1 || len(rest) == 1 && rest[0] != "" {
				return 1
			}
			return 0
		case i >= len(have), isVariable && have[i] == "", !isVariable && have[i] != part:
			return 0
		}
	}
	if len(have) != len(want) {
		return 0
	}
	return 2
}

// FuzzTexts: the small languages of mappings and logs neither fail nor hang.
func FuzzTexts(f *testing.F) {
	f.Add("$request.header.a", `{"a":[1,{"b":"c"}]}`, "$.a[1].b")
	f.Add("${request.path.a} x ${context.b", "[", ".a..b['c']")
	f.Add("$context.status $$ ${stageVariables.x}-$request.path.", "", "")
	f.Fuzz(func(t *testing.T, expression, body, path string) {
		x := &exchange{}
		x.evaluate(expression, func(name string) (string, bool) { return name, name != "" })
		lookUp([]byte(body), path)
		substitute(expression, func(name string) string { return name })
		parseKey(expression)
	})
}
