package resource

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/template"
)

// patch collects the operations that change something of API Gateway.
// https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html
type patch []apigateway.PatchOperation

func (p *patch) add(op, path, value string) {
	o := apigateway.PatchOperation{Op: &op, Path: &path}
	if op != "remove" {
		o.Value = &value
	}
	*p = append(*p, o)
}

// addTo is add for paths where a removal too has a value: which entry goes.
func (p *patch) addTo(op, path, value string) {
	*p = append(*p, apigateway.PatchOperation{Op: &op, Path: &path, Value: &value})
}

// scalar replaces what is at path when a property differs. Without the property
// it becomes fallback.
func (p *patch) scalar(old, new *template.Value, property, path, fallback string) {
	was, is := old.Get(property), new.Get(property)
	if was == nil && is == nil || was != nil && is != nil && template.Equal(was, is) {
		return
	}
	value := fallback
	if is != nil {
		value = is.Text
	}
	p.add("replace", path, value)
}

// entries adds, replaces and removes what differs in a map below path.
func (p *patch) entries(old, new *template.Value, path string) {
	if new != nil {
		for _, f := range new.Fields {
			if was := old.Get(f.Key); was == nil || !template.Equal(was, f.Value) {
				p.add("replace", path+"/"+pointer(f.Key), f.Value.Text)
			}
		}
	}
	if old != nil {
		for _, f := range old.Fields {
			if !new.Has(f.Key) {
				p.add("remove", path+"/"+pointer(f.Key), "")
			}
		}
	}
}

// members adds and removes what differs in a list of names below path.
func (p *patch) members(old, new []string, path string) {
	for _, s := range new {
		if !slices.Contains(old, s) {
			p.add("add", path+"/"+pointer(s), "")
		}
	}
	for _, s := range old {
		if !slices.Contains(new, s) {
			p.add("remove", path+"/"+pointer(s), "")
		}
	}
}

// pointer escapes one element of a path, RFC 6901.
func pointer(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
