package template

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Object is an ordered map for [New]: New(pos, Object{{"Ref", "Table"}}). Entries whose value is nil are left out, so that
// optional values need no ifs.
type Object []struct {
	Key   string
	Value any
}

// New builds a value at a position out of Go values: nil, bool, string, the integer and float types, []string, []any,
// map[string]any (in sorted order), [Object], and *Value, which is taken as it is. Any other type is a mistake of the
// programmer and panics.
func New(pos Pos, x any) *Value {
	switch x := x.(type) {
	case nil:
		return &Value{Kind: Null, Text: "null", Pos: pos}
	case *Value:
		if x == nil {
			return New(pos, nil)
		}
		return x
	case bool:
		return &Value{Kind: Bool, Text: strconv.FormatBool(x), Pos: pos}
	case string:
		return &Value{Kind: String, Text: x, Pos: pos}
	case int:
		return &Value{Kind: Number, Text: strconv.Itoa(x), Pos: pos}
	case int64:
		return &Value{Kind: Number, Text: strconv.FormatInt(x, 10), Pos: pos}
	case float64:
		return &Value{Kind: Number, Text: formatNumber(x), Pos: pos}
	case []string:
		v := &Value{Kind: List, Pos: pos, Items: make([]*Value, len(x))}
		for i, s := range x {
			v.Items[i] = New(pos, s)
		}
		return v
	case []*Value:
		return &Value{Kind: List, Pos: pos, Items: x}
	case []any:
		v := &Value{Kind: List, Pos: pos, Items: make([]*Value, len(x))}
		for i, e := range x {
			v.Items[i] = New(pos, e)
		}
		return v
	case map[string]any:
		v := &Value{Kind: Map, Pos: pos}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			v.Fields = append(v.Fields, Field{Key: k, Pos: pos, Value: New(pos, x[k])})
		}
		return v
	case Object:
		v := &Value{Kind: Map, Pos: pos, Fields: make([]Field, 0, len(x))}
		for _, e := range x {
			if p, ok := e.Value.(*Value); e.Value == nil || ok && p == nil {
				continue
			}
			v.Fields = append(v.Fields, Field{Key: e.Key, Pos: pos, Value: New(pos, e.Value)})
		}
		return v
	}
	panic(fmt.Sprintf("template.New: unsupported type %T", x))
}

// Plain builds the scalar that text is when it is written without quotes.
func Plain(pos Pos, text string) *Value {
	return &Value{Kind: resolve(text), Plain: true, Text: text, Pos: pos}
}

// Any returns v as the Go values that encoding/json would decode its JSON into.
func (v *Value) Any() any {
	if v == nil {
		return nil
	}
	switch v.Kind {
	case Bool:
		b, _ := v.AsBool()
		return b
	case Number:
		f, _ := v.AsFloat()
		return f
	case String:
		return v.Text
	case List:
		out := make([]any, len(v.Items))
		for i, item := range v.Items {
			out[i] = item.Any()
		}
		return out
	case Map:
		out := make(map[string]any, len(v.Fields))
		for _, f := range v.Fields {
			out[f.Key] = f.Value.Any()
		}
		return out
	}
	return nil
}
