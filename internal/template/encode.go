package template

// Value returns the template as one map: the body that GetTemplate answers and that a store keeps. Decode of it gives the
// same template.
func (t *Template) Value() *Value {
	v := &Value{Kind: Map, Pos: t.Pos}
	put := func(key string, x *Value) {
		if x != nil {
			v.Fields = append(v.Fields, Field{Key: key, Pos: x.Pos, Value: x})
		}
	}
	put("AWSTemplateFormatVersion", optional(t.Pos, t.FormatVersion))
	put("Description", optional(t.Pos, t.Description))
	put("Transform", t.Transform)
	put("Metadata", t.Metadata)
	put("Parameters", section(t.Parameters, func(p Parameter) Field { return Field{p.Name, p.Pos, p.Body} }))
	put("Rules", t.Rules)
	put("Mappings", section(t.Mappings, func(m Mapping) Field { return Field{m.Name, m.Pos, m.Body} }))
	put("Conditions", section(t.Conditions, func(c Condition) Field { return Field{c.Name, c.Pos, c.Body} }))
	resources := section(t.Resources, func(r Resource) Field { return Field{r.LogicalID, r.Pos, r.Value()} })
	if resources == nil {
		resources = &Value{Kind: Map, Pos: t.Pos} // the one section that must be there
	}
	put("Resources", resources)
	put("Outputs", section(t.Outputs, func(o Output) Field { return Field{o.Name, o.Pos, o.body()} }))
	return v
}

// section builds a map out of the entries of a section, nil when there are none.
func section[T any](entries []T, field func(T) Field) *Value {
	if len(entries) == 0 {
		return nil
	}
	v := &Value{Kind: Map}
	for _, e := range entries {
		v.Fields = append(v.Fields, field(e))
	}
	v.Pos = v.Fields[0].Pos
	return v
}

// optional returns a string, or nil when it is empty.
func optional(pos Pos, s string) *Value {
	if s == "" {
		return nil
	}
	return New(pos, s)
}

// Value returns the resource as the map that stands under its logical id.
func (r *Resource) Value() *Value {
	v := &Value{Kind: Map, Pos: r.Pos}
	put := func(key string, x *Value) {
		if x != nil {
			v.Fields = append(v.Fields, Field{Key: key, Pos: x.Pos, Value: x})
		}
	}
	put("Type", optional(r.TypePos, r.Type))
	put("Properties", r.Properties)
	if len(r.DependsOn) > 0 {
		put("DependsOn", New(r.Pos, r.DependsOn))
	}
	put("Condition", r.Condition)
	put("DeletionPolicy", optional(r.Pos, r.DeletionPolicy))
	put("UpdateReplacePolicy", optional(r.Pos, r.UpdateReplacePolicy))
	put("CreationPolicy", r.CreationPolicy)
	put("UpdatePolicy", r.UpdatePolicy)
	put("Metadata", r.Metadata)
	return v
}

// body returns the output as the map that stands under its name.
func (o *Output) body() *Value {
	v := &Value{Kind: Map, Pos: o.Pos}
	put := func(key string, x *Value) {
		if x != nil {
			v.Fields = append(v.Fields, Field{Key: key, Pos: x.Pos, Value: x})
		}
	}
	put("Description", optional(o.Pos, o.Description))
	put("Value", o.Value)
	if o.Export != nil {
		put("Export", &Value{Kind: Map, Pos: o.Export.Pos, Fields: []Field{{Key: "Name", Pos: o.Export.Pos, Value: o.Export}}})
	}
	put("Condition", o.Condition)
	return v
}
