package expr

import (
	"testing"

	"github.com/nube-run/nube/internal/expr/attr"
)

func values(t testing.TB, list string) []attr.Value {
	t.Helper()
	var out []attr.Value
	for v := range item(t, `{"l":{"L":`+list+`}}`).Get("l").Elems() {
		out = append(out, v)
	}
	return out
}

func TestComparisons(t *testing.T) {
	tests := []struct{ attribute, operator, values, want string }{
		{"n", "EQ", `[{"N":"1.0"}]`, "true"},
		{"n", "EQ", `[{"S":"1"}]`, "false"},
		{"n", "NE", `[{"N":"2"}]`, "true"},
		{"q", "NE", `[{"N":"2"}]`, "true"},
		{"n", "LT", `[{"N":"2"}]`, "true"},
		{"n", "LE", `[{"N":"1"}]`, "true"},
		{"n", "GT", `[{"N":"1"}]`, "false"},
		{"n", "GE", `[{"N":"1"}]`, "true"},
		{"n", "BETWEEN", `[{"N":"0"},{"N":"1"}]`, "true"},
		{"s", "IN", `[{"S":"y"},{"S":"x"}]`, "true"},
		{"q", "NULL", `[]`, "true"},
		{"n", "NULL", `[]`, "false"},
		{"q", "NOT_NULL", `[]`, "false"},
		{"s", "BEGINS_WITH", `[{"S":"x"}]`, "true"},
		{"ss", "CONTAINS", `[{"S":"a"}]`, "true"},
		{"ss", "NOT_CONTAINS", `[{"S":"c"}]`, "true"},
		{"ss", "NOT_CONTAINS", `[{"S":"a"}]`, "false"},
		{"q", "NOT_CONTAINS", `[{"S":"a"}]`, "false"},
		{"mix", "EQ", `[{"L":[]}]`, "false"},
		{"n", "EQ", `[]`, "One or more parameter values were invalid: Invalid number of argument(s) for the EQ ComparisonOperator"},
		{"n", "IN", `[]`, "One or more parameter values were invalid: Invalid number of argument(s) for the IN ComparisonOperator"},
		{"n", "NULL", `[{"S":"x"}]`, "One or more parameter values were invalid: Invalid number of argument(s) for the NULL ComparisonOperator"},
		{"n", "IN", `[{"S":"x"},{"N":"1"}]`, "One or more parameter values were invalid: AttributeValues inside AttributeValueList must be of same type"},
		{"n", "LT", `[{"SS":["a"]}]`, "One or more parameter values were invalid: ComparisonOperator LT is not valid for SS AttributeValue type"},
		{"n", "BEGINS_WITH", `[{"N":"1"}]`, "One or more parameter values were invalid: ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type"},
		{"n", "BETWEEN", `[{"N":"3"},{"N":"1"}]`, "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"},
	}
	p := loadParams(t)
	for _, tt := range tests {
		c := Comparison{tt.attribute, tt.operator, values(t, tt.values)}
		got := message(c.Check())
		if got == "" {
			got = "false"
			if Compare([]Comparison{c}, false).Match(p.item) {
				got = "true"
			}
		}
		if got != tt.want {
			t.Errorf("%s %s %s: %s, want %s", tt.attribute, tt.operator, tt.values, got, tt.want)
		}
	}
}

func TestCompareJoins(t *testing.T) {
	yes := Comparison{"n", "EQ", []attr.Value{attr.Int(1)}}
	no := Comparison{"n", "EQ", []attr.Value{attr.Int(2)}}
	it := item(t, `{"n":{"N":"1"}}`)
	for _, tt := range []struct {
		cs   []Comparison
		or   bool
		want bool
	}{
		{[]Comparison{yes, yes}, false, true},
		{[]Comparison{yes, no}, false, false},
		{[]Comparison{no, yes, no}, true, true},
		{[]Comparison{no, no}, true, false},
	} {
		if got := Compare(tt.cs, tt.or).Match(it); got != tt.want {
			t.Errorf("%v or=%t: %t", tt.cs, tt.or, got)
		}
	}
}

func TestExpected(t *testing.T) {
	yes, no := true, false
	one := attr.Int(1)
	tests := []struct {
		in   Expected
		want string // the operator, or the error
	}{
		{Expected{Value: one}, "EQ"},
		{Expected{Value: one, Exists: &yes}, "EQ"},
		{Expected{Exists: &no}, "NULL"},
		{Expected{Operator: "GT", Value: one}, "GT"},
		{Expected{Operator: "NOT_NULL"}, "NOT_NULL"},
		{Expected{Operator: "IN", Values: []attr.Value{one}}, "IN"},
		{Expected{}, invalidParameter + "Value must be provided when Exists is null for Attribute: x"},
		{Expected{Exists: &yes}, invalidParameter + "Value must be provided when Exists is true for Attribute: x"},
		{Expected{Exists: &no, Value: one}, invalidParameter + "Value cannot be used when Exists is false for Attribute: x"},
		{Expected{Value: one, Values: []attr.Value{one}}, invalidParameter + "Value and AttributeValueList cannot be used together for Attribute: x"},
		{Expected{Operator: "EQ", Exists: &yes, Value: one}, invalidParameter + "Exists and ComparisonOperator cannot be used together for Attribute: x"},
		{Expected{Operator: "EQ"}, invalidParameter + "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: x"},
		{Expected{Operator: "EQ", Values: []attr.Value{}}, invalidParameter + "Invalid number of argument(s) for the EQ ComparisonOperator"},
		{Expected{Values: []attr.Value{one}}, invalidParameter + "AttributeValueList can only be used with a ComparisonOperator for Attribute: x"},
	}
	for _, tt := range tests {
		tt.in.Attribute = "x"
		c, err := tt.in.Comparison()
		got := c.Operator
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestUpdateAttributes(t *testing.T) {
	tests := []struct{ action, attribute, value, want string }{
		{"", "n", `{"S":"new"}`, `{"n":{"S":"new"}}`},
		{"PUT", "q", `{"N":"2"}`, `{"q":{"N":"2"}}`},
		{"ADD", "n", `{"N":"2"}`, `{"n":{"N":"3"}}`},
		{"ADD", "q", `{"N":"2"}`, `{"q":{"N":"2"}}`},
		{"ADD", "ss", `{"SS":["z"]}`, `{"ss":{"SS":["a","b","z"]}}`},
		{"ADD", "l", `{"L":[{"S":"e"}]}`, `{"l":{"L":[{"S":"a"},{"S":"b"},{"S":"c"},{"S":"d"},{"S":"e"}]}}`},
		{"ADD", "s", `{"N":"1"}`, "Type mismatch for attribute to update"},
		{"DELETE", "ss", `{"SS":["a","q"]}`, `{"ss":{"SS":["b"]}}`},
		{"DELETE", "ss", `{"SS":["a","b"]}`, `{"ss":null}`},
		{"DELETE", "ns", `{"SS":["a"]}`, "Type mismatch for attribute to update"},
		{"DELETE", "n", `null`, `{"n":null}`},
		{"DELETE", "n", `{"N":"1"}`, invalidParameter + "DELETE action with value is not supported for the type N"},
		{"ADD", "n", `{"S":"1"}`, invalidParameter + "ADD action is not supported for the type S"},
		{"ADD", "n", `null`, invalidParameter + "Only DELETE action is allowed when no attribute value is specified"},
		{"", "n", `null`, invalidParameter + "Only DELETE action is allowed when no attribute value is specified"},
	}
	p := loadParams(t)
	for _, tt := range tests {
		var v attr.Value
		if _, err := v.ScanJSON([]byte(tt.value)); err != nil {
			t.Fatal(err)
		}
		u, err := UpdateAttributes([]AttributeUpdate{{tt.attribute, tt.action, v}})
		var after attr.Item
		if err == nil {
			after, err = u.Apply(p.item)
		}
		got := message(err)
		if err == nil {
			got = changes(t, p.item, after)
		}
		if got != tt.want {
			t.Errorf("%s %s %s\n got %s\nwant %s", tt.action, tt.attribute, tt.value, got, tt.want)
		}
	}
}
