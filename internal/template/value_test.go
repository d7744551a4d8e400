package template

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScalars(t *testing.T) {
	type reading struct {
		String  string
		Literal string
		Bool    string
		Int     string
		Float   string
	}
	tests := []struct {
		v    *Value
		want reading
	}{
		{Plain(Pos{}, "5"), reading{"5", "5", "", "5", "5"}},
		{Plain(Pos{}, "012345678901"), reading{"012345678901", "12345678901", "", "12345678901", "1.2345678901e+10"}},
		{Plain(Pos{}, "0x10"), reading{"0x10", "16", "", "16", "16"}},
		{Plain(Pos{}, "1.50"), reading{"1.50", "1.5", "", "", "1.5"}},
		{Plain(Pos{}, "1e3"), reading{"1e3", "1000", "", "1000", "1000"}},
		{Plain(Pos{}, "9007199254740993"), reading{"9007199254740993", "9007199254740993", "", "9007199254740993", "9.007199254740992e+15"}},
		{Plain(Pos{}, "true"), reading{"true", "true", "true", "", ""}},
		{Plain(Pos{}, "False"), reading{"False", "false", "false", "", ""}},
		{Plain(Pos{}, "yes"), reading{"yes", "yes", "true", "", ""}},
		{Plain(Pos{}, "Off"), reading{"Off", "Off", "false", "", ""}},
		{Plain(Pos{}, "text"), reading{"text", "text", "", "", ""}},
		{New(Pos{}, "yes"), reading{"yes", "yes", "", "", ""}},
		{New(Pos{}, "true"), reading{"true", "true", "true", "", ""}},
		{New(Pos{}, "5"), reading{"5", "5", "", "5", "5"}},
		{New(Pos{}, "5.0"), reading{"5.0", "5.0", "", "", "5"}},
		{New(Pos{}, 7), reading{"7", "7", "", "7", "7"}},
		{New(Pos{}, 1.25), reading{"1.25", "1.25", "", "", "1.25"}},
		{Plain(Pos{}, ""), reading{}},
		{New(Pos{}, []any{1}), reading{}},
		{nil, reading{}},
	}
	for _, tt := range tests {
		var got reading
		got.String, _ = tt.v.AsString()
		got.Literal, _ = tt.v.Literal()
		if b, ok := tt.v.AsBool(); ok {
			got.Bool = strconv.FormatBool(b)
		}
		if n, ok := tt.v.AsInt(); ok {
			got.Int = strconv.FormatInt(n, 10)
		}
		if f, ok := tt.v.AsFloat(); ok {
			got.Float = strconv.FormatFloat(f, 'g', -1, 64)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v -want +got:\n%s", tt.v, diff)
		}
	}
}

// The spellings are those of ECMAScript's Number::toString.
func TestFormatNumber(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", math.Copysign(0, -1): "0", 1: "1", -1.5: "-1.5", 1e20: "100000000000000000000", 1e21: "1e+21", 1.5e-7: "1.5e-7", 1e-6: "0.000001",
		123456789012345680000: "123456789012345680000", math.Inf(1): "null", math.NaN(): "null", 0.1: "0.1",
	} {
		if got := formatNumber(f); got != want {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
}

func TestAccess(t *testing.T) {
	v := New(Pos{}, Object{{"a", Object{{"b", []any{1, "x", nil}}}}, {"none", nil}, {"c", true}})
	if got := v.Keys(); !cmp.Equal(got, []string{"a", "c"}) {
		t.Errorf("keys %v", got)
	}
	if v.Get("a", "b", "c") != nil || v.Get("no", "way") != nil || (*Value)(nil).Get("a") != nil {
		t.Error("found what is not there")
	}
	if len(v.Get("a", "b").Items) != 3 || !v.Get("a", "b").Items[2].IsNull() || !v.Get("x").IsNull() {
		t.Error("lost what is there")
	}
	changed := v.With("c", New(Pos{}, 5)).With("d", New(Pos{}, "e")).Without("a")
	if got := string(changed.AppendJSON(nil)); got != `{"c":5,"d":"e"}` {
		t.Errorf("changed to %s", got)
	}
	if got := string(v.AppendJSON(nil)); got != `{"a":{"b":[1,"x",null]},"c":true}` {
		t.Errorf("the original changed to %s", got)
	}
	want := map[string]any{"a": map[string]any{"b": []any{1.0, "x", nil}}, "c": true}
	if diff := cmp.Diff(want, v.Any()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !Equal(v, New(Pos{}, map[string]any{"c": true, "a": map[string]any{"b": []any{1.0, "x", nil}}})) {
		t.Error("not equal to its own content in another order")
	}
	for _, other := range []any{Object{{"a", 1}, {"c", true}}, Object{{"c", true}}, Object{{"a", Object{{"b", []any{1, "x"}}}}, {"c", true}}, "x", nil} {
		if Equal(v, New(Pos{}, other)) {
			t.Errorf("equal to %v", other)
		}
	}
}

func TestCall(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{Object{{"Ref", "a"}}, "Ref"}, {Object{{"Fn::Sub", "a"}}, "Fn::Sub"}, {Object{{"Condition", "a"}}, "Condition"},
		{Object{{"Ref", "a"}, {"b", "c"}}, ""}, {Object{{"ref", "a"}}, ""}, {"Ref", ""}, {Object{}, ""},
	} {
		fn, _, ok := New(Pos{}, tt.v).Call()
		if fn != tt.want || ok != (tt.want != "") {
			t.Errorf("%v is a call of %q", tt.v, fn)
		}
	}
}

func TestSuggest(t *testing.T) {
	keys := []string{"memorySize", "memory", "timeout", "events", "environment", "handler"}
	for name, want := range map[string]string{
		"memorysize": "memorySize", "evnts": "events", "tiemout": "timeout", "enviroment": "environment", "xyz": "", "": "", "hand": "handler", "Events": "events", "e": "",
	} {
		if got := Suggest(name, keys); got != want {
			t.Errorf("%q suggests %q, want %q", name, got, want)
		}
	}
}
