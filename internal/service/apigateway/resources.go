package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerResources() {
	awsapi.Handle(s.api, shapes.CreateResource, on("POST", func(in *shapes.CreateResourceRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/resources/" + value(in.ParentId)
	}), s.createResource)
	awsapi.Handle(s.api, shapes.GetResource, on("GET", func(in *shapes.GetResourceRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/resources/" + value(in.ResourceId)
	}), s.getResource)
	awsapi.Handle(s.api, shapes.GetResources, on("GET", func(in *shapes.GetResourcesRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/resources"
	}), s.getResources)
	awsapi.Handle(s.api, shapes.UpdateResource, on("PATCH", func(in *shapes.UpdateResourceRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/resources/" + value(in.ResourceId)
	}), s.updateResource)
	awsapi.Handle(s.api, shapes.DeleteResource, on("DELETE", func(in *shapes.DeleteResourceRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/resources/" + value(in.ResourceId)
	}), s.deleteResource)
}

// partPattern is what a path part may be: plain characters, or a parameter in
// braces, greedy with a plus sign.
var partPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[a-zA-Z0-9._\-:~$*!'(),;=&@+%]+|\{[a-zA-Z0-9._\-:]+\+?\})$`)
})

func (r *resource) shape(embed []string) shapes.Resource {
	out := shapes.Resource{Id: &r.ID, Path: &r.Path}
	if r.Parent != "" {
		out.ParentId, out.PathPart = &r.Parent, &r.PathPart
	}
	if len(r.Methods) > 0 {
		out.ResourceMethods = map[string]shapes.Method{}
		for name, m := range r.Methods {
			if slices.Contains(embed, "methods") {
				out.ResourceMethods[name] = *m
			} else {
				out.ResourceMethods[name] = shapes.Method{}
			}
		}
	}
	return out
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html
func (s *Service) createResource(ctx context.Context, in *shapes.CreateResourceRequest) (*shapes.Resource, error) {
	if !partPattern().MatchString(*in.PathPart) {
		return nil, badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	r := &resource{ID: newID(6), Parent: *in.ParentId, PathPart: *in.PathPart}
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		siblings, err := list[resource](tx, sp.resources(*a.Id))
		if err != nil {
			return err
		}
		parent := slices.IndexFunc(siblings, func(o *resource) bool { return o.ID == r.Parent })
		if parent < 0 {
			return noSuchResource()
		}
		if err := r.place(siblings[parent], siblings); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.resource(*a.Id, r.ID), r)
	})
	if err != nil {
		return nil, err
	}
	return ptr(r.shape(nil)), nil
}

// place gives a new resource its path below the parent.
func (r *resource) place(parent *resource, siblings []*resource) error {
	if strings.HasSuffix(parent.PathPart, "+}") {
		return badRequest("Cannot create a child of a resource with a greedy path variable {%s}", strings.Trim(parent.PathPart, "{}"))
	}
	for _, o := range siblings {
		if o.Parent != r.Parent {
			continue
		}
		if o.PathPart == r.PathPart {
			return conflict("Another resource with the same parent already has this name: %s", r.PathPart)
		}
		if isParameter(o.PathPart) && isParameter(r.PathPart) && strings.HasSuffix(o.PathPart, "+}") == strings.HasSuffix(r.PathPart, "+}") {
			return badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", o.PathPart)
		}
	}
	r.Path = strings.TrimSuffix(parent.Path, "/") + "/" + r.PathPart
	return nil
}

func isParameter(part string) bool { return strings.HasPrefix(part, "{") }

func (s *Service) readResource(ctx context.Context, apiID, id string) (*resource, error) {
	var r *resource
	err := s.view(ctx, func(sn *kv.Snap, sp space) error {
		a, err := jsonrow.Load[api](sn, sp.api(apiID))
		if err != nil {
			return err
		}
		if a == nil {
			return noSuchAPI(apiID)
		}
		r, err = jsonrow.Load[resource](sn, sp.resource(apiID, id))
		return err
	})
	if err == nil && r == nil {
		err = noSuchResource()
	}
	return r, err
}

func (s *Service) getResource(ctx context.Context, in *shapes.GetResourceRequest) (*shapes.Resource, error) {
	r, err := s.readResource(ctx, *in.RestApiId, *in.ResourceId)
	if err != nil {
		return nil, err
	}
	return ptr(r.shape(in.Embed)), nil
}

func (s *Service) getResources(ctx context.Context, in *shapes.GetResourcesRequest) (*shapes.Resources, error) {
	if _, err := s.readAPI(ctx, *in.RestApiId); err != nil {
		return nil, err
	}
	var rs []*resource
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		rs, err = list[resource](sn, sp.resources(*in.RestApiId))
		return err
	})
	if err != nil {
		return nil, err
	}
	rs, next, err := page(rs, in.Position, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &shapes.Resources{Items: []shapes.Resource{}, Position: next}
	for _, r := range rs {
		out.Items = append(out.Items, r.shape(in.Embed))
	}
	return out, nil
}

// changeResource runs fn on a resource and stores it.
func (s *Service) changeResource(ctx context.Context, apiID, id string, fn func(tx *kv.Tx, sp space, r *resource) error) error {
	return s.update(ctx, apiID, func(tx *kv.Tx, sp space, a *api) error {
		r, err := jsonrow.Load[resource](tx, sp.resource(*a.Id, id))
		if err != nil {
			return err
		}
		if r == nil {
			return noSuchResource()
		}
		if err := fn(tx, sp, r); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.resource(*a.Id, id), r)
	})
}

// updateResource renames a resource or moves it below another; the paths of
// everything below it follow.
func (s *Service) updateResource(ctx context.Context, in *shapes.UpdateResourceRequest) (*shapes.Resource, error) {
	var out shapes.Resource
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		all, err := list[resource](tx, sp.resources(*a.Id))
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(o *resource) bool { return o.ID == *in.ResourceId })
		if at < 0 {
			return noSuchResource()
		}
		r := all[at]
		for _, p := range in.PatchOperations {
			switch value(p.Path) {
			case "/pathPart":
				r.PathPart = value(p.Value)
			case "/parentId":
				r.Parent = value(p.Value)
			default:
				return badPatch(p)
			}
		}
		if !partPattern().MatchString(r.PathPart) {
			return badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
		}
		others := slices.Delete(slices.Clone(all), at, at+1)
		parent := slices.IndexFunc(others, func(o *resource) bool { return o.ID == r.Parent })
		if parent < 0 {
			return noSuchResource()
		}
		if below(others[parent], r, all) {
			return badRequest("Cannot move resource %s below itself", r.ID)
		}
		if err := r.place(others[parent], others); err != nil {
			return err
		}
		out = r.shape(nil)
		return moveBelow(tx, sp, *a.Id, r, all)
	})
	return &out, err
}

// below reports whether one resource lies below another.
func below(r, top *resource, all []*resource) bool {
	for r.ID != top.ID {
		parent := r.Parent
		at := slices.IndexFunc(all, func(o *resource) bool { return o.ID == parent })
		if at < 0 {
			return false
		}
		r = all[at]
	}
	return true
}

func moveBelow(tx *kv.Tx, sp space, apiID string, r *resource, all []*resource) error {
	if err := jsonrow.Set(tx, sp.resource(apiID, r.ID), r); err != nil {
		return err
	}
	for _, o := range all {
		if o.Parent == r.ID {
			o.Path = strings.TrimSuffix(r.Path, "/") + "/" + o.PathPart
			if err := moveBelow(tx, sp, apiID, o, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// deleteResource deletes a resource and all below it.
func (s *Service) deleteResource(ctx context.Context, in *shapes.DeleteResourceRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		if *in.ResourceId == *a.RootResourceId {
			return badRequest("Root resource cannot be deleted")
		}
		all, err := list[resource](tx, sp.resources(*a.Id))
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(o *resource) bool { return o.ID == *in.ResourceId })
		if at < 0 {
			return noSuchResource()
		}
		deleteBelow(tx, sp, *a.Id, all[at], all)
		return nil
	})
}

func deleteBelow(tx *kv.Tx, sp space, apiID string, r *resource, all []*resource) {
	tx.Delete(sp.resource(apiID, r.ID))
	for _, o := range all {
		if o.Parent == r.ID {
			deleteBelow(tx, sp, apiID, o, all)
		}
	}
}
