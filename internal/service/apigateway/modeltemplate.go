package apigateway

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// outline is as much of a model's schema as a sample template needs.
type outline struct {
	Type       any                `json:"type"`
	Properties map[string]outline `json:"properties"`
	Items      *outline           `json:"items"`
}

// sampleTemplate is a mapping template that makes a payload of the structure of
// a model.
// https://docs.aws.amazon.com/apigateway/latest/api/API_GetModelTemplate.html
func sampleTemplate(schema string) (string, error) {
	var o outline
	if err := json.Unmarshal([]byte(schema), &o); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("#set($inputRoot = $input.path('$'))\n")
	o.write(&b, "$inputRoot", "elem", "")
	return b.String(), nil
}

// write writes the part of the template for what variable holds.
func (o *outline) write(b *strings.Builder, variable, item, indent string) {
	switch {
	case o.Type == "array" && o.Items != nil:
		b.WriteString("[\n" + indent + "#foreach($" + item + " in " + variable + ")\n" + indent + "  ")
		o.Items.write(b, "$"+item, item+"Elem", indent+"  ")
		b.WriteString("#if($foreach.hasNext),#end\n" + indent + "#end\n" + indent + "]")
	case o.Type == "object" || o.Properties != nil:
		b.WriteString("{ ")
		for i, name := range slices.Sorted(maps.Keys(o.Properties)) {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString("\n" + indent + "  \"" + name + "\" : ")
			p := o.Properties[name]
			p.write(b, variable+"."+name, name+"Elem", indent+"  ")
		}
		b.WriteString("\n" + indent + "}")
	case o.Type == "string" || o.Type == nil:
		b.WriteString(`"` + variable + `"`)
	default:
		b.WriteString(variable)
	}
}
