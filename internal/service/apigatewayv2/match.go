package apigatewayv2

import (
	"net/url"
	"strings"
)

// node is one segment of the paths of an API.
type node struct {
	literal map[string]*node
	param   *node
	greedy  *node
	here    map[string]*route // by method
}

// add puts a route into the tree.
func (n *node) add(r *route) {
	method, path, _ := strings.Cut(*r.RouteKey, " ")
	r.method, r.path = method, path
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		name, isVariable := variable(part)
		var slot **node
		switch {
		case !isVariable:
			if n.literal == nil {
				n.literal = map[string]*node{}
			}
			if n.literal[part] == nil {
				n.literal[part] = &node{}
			}
			n = n.literal[part]
			continue
		case strings.HasSuffix(name, "+"):
			slot = &n.greedy
		default:
			slot = &n.param
		}
		r.names = append(r.names, strings.TrimSuffix(name, "+"))
		if *slot == nil {
			*slot = &node{}
		}
		n = *slot
	}
	if n.here == nil {
		n.here = map[string]*route{}
	}
	n.here[method] = r
}

// route returns what takes a method here.
func (n *node) route(method string) *route {
	if r := n.here[method]; r != nil {
		return r
	}
	return n.here["ANY"]
}

// match finds the route of the segments of a path: one that fits the path and
// the method wholly before one that ends in a greedy variable, and among those
// of a kind literal segments before variables, the longest literal beginning
// before shorter ones.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html#http-api-develop-routes.evaluation
func (n *node) match(method string, segments []string) (*route, []string) {
	if r, values := n.full(method, segments, nil); r != nil {
		return r, values
	}
	return n.tail(method, segments, nil)
}

func (n *node) full(method string, segments, values []string) (*route, []string) {
	if len(segments) == 0 {
		return n.route(method), values
	}
	if next := n.literal[unescape(segments[0])]; next != nil {
		if r, vs := next.full(method, segments[1:], values); r != nil {
			return r, vs
		}
	}
	if n.param != nil && segments[0] != "" {
		return n.param.full(method, segments[1:], append(values[:len(values):len(values)], unescape(segments[0])))
	}
	return nil, nil
}

// tail finds the route that ends in a greedy variable.
func (n *node) tail(method string, segments, values []string) (*route, []string) {
	if len(segments) == 0 || len(segments) == 1 && segments[0] == "" {
		return nil, nil
	}
	if next := n.literal[unescape(segments[0])]; next != nil {
		if r, vs := next.tail(method, segments[1:], values); r != nil {
			return r, vs
		}
	}
	if n.param != nil && segments[0] != "" {
		if r, vs := n.param.tail(method, segments[1:], append(values[:len(values):len(values)], unescape(segments[0]))); r != nil {
			return r, vs
		}
	}
	if n.greedy != nil {
		if r := n.greedy.route(method); r != nil {
			return r, append(values[:len(values):len(values)], unescape(strings.Join(segments, "/")))
		}
	}
	return nil, nil
}

func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
