package awsapi

import (
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// target is what a request means.
type target struct {
	service  *Service
	op       *schema.Op // nil when the service has no such operation
	name     string     // of the operation as the request gives it
	protocol schema.Protocol
	labels   map[string]string // of a REST path
	form     url.Values        // of the query protocol, once read
}

// find tells the service of a request. Where it needs the body (a query
// protocol's form) it leaves op nil for [Front.findQuery].
func (f *Front) find(r *http.Request, scopeService string) (target, bool) {
	if t := r.Header.Get("X-Amz-Target"); t != "" {
		return f.findJSON(t, r.Header.Get("Content-Type"))
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, "/service/"); ok && r.Header.Get("Smithy-Protocol") != "" {
		return f.findRPC(rest)
	}
	isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if s := f.signedFor(scopeService, schema.QueryXML); s != nil && (isForm || r.URL.Query().Has("Action")) {
		return target{service: s, protocol: schema.QueryXML}, true
	}
	if s := f.unsignedFor(r, scopeService); s != nil {
		return target{service: s, protocol: schema.QueryXML}, true
	}
	var first target // of several with one signing name, for a path that none of them has
	for _, s := range f.services {
		if p, ok := s.rest(); ok && (s.Model.Signing == scopeService || scopeService == "" && s.Endpoint != nil && s.Endpoint(r.URL.Path)) {
			t := target{service: s, protocol: p}
			t.op, t.labels = s.routes().match(r.Method, r.URL)
			t.name = r.Method + " " + r.URL.Path
			if t.op != nil {
				t.name = t.op.Name
				return t, true
			}
			if first.service == nil {
				first = t
			}
		}
	}
	return first, first.service != nil
}

// unsignedFor is the service of whose query protocol a link without credentials
// calls an operation.
func (f *Front) unsignedFor(r *http.Request, scopeService string) *Service {
	if scopeService != "" || r.Method != http.MethodGet || r.URL.Path != "/" {
		return nil
	}
	action := r.URL.Query().Get("Action")
	for _, s := range f.services {
		if s.Unsigned != nil && s.Unsigned(action) {
			return s
		}
	}
	return nil
}

func (f *Front) signedFor(name string, p schema.Protocol) *Service {
	for _, s := range f.services {
		if s.Model.Signing == name && s.speaks(p) {
			return s
		}
	}
	return nil
}

func (s *Service) speaks(p schema.Protocol) bool {
	for _, q := range s.Model.Protocols {
		if q == p {
			return true
		}
	}
	return false
}

func (s *Service) rest() (schema.Protocol, bool) {
	for _, p := range s.Model.Protocols {
		if p == schema.RESTJSON || p == schema.RESTXML {
			return p, true
		}
	}
	return 0, false
}

// findJSON reads X-Amz-Target: prefix, dot, operation.
func (f *Front) findJSON(header, contentType string) (target, bool) {
	prefix, name, ok := strings.Cut(header, ".")
	if !ok {
		return target{}, false
	}
	for _, s := range f.services {
		if s.Model.Target == prefix {
			p := s.Model.Protocols[0]
			if strings.HasSuffix(contentType, "json-1.1") {
				p = schema.JSON11
			}
			return target{service: s, op: s.Model.Op(name), name: name, protocol: p}, true
		}
	}
	return target{}, false
}

// findRPC reads /service/<name>/operation/<operation> of Smithy RPC v2.
func (f *Front) findRPC(path string) (target, bool) {
	service, name, ok := strings.Cut(path, "/operation/")
	if !ok {
		return target{}, false
	}
	for _, s := range f.services {
		if s.Model.Target == service && s.speaks(schema.RPCv2CBOR) {
			return target{service: s, op: s.Model.Op(name), name: name, protocol: schema.RPCv2CBOR}, true
		}
	}
	return target{}, false
}

// route is one REST operation's path, split at the slashes.
type route struct {
	op       *schema.Op
	segments []segment
	query    url.Values // parameters that must be there, such as ?uploads
}

type segment struct {
	literal string
	label   string // "" for a literal
	greedy  bool   // {Key+}: the rest of the path
}

// routes finds the operation of a REST request. Literal segments win over
// labels, required query parameters over their absence.
type routes struct {
	byMethod map[string][]route
}

func newRoutes(m *schema.Model) *routes {
	r := &routes{byMethod: map[string][]route{}}
	for i := range m.Ops {
		op := &m.Ops[i]
		path, query, _ := strings.Cut(op.URI, "?")
		// Clients of different age write some paths with a slash at the end and
		// some without; match takes both.
		path = strings.TrimSuffix(path, "/")
		rt := route{op: op}
		if query != "" {
			rt.query, _ = url.ParseQuery(query)
		}
		for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
			rt.segments = append(rt.segments, parseSegment(part))
		}
		r.byMethod[op.Method] = append(r.byMethod[op.Method], rt)
	}
	for _, rs := range r.byMethod {
		sort.SliceStable(rs, func(i, j int) bool { return rs[i].before(&rs[j]) })
	}
	return r
}

func parseSegment(s string) segment {
	if !strings.HasPrefix(s, "{") || !strings.HasSuffix(s, "}") {
		return segment{literal: s}
	}
	name := s[1 : len(s)-1]
	if strings.HasSuffix(name, "+") {
		return segment{label: name[:len(name)-1], greedy: true}
	}
	return segment{label: name}
}

// before orders more particular routes first.
func (r *route) before(o *route) bool {
	if len(r.query) != len(o.query) {
		return len(r.query) > len(o.query)
	}
	for i := range min(len(r.segments), len(o.segments)) {
		a, b := r.segments[i], o.segments[i]
		if (a.label == "") != (b.label == "") {
			return a.label == ""
		}
		if a.greedy != b.greedy {
			return !a.greedy
		}
	}
	return len(r.segments) > len(o.segments)
}

func (rs *routes) match(method string, u *url.URL) (*schema.Op, map[string]string) {
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	var query url.Values
	for i := range rs.byMethod[method] {
		rt := &rs.byMethod[method][i]
		labels, ok := rt.match(path)
		if !ok {
			continue
		}
		if len(rt.query) > 0 {
			if query == nil {
				query = u.Query()
			}
			if !covers(query, rt.query) {
				continue
			}
		}
		return rt.op, labels
	}
	return nil, nil
}

func covers(have, want url.Values) bool {
	for k, vs := range want {
		got, ok := have[k]
		if !ok || vs[0] != "" && (len(got) == 0 || got[0] != vs[0]) {
			return false
		}
	}
	return true
}

func (r *route) match(path string) (map[string]string, bool) {
	var labels map[string]string
	for i, seg := range r.segments {
		if seg.greedy {
			if path == "" {
				return nil, false
			}
			return set(labels, seg.label, path)
		}
		part, rest, more := strings.Cut(path, "/")
		if seg.label == "" {
			if part != seg.literal {
				return nil, false
			}
		} else {
			if part == "" {
				return nil, false
			}
			var ok bool
			if labels, ok = set(labels, seg.label, part); !ok {
				return nil, false
			}
		}
		if last := i == len(r.segments)-1; last != !more && !(last && rest == "") {
			return nil, false
		}
		path = rest
	}
	return labels, true
}

func set(labels map[string]string, name, escaped string) (map[string]string, bool) {
	text, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, false
	}
	if labels == nil {
		labels = make(map[string]string, 2)
	}
	labels[name] = text
	return labels, true
}
