package compile

import (
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// restResources are the resources of the API, by path.
type restResources struct {
	ids        map[string]any    // what refers to them
	names      map[string]string // their part of logical ids
	predefined map[string]bool   // those of an external API
}

// resource returns what refers to the resource of a path.
func (r *rest) resource(path string) any {
	if path == "" {
		return r.rootID()
	}
	return r.resources.ids[path]
}

// makeResources makes a resource for every part of every path.
func (r *rest) makeResources() bool {
	r.resources = restResources{ids: map[string]any{}, names: map[string]string{"": ""}, predefined: map[string]bool{}}
	r.readPredefined()
	owner := map[string]string{} // logical id → path
	for _, t := range r.routes {
		if t.path == "" {
			continue
		}
		parent, parts := "", strings.Split(t.path, "/")
		for i := range parts {
			path := strings.Join(parts[:i+1], "/")
			if !r.makeResource(t, parent, path, parts[i], owner) {
				return false
			}
			parent = path
		}
	}
	return true
}

// makeResource makes the resource of one path, unless it exists.
func (r *rest) makeResource(t *route, parent, path, part string, owner map[string]string) bool {
	if r.resources.ids[path] != nil {
		return true
	}
	if r.passes(t.path, path) {
		return true // a predefined resource lies further down: this part exists, and nothing needs its id
	}
	for other := range r.resources.predefined {
		if strings.HasPrefix(other, path+"/") {
			r.report(template.Errorf(t.pos, "the external API has a resource at /%s already, and its id is needed", path).
				WithHint("add it to provider.apiGateway.restApiResources"))
			return false
		}
	}
	name := pathName(path)
	id := "ApiGatewayResource" + name
	if other, taken := owner[id]; taken {
		r.errorf(t.pos, "the paths /%s and /%s make the same logical id, %s", other, path, id)
		return false
	}
	owner[id] = path
	r.resources.ids[path], r.resources.names[path] = ref(id), name
	r.service.resources.put(id, t.pos, obj{
		{"Type", "AWS::ApiGateway::Resource"},
		{"Properties", obj{
			{"ParentId", r.resource(parent)},
			{"PathPart", part},
			{"RestApiId", r.apiID()},
		}},
	})
	return true
}

// passes reports whether a path to a target leads on to a predefined resource.
func (r *rest) passes(target, path string) bool {
	for other := range r.resources.predefined {
		if strings.HasPrefix(other, path+"/") && (target == other || strings.HasPrefix(target, other+"/")) {
			return true
		}
	}
	return false
}

// readPredefined takes over the resources of an external API.
func (r *rest) readPredefined() {
	take := func(path string, id *template.Value) {
		path = strings.Trim(path, "/")
		r.resources.ids[path], r.resources.names[path], r.resources.predefined[path] = id, pathName(path), true
	}
	list := set(r.conf.Get("restApiResources"))
	if list == nil {
		return
	}
	for _, item := range list.Items {
		take(str(item, "path"), item.Get("resourceId"))
	}
	for _, f := range list.Fields {
		take(f.Key, f.Value)
	}
}
