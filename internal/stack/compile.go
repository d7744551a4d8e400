package stack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// model is a template bound to its parameters and checked: what a stack is to
// become.
type model struct {
	env     *eval.Env
	warn    template.Diagnostics
	graph   graph
	nodes   map[string]*node
	outputs []output
	imports []string // names of exports that it uses, sorted
}

// node is a resource of a model.
type node struct {
	res  *template.Resource
	typ  *Type
	want *template.Value // properties, reduced as far as the other resources allow
	deps []string        // logical ids, sorted
	// needs are deps and what they need in turn: what is stored with the
	// resource, so that its place in any order is known when the template that
	// gave it is gone.
	needs []string
	// refs are the references in want, to tell what a change depends on.
	refs []eval.Reference
}

// output is an output of a model that exists.
type output struct {
	decl   *template.Output
	value  *template.Value
	export *template.Value // or nil
}

// compile checks a template and reduces it. imported looks up the exports of
// other stacks. Everything that can be known to be wrong before the first
// resource is touched is found here.
func (e *Engine) compile(t *template.Template, params eval.Parameters, st eval.Stack, imported func(name string) (string, bool)) (*model, template.Diagnostics) {
	env, ds := eval.New(t, params, st)
	if ds.HasErrors() {
		return nil, ds
	}
	m := &model{env: env, nodes: make(map[string]*node, len(t.Resources))}
	env.Import = func(name string) (string, bool) {
		v, ok := imported(name)
		if i, found := slices.BinarySearch(m.imports, name); ok && !found {
			m.imports = slices.Insert(m.imports, i, name)
		}
		return v, ok
	}
	var names []string
	for i := range t.Resources {
		n, more := e.node(m, &t.Resources[i])
		ds = append(ds, more...)
		if n != nil {
			names = append(names, n.res.LogicalID)
			m.nodes[n.res.LogicalID] = n
		}
	}
	for i := range t.Outputs {
		ds = append(ds, m.output(&t.Outputs[i])...)
	}
	if ds.HasErrors() {
		return nil, ds
	}
	for _, name := range names {
		ds = append(ds, m.attributes(m.nodes[name].refs)...)
	}
	for _, o := range m.outputs {
		ds = append(ds, m.attributes(eval.References(o.value))...)
	}
	m.graph = newGraph(names, func(name string) []string { return m.nodes[name].deps })
	if c := m.graph.cycle(); c != nil {
		ds = append(ds, m.circular(c))
	}
	if ds.HasErrors() {
		return nil, ds
	}
	for _, name := range m.graph.order() {
		n := m.nodes[name]
		n.needs = slices.Clone(n.deps)
		for _, d := range n.deps {
			if dep := m.nodes[d]; dep != nil {
				n.needs = append(n.needs, dep.needs...)
			}
		}
		slices.Sort(n.needs)
		n.needs = slices.Compact(n.needs)
	}
	m.warn = ds
	return m, ds
}

// node checks one resource; it is nil when its condition is false or its type
// unknown.
func (e *Engine) node(m *model, r *template.Resource) (*node, template.Diagnostics) {
	var ds template.Diagnostics
	if r.Condition != nil {
		if _, ok := m.env.Template.Condition(r.Condition.Text); !ok {
			ds = append(ds, template.Errorf(r.Condition.Pos, "Template format error: Unresolved condition dependency %s in the Resources block of the template", r.Condition.Text))
			return nil, ds
		}
	}
	typ := e.types.Find(r.Type)
	if typ == nil {
		return nil, append(ds, e.types.unknown(r))
	}
	if !m.env.Active(r.Condition) {
		return nil, ds
	}
	ds = append(ds, refused(r)...)
	want, more := m.env.Value("Resources", r.Properties)
	ds = append(ds, more...)
	want, more = typ.Table.Check(typ.Schema, want, r.Pos)
	ds = append(ds, more...)
	for _, path := range typ.Refused {
		for _, f := range within(want, strings.Split(path, ".")) {
			if text, ok := f.Value.AsString(); ok && text == "" {
				continue // says nothing: the Serverless Framework writes an empty Policy for every API
			}
			ds = append(ds, template.Errorf(f.Pos, "the property %s of %s is not supported", path, r.Type))
		}
	}
	for _, ig := range typ.Ignored {
		for _, f := range within(want, strings.Split(ig.Property, ".")) {
			ds = append(ds, template.Warningf(f.Pos, "the property %s of %s has no effect: %s", ig.Property, r.Type, ig.Why))
		}
	}
	n := &node{res: r, typ: typ, want: want, refs: eval.References(want)}
	for _, ref := range n.refs {
		n.dependOn(ref.LogicalID)
	}
	for _, d := range r.DependsOn {
		if _, ok := m.env.Template.Resource(d.Text); !ok {
			diag := template.Errorf(d.Pos, "Template format error: Unresolved resource dependencies [%s] in the Resources block of the template", d.Text)
			if near := nearest(d.Text, m.env.Template); near != "" {
				diag = diag.WithHint("did you mean %s?", near)
			}
			ds = append(ds, diag)
			continue
		}
		n.dependOn(d.Text)
	}
	return n, ds
}

// within returns the fields at a path, in each element of a list on the way.
func within(v *template.Value, path []string) []template.Field {
	if v == nil {
		return nil
	}
	var out []template.Field
	for _, item := range v.Items {
		out = append(out, within(item, path)...)
	}
	f, ok := v.Field(path[0])
	switch {
	case !ok:
		return out
	case len(path) == 1:
		return append(out, f)
	}
	return append(out, within(f.Value, path[1:])...)
}

func (n *node) dependOn(id string) {
	if i, found := slices.BinarySearch(n.deps, id); !found {
		n.deps = slices.Insert(n.deps, i, id)
	}
}

func nearest(id string, t *template.Template) string {
	ids := make([]string, len(t.Resources))
	for i := range t.Resources {
		ids[i] = t.Resources[i].LogicalID
	}
	return template.Suggest(id, ids)
}

// refused complains about resource attributes that would do nothing here.
func refused(r *template.Resource) template.Diagnostics {
	var ds template.Diagnostics
	for _, p := range []string{r.DeletionPolicy, r.UpdateReplacePolicy} {
		if p == "Snapshot" {
			ds = append(ds, template.Errorf(r.Pos, "Template error: resource type %s does not support Snapshot deletion policy", r.Type).
				WithHint("use Retain or Delete"))
		}
	}
	if r.CreationPolicy != nil {
		ds = append(ds, template.Errorf(r.CreationPolicy.Pos, "CreationPolicy is not supported for %s", r.Type).
			WithHint("nothing sends the signals that it waits for"))
	}
	if r.UpdatePolicy != nil {
		ds = append(ds, template.Errorf(r.UpdatePolicy.Pos, "UpdatePolicy is not supported for %s", r.Type).
			WithHint("leave it out: a change takes effect at once"))
	}
	return ds
}

// attributes checks that Fn::GetAtt asks for what the types have.
func (m *model) attributes(refs []eval.Reference) template.Diagnostics {
	var ds template.Diagnostics
	for _, ref := range refs {
		n := m.nodes[ref.LogicalID]
		if ref.Attribute == "" || n == nil || n.typ.hasAttribute(ref.Attribute) {
			continue
		}
		d := template.Errorf(ref.Pos, "Template error: resource %s does not support attribute type %s in Fn::GetAtt", ref.LogicalID, ref.Attribute)
		attrs := append(slices.Clone(n.typ.Schema.Attributes), n.typ.Attributes...)
		switch near := template.Suggest(ref.Attribute, attrs); {
		case near != "":
			d = d.WithHint("did you mean %s?", near)
		case len(attrs) == 0:
			d = d.WithHint("%s has no attributes", n.typ.Schema.Name)
		default:
			d = d.WithHint("%s has %s", n.typ.Schema.Name, strings.Join(attrs, ", "))
		}
		ds = append(ds, d)
	}
	return ds
}

// output checks one output.
func (m *model) output(o *template.Output) template.Diagnostics {
	if o.Condition != nil {
		if _, ok := m.env.Template.Condition(o.Condition.Text); !ok {
			return template.Diagnostics{template.Errorf(o.Condition.Pos, "Template format error: Unresolved condition dependency %s in the Outputs block of the template", o.Condition.Text)}
		}
		if !m.env.Active(o.Condition) {
			return nil
		}
	}
	v, ds := m.env.Value("Outputs", o.Value)
	out := output{decl: o, value: v}
	if o.Export != nil {
		var more template.Diagnostics
		out.export, more = m.env.Value("Outputs", o.Export)
		ds = append(ds, more...)
		if refs := eval.References(out.export); len(refs) > 0 {
			ds = append(ds, template.Errorf(o.Export.Pos, "Template format error: Output %s is malformed. The Name field of an Export must not depend on any resources, imported values, or Fn::GetAZs.", o.Name))
		}
	}
	if v == nil && !ds.HasErrors() {
		ds = append(ds, template.Errorf(o.Value.At(), "Template format error: Output %s is malformed.", o.Name).
			WithHint("its value is AWS::NoValue; give the output a Condition instead"))
	}
	m.outputs = append(m.outputs, out)
	return ds
}

// circular reports a cycle as AWS does, with the path as notes.
func (m *model) circular(c []int) template.Diagnostic {
	names := make([]string, len(c)-1)
	for i := range names {
		names[i] = m.graph.names[c[i]]
	}
	first := m.nodes[names[0]]
	d := template.Errorf(first.res.Pos, "Circular dependency between resources: [%s]", strings.Join(names, ", "))
	for i, name := range names {
		n := m.nodes[name]
		next := m.graph.names[c[i+1]]
		pos, how := n.res.Pos, "DependsOn"
		for _, ref := range n.refs {
			if ref.LogicalID == next {
				pos, how = ref.Pos, "Ref"
				if ref.Attribute != "" {
					how = "Fn::GetAtt " + ref.Attribute
				}
				break
			}
		}
		if how == "DependsOn" {
			for _, dep := range n.res.DependsOn {
				if dep.Text == next {
					pos = dep.Pos
				}
			}
		}
		d = d.WithNote(pos, "%s needs %s (%s)", name, next, how)
	}
	return d
}

// resolve evaluates a value of a model with what the resources are now.
func (m *model) resolve(section string, v *template.Value, attribute func(logicalID, attribute string) (*template.Value, bool, error)) (*template.Value, template.Diagnostics) {
	env := *m.env
	env.Attribute = attribute
	return env.Value(section, v)
}

// attributeOf returns what a resource yields, as package eval asks for it.
func attributeOf(r *Resource, attribute string) (*template.Value, bool, error) {
	if attribute == "" {
		return template.New(template.Pos{}, r.PhysicalID), true, nil
	}
	v, ok := r.Attrs[attribute]
	if !ok {
		return nil, true, fmt.Errorf("Attribute '%s' does not exist", attribute)
	}
	return template.New(template.Pos{}, v), true, nil
}
