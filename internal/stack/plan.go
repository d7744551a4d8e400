package stack

import (
	"bytes"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/stack/eval"
	"github.com/nube-run/nube/internal/template"
)

// Change is what a change set would do to one resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
type Change struct {
	Action       string // Add, Modify, Remove
	PolicyAction string `json:",omitempty"` // Delete, Retain, ReplaceAndDelete, ReplaceAndRetain
	LogicalID    string
	PhysicalID   string `json:",omitempty"`
	Type         string
	Replacement  string         `json:",omitempty"` // True, False, Conditional
	Scope        []string       `json:",omitempty"` // Properties, Metadata, DeletionPolicy, UpdateReplacePolicy
	Details      []ChangeDetail `json:",omitempty"`
}

// ChangeDetail is a property or attribute that differs.
type ChangeDetail struct {
	Attribute  string // Properties, Metadata, ...
	Name       string `json:",omitempty"` // of a property
	Recreation string `json:",omitempty"` // Never, Conditionally, Always
	Evaluation string // Static, Dynamic
	Source     string // DirectModification, ParameterReference, ResourceReference, ResourceAttribute
	Entity     string `json:",omitempty"` // the parameter, the resource or its attribute
}

// plan is the difference between a stack and a model.
type plan struct {
	changes []Change
	other   bool // something besides the resources: outputs, tags, notification targets, the role
}

func (p *plan) empty() bool { return len(p.changes) == 0 && !p.other }

// planner finds out what an update would do, as far as that can be known
// before it is done.
type planner struct {
	m         *model
	info      *Stack
	resources map[string]*Resource
	next      Settings
	actions   map[string]action // what becomes of the resources looked at so far
	out       plan
}

// plan compares a stack with a model.
func (e *Engine) plan(m *model, info *Stack, resources map[string]*Resource, next Settings) (*plan, error) {
	p := &planner{m: m, info: info, resources: resources, next: next, actions: map[string]action{}}
	if err := p.sameTypes(); err != nil {
		return nil, err
	}
	byID := map[string]*Change{}
	for _, id := range m.graph.order() {
		c, err := p.node(m.nodes[id])
		if err != nil {
			return nil, err
		}
		byID[id] = c
	}
	for _, id := range m.graph.names {
		if c := byID[id]; c != nil {
			p.out.changes = append(p.out.changes, *c)
		}
	}
	p.removals()
	p.out.other = !slices.Equal(info.Tags, next.Tags) || !slices.Equal(info.NotificationARNs, next.NotificationARNs) || info.RoleARN != next.RoleARN
	if len(p.out.changes) == 0 && !p.out.other {
		outputs, ds := m.evaluate(p.attribute)
		p.out.other = ds.HasErrors() || !slices.Equal(outputs, info.Outputs)
	}
	return &p.out, nil
}

// sameTypes refuses to give a logical id another type.
func (p *planner) sameTypes() error {
	var changed []string
	for _, id := range p.m.graph.names {
		if res := p.resources[id]; res != nil && res.exists() && res.Type != p.m.nodes[id].res.Type {
			changed = append(changed, id)
		}
	}
	if changed == nil {
		return nil
	}
	return invalid("Update of resource type is not permitted. The new template modifies resource type of the following resources: %s", bracketed(changed))
}

// attribute answers what a resource will yield; it knows that only of what
// stays as it is, and the name of what is updated.
func (p *planner) attribute(id, attribute string) (*template.Value, bool, error) {
	res := p.resources[id]
	if res == nil || !res.exists() {
		return nil, false, nil
	}
	switch p.actions[id] {
	case "":
	case actUpdate:
		if attribute != "" {
			return nil, false, nil
		}
	default:
		return nil, false, nil
	}
	v, known, err := attributeOf(res, attribute)
	return v, known && err == nil, nil
}

// node plans one resource; nil means that it stays as it is.
func (p *planner) node(n *node) (*Change, error) {
	id := n.res.LogicalID
	res := p.resources[id]
	if res == nil || !res.exists() {
		p.actions[id] = actCreate
		return &Change{Action: "Add", LogicalID: id, Type: n.res.Type}, nil
	}
	want, ds := p.m.resolve("Resources", n.want, p.attribute)
	if err := ds.Err(); err != nil {
		return nil, err
	}
	if want, ds = n.typ.Table.Check(n.typ.Schema, want, n.res.Pos); ds.HasErrors() {
		return nil, ds
	}
	want = tagged(n.typ, want, p.next.Tags)
	c := &Change{Action: "Modify", LogicalID: id, PhysicalID: res.PhysicalID, Type: res.Type, Replacement: "False"}
	var old *template.Value
	var diffs []difference
	if !same(res, want) {
		var err error
		if old, err = value(id, res.Properties); err != nil {
			return nil, err
		}
		diffs = compare(n.typ, old, want)
	}
	for _, d := range diffs {
		c.Details = append(c.Details, p.detail(n, want, d))
	}
	if len(diffs) > 0 {
		c.Scope = append(c.Scope, "Properties")
		c.Replacement = replacement(n.typ, old, want, diffs)
		p.actions[id] = actUpdate
		if c.Replacement != "False" {
			p.actions[id] = actReplace
			c.PolicyAction = "ReplaceAndDelete"
			if res.UpdateReplacePolicy == "Retain" {
				c.PolicyAction = "ReplaceAndRetain"
			}
		}
	}
	var v version
	v.declare(n)
	for _, a := range []struct {
		name    string
		differs bool
	}{
		{"Metadata", !bytes.Equal(v.Metadata, res.version.Metadata)},
		{"DeletionPolicy", v.DeletionPolicy != res.DeletionPolicy},
		{"UpdateReplacePolicy", v.UpdateReplacePolicy != res.UpdateReplacePolicy},
	} {
		if a.differs {
			c.Scope = append(c.Scope, a.name)
			c.Details = append(c.Details, ChangeDetail{Attribute: a.name, Evaluation: "Static", Source: "DirectModification"})
		}
	}
	if len(c.Scope) == 0 {
		return nil, nil
	}
	return c, nil
}

// replacement says whether an update would make a new physical resource.
func replacement(t *Type, old, want *template.Value, diffs []difference) string {
	known, may := true, false
	for _, d := range diffs {
		switch {
		case d.dynamic:
			known = false
			may = may || d.replaces
		case d.replaces:
			return "True"
		}
	}
	switch {
	case known && decide(t, old, want, diffs) == actReplace:
		return "True"
	case may:
		return "Conditional"
	}
	return "False"
}

// detail explains why a property differs.
func (p *planner) detail(n *node, want *template.Value, d difference) ChangeDetail {
	out := ChangeDetail{Attribute: "Properties", Name: d.name, Recreation: "Never", Evaluation: "Static", Source: "DirectModification"}
	if d.replaces {
		out.Recreation = "Always"
	}
	if d.dynamic {
		out.Evaluation = "Dynamic"
		if refs := eval.References(want.Get(d.name)); len(refs) > 0 {
			out.Source, out.Entity = "ResourceReference", refs[0].LogicalID
			if refs[0].Attribute != "" {
				out.Source, out.Entity = "ResourceAttribute", refs[0].LogicalID+"."+refs[0].Attribute
			}
		}
		return out
	}
	if name := p.changedParameter(n.res.Properties.Get(d.name)); name != "" {
		out.Source, out.Entity = "ParameterReference", name
	}
	return out
}

// changedParameter returns a parameter that a value of the template mentions
// and that has another value now.
func (p *planner) changedParameter(v *template.Value) string {
	if v == nil {
		return ""
	}
	if fn, arg, ok := v.Call(); ok && (fn == "Ref" || fn == "Fn::Sub") {
		for _, next := range p.next.Parameters {
			i := slices.IndexFunc(p.info.Parameters, func(q Parameter) bool { return q.Key == next.Key })
			if i < 0 || p.info.Parameters[i].Value == next.Value {
				continue
			}
			text := arg
			if arg.Kind == template.List && len(arg.Items) > 0 {
				text = arg.Items[0]
			}
			if fn == "Ref" && text.Text == next.Key || fn == "Fn::Sub" && strings.Contains(text.Text, "${"+next.Key+"}") {
				return next.Key
			}
		}
	}
	for _, item := range v.Items {
		if name := p.changedParameter(item); name != "" {
			return name
		}
	}
	for _, f := range v.Fields {
		if name := p.changedParameter(f.Value); name != "" {
			return name
		}
	}
	return ""
}

// removals plans what the model has no more.
func (p *planner) removals() {
	var gone []string
	for id, res := range p.resources {
		if p.m.nodes[id] == nil && res.exists() {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		res := p.resources[id]
		c := Change{Action: "Remove", LogicalID: id, PhysicalID: res.PhysicalID, Type: res.Type, PolicyAction: "Delete"}
		if res.DeletionPolicy == "Retain" || res.DeletionPolicy == "RetainExceptOnCreate" {
			c.PolicyAction = "Retain"
		}
		p.out.changes = append(p.out.changes, c)
	}
}
