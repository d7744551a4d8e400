package template

import "strings"

// Parse reads a file as a CloudFormation template, YAML or JSON.
func Parse(f *File) (*Template, Diagnostics) {
	var v *Value
	var ds Diagnostics
	if text := strings.TrimLeft(string(f.Text), " \t\r\n\ufeff"); strings.HasPrefix(text, "{") {
		// A body handed to the API has no name to go by. Whatever begins like JSON is read as JSON first, because YAML
		// forbids the tabs that JSON is often indented with; flow-style YAML falls through.
		if v, ds = ReadJSON(f); ds.HasErrors() {
			if y, yds := ReadYAML(f); !yds.HasErrors() {
				v, ds = y, yds
			}
		}
	} else {
		v, ds = Read(f)
	}
	if ds.HasErrors() {
		return nil, ds
	}
	t, more := Decode(v)
	return t, append(ds, more...)
}

// Decode reads a value as a CloudFormation template. It reports what does not fit the template anatomy; the template is
// nil when that is an error.
func Decode(v *Value) (*Template, Diagnostics) {
	d := decoder{}
	t := d.template(v)
	if d.diags.HasErrors() {
		return nil, d.diags
	}
	return t, d.diags
}

type decoder struct{ diags Diagnostics }

func (d *decoder) errorf(pos Pos, format string, args ...any) *Diagnostic {
	d.diags = append(d.diags, Errorf(pos, format, args...))
	return &d.diags[len(d.diags)-1]
}

// unknown reports a key that is none of the known ones.
func (d *decoder) unknown(f Field, where string, known ...string) {
	e := d.errorf(f.Pos, "unknown key %q %s", f.Key, where)
	if s := Suggest(f.Key, known); s != "" {
		*e = e.WithHint("did you mean %q?", s)
	} else {
		*e = e.WithHint("the keys here are %s", strings.Join(known, ", "))
	}
}

// mapping reports whether a value is a map, and says so when it is not.
func (d *decoder) mapping(v *Value, pos Pos, what string) bool {
	if v == nil || v.Kind != Map {
		kind := Null
		if v != nil {
			kind = v.Kind
			pos = v.Pos
		}
		d.errorf(pos, "%s must be a map, and this is a %s", what, kind)
		return false
	}
	return true
}

// text returns a scalar as a string, and complains about anything else.
func (d *decoder) text(f Field) string {
	s, ok := f.Value.AsString()
	if !ok {
		d.errorf(f.Value.At(), "%s must be a string, and this is a %s", f.Key, f.Value.Kind)
	}
	return s
}

func (d *decoder) template(v *Value) *Template {
	if !d.mapping(v, v.At(), "a template") {
		return nil
	}
	t := &Template{Pos: v.Pos}
	resources := false
	for _, f := range v.Fields {
		switch f.Key {
		case "AWSTemplateFormatVersion":
			if t.FormatVersion = d.text(f); t.FormatVersion != "2010-09-09" {
				d.errorf(f.Value.Pos, "the template format version %q is not supported", t.FormatVersion)
			}
		case "Description":
			t.Description = d.text(f)
		case "Transform":
			t.Transform = f.Value
		case "Metadata":
			t.Metadata = f.Value
		case "Rules":
			t.Rules = f.Value
		case "Parameters":
			d.each(f, func(e Field) { t.Parameters = append(t.Parameters, d.parameter(e)) })
		case "Mappings":
			d.each(f, func(e Field) { t.Mappings = append(t.Mappings, d.mappingEntry(e)) })
		case "Conditions":
			d.each(f, func(e Field) { t.Conditions = append(t.Conditions, Condition{Name: e.Key, Pos: e.Pos, Body: e.Value}) })
		case "Resources":
			resources = true
			d.each(f, func(e Field) { t.Resources = append(t.Resources, d.resource(e)) })
		case "Outputs":
			d.each(f, func(e Field) { t.Outputs = append(t.Outputs, d.output(e)) })
		default:
			d.unknown(f, "in the template", "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules",
				"Mappings", "Conditions", "Transform", "Resources", "Outputs")
		}
	}
	if !resources {
		d.errorf(v.Pos, "at least one Resources member must be defined")
	}
	return t
}

// each visits the entries of a section and checks their names.
func (d *decoder) each(section Field, visit func(Field)) {
	if section.Value.IsNull() && section.Key != "Resources" {
		return
	}
	if !d.mapping(section.Value, section.Pos, section.Key) {
		return
	}
	for _, e := range section.Value.Fields {
		if section.Key != "Mappings" && !alphanumeric(e.Key) && !strings.HasPrefix(e.Key, "Fn::ForEach::") {
			d.errorf(e.Pos, "the name %q in %s must be alphanumeric", e.Key, section.Key)
			continue
		}
		visit(e)
	}
}

// alphanumeric reports whether a logical id has only letters and digits.
func alphanumeric(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return s != ""
}

func (d *decoder) parameter(e Field) Parameter {
	p := Parameter{Name: e.Key, Pos: e.Pos, Body: e.Value}
	if !d.mapping(e.Value, e.Pos, "a parameter") {
		return p
	}
	for _, f := range e.Value.Fields {
		switch f.Key {
		case "Type":
			p.Type = d.text(f)
		case "Default", "AllowedPattern", "AllowedValues", "ConstraintDescription", "Description", "MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho":
		default:
			d.unknown(f, "in a parameter", "AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description",
				"MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho", "Type")
		}
	}
	if p.Type == "" {
		d.errorf(e.Pos, "the parameter %s has no Type", e.Key)
	}
	return p
}

func (d *decoder) mappingEntry(e Field) Mapping {
	if d.mapping(e.Value, e.Pos, "a mapping") && !e.Value.Has("Fn::Transform") {
		for _, f := range e.Value.Fields {
			d.mapping(f.Value, f.Pos, "an entry of a mapping")
		}
	}
	return Mapping{Name: e.Key, Pos: e.Pos, Body: e.Value}
}

func (d *decoder) resource(e Field) Resource {
	r := Resource{LogicalID: e.Key, Pos: e.Pos}
	if strings.HasPrefix(e.Key, "Fn::") {
		d.errorf(e.Pos, "%s is not supported in Resources", e.Key)
		return r
	}
	if !d.mapping(e.Value, e.Pos, "a resource") {
		return r
	}
	for _, f := range e.Value.Fields {
		switch f.Key {
		case "Type":
			r.Type, r.TypePos = d.text(f), f.Value.Pos
		case "Properties":
			if !f.Value.IsNull() && d.mapping(f.Value, f.Pos, "Properties") {
				r.Properties = f.Value
			}
		case "DependsOn":
			r.DependsOn = d.dependsOn(f)
		case "Condition":
			d.text(f)
			r.Condition = f.Value
		case "DeletionPolicy":
			r.DeletionPolicy = d.policy(f, "Delete", "Retain", "Snapshot", "RetainExceptOnCreate")
		case "UpdateReplacePolicy":
			r.UpdateReplacePolicy = d.policy(f, "Delete", "Retain", "Snapshot")
		case "CreationPolicy":
			r.CreationPolicy = f.Value
		case "UpdatePolicy":
			r.UpdatePolicy = f.Value
		case "Metadata":
			r.Metadata = f.Value
		default:
			d.unknown(f, "in a resource", "Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy",
				"CreationPolicy", "UpdatePolicy", "Metadata")
		}
	}
	if r.Type == "" {
		d.errorf(e.Pos, "the resource %s has no Type", e.Key)
	}
	return r
}

// dependsOn reads one logical id or a list of them.
func (d *decoder) dependsOn(f Field) []*Value {
	items := []*Value{f.Value}
	if f.Value.Kind == List {
		items = f.Value.Items
	}
	for _, v := range items {
		if v.Kind != String {
			d.errorf(v.Pos, "DependsOn takes logical ids, and this is a %s", v.Kind)
		}
	}
	return items
}

func (d *decoder) policy(f Field, allowed ...string) string {
	s := d.text(f)
	for _, a := range allowed {
		if s == a {
			return s
		}
	}
	e := d.errorf(f.Value.At(), "%s must be one of %s", f.Key, strings.Join(allowed, ", "))
	if near := Suggest(s, allowed); near != "" {
		*e = e.WithHint("did you mean %q?", near)
	}
	return ""
}

func (d *decoder) output(e Field) Output {
	o := Output{Name: e.Key, Pos: e.Pos}
	if !d.mapping(e.Value, e.Pos, "an output") {
		return o
	}
	for _, f := range e.Value.Fields {
		switch f.Key {
		case "Value":
			o.Value = f.Value
		case "Description":
			o.Description = d.text(f)
		case "Condition":
			d.text(f)
			o.Condition = f.Value
		case "Export":
			if d.mapping(f.Value, f.Pos, "Export") {
				if o.Export = f.Value.Get("Name"); o.Export == nil {
					d.errorf(f.Pos, "Export has no Name")
				}
			}
		default:
			d.unknown(f, "in an output", "Value", "Description", "Export", "Condition")
		}
	}
	if o.Value == nil {
		d.errorf(e.Pos, "the output %s has no Value", e.Key)
	}
	return o
}
