package template

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Call returns the intrinsic function that v is: a map with the one key Ref, Condition or Fn::Something.
func (v *Value) Call() (fn string, arg *Value, ok bool) {
	if v == nil || v.Kind != Map || len(v.Fields) != 1 {
		return "", nil, false
	}
	f := v.Fields[0]
	if f.Key == "Ref" || f.Key == "Condition" || strings.HasPrefix(f.Key, "Fn::") {
		return f.Key, f.Value, true
	}
	return "", nil, false
}

// Functions returns the intrinsic functions in their long forms, sorted.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
func Functions() []string {
	return []string{
		"Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::ForEach", "Fn::GetAZs", "Fn::GetAtt",
		"Fn::GetStackOutput", "Fn::If", "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub",
		"Fn::ToJsonString", "Fn::Transform", "Ref",
	}
}

// tag returns the long form of a node's short tag, and whether there is one. An unknown tag is reported.
func (w *walker) tag(n *yaml.Node) (fn string, custom bool) {
	if n.Style&yaml.TaggedStyle == 0 || n.Tag == "!" || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return "", false
	}
	short := strings.TrimPrefix(n.Tag, "!")
	shorts := make([]string, 0, 24)
	for _, long := range Functions() {
		name := strings.TrimPrefix(long, "Fn::")
		if name == short {
			return long, true
		}
		shorts = append(shorts, "!"+name)
	}
	d := Errorf(w.pos(n), "unknown tag %s", n.Tag)
	if s := Suggest(n.Tag, shorts); s != "" {
		d = d.WithHint("did you mean %s?", s)
	} else {
		d = d.WithHint("the tags are those of CloudFormation's intrinsic functions: !Ref, !GetAtt, !Sub, !Join, ...")
	}
	w.fail(d)
	return "", true
}

// intrinsic builds the long form of a function. !GetAtt a.b is the one whose scalar form is not its argument as written:
// the first dot parts the logical name from the attribute, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html.
func intrinsic(fn string, arg *Value, pos Pos) *Value {
	if fn == "Fn::GetAtt" && arg.Kind == String {
		name, attr, _ := strings.Cut(arg.Text, ".")
		arg = &Value{Kind: List, Pos: arg.Pos, Items: []*Value{
			{Kind: String, Text: name, Pos: arg.Pos},
			{Kind: String, Text: attr, Pos: arg.Pos},
		}}
	}
	return &Value{Kind: Map, Pos: pos, Fields: []Field{{Key: fn, Pos: pos, Value: arg}}}
}
