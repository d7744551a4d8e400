package manifest

import (
	"fmt"

	"github.com/nube-run/nube/internal/template"
)

// Artifact is what the builder made of a [Code].
type Artifact struct {
	Digest string // names the content; stands in the template as {"nube:Artifact": Digest}
	SHA256 string // base64, as CodeSha256 of a version
}

// Deployable returns the template with the artifacts in the place of paths. It asks for the artifact of each function and
// layer by its key. A version carries the digest of its function's code, so that a change of the code alone is a new version.
func (p *Project) Deployable(function, layer func(key string) (Artifact, bool)) (*template.Template, error) {
	t := *p.Template
	t.Resources = append([]template.Resource(nil), t.Resources...)
	for _, f := range p.Functions {
		a, ok := function(f.Key)
		if !ok {
			return nil, fmt.Errorf("the function %s has not been built", f.Key)
		}
		if err := setProperty(&t, f.LogicalID, "Code", CodeArtifact, a.Digest); err != nil {
			return nil, err
		}
		if f.VersionID != "" {
			if err := setProperty(&t, f.VersionID, "CodeSha256", "", a.SHA256); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range p.Layers {
		a, ok := layer(l.Key)
		if !ok {
			return nil, fmt.Errorf("the layer %s has not been built", l.Key)
		}
		if err := setProperty(&t, l.LogicalID, "Content", CodeArtifact, a.Digest); err != nil {
			return nil, err
		}
	}
	return &t, nil
}

// setProperty replaces a property of a resource by a text, or by a map of one key that holds it.
func setProperty(t *template.Template, id, property, key, text string) error {
	r, ok := t.Resource(id)
	if !ok {
		return fmt.Errorf("the template has no resource %s", id)
	}
	pos := r.Properties.At()
	var v *template.Value
	if key == "" {
		v = template.New(pos, text)
	} else {
		v = template.New(pos, template.Object{{key, text}})
	}
	r.Properties = r.Properties.With(property, v)
	return nil
}
