package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/expr/attr"
)

func TestConditionRules(t *testing.T) {
	const invalid = "Invalid ConditionExpression: "
	in := func(n int) string { return "b IN (" + strings.TrimSuffix(strings.Repeat(":n,", n), ",") + ")" }
	or := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+" OR ", n), " OR ") }
	tests := []struct{ in, want string }{
		{"b = :n" + strings.Repeat(" ", 4090), ""},
		{"b = :n" + strings.Repeat(" ", 4091), "Expression size has exceeded the maximum allowed size;"},
		{in(100), ""},
		{in(101), "The IN operator is provided with too many operands; number of operands: 101"},
		{or(150, "b=:n"), ""},
		{or(151, "b=:n"), "The expression contains too many operators; operator count: 301"},
		{strings.Repeat("NOT ", 299) + "b=:n", ""},
		{strings.Repeat("NOT ", 300) + "b=:n", "The expression contains too many operators; operator count: 301"},
		{or(151, "b IN (:n)"), "The expression contains too many operators; operator count: 301"},
		{or(151, "b BETWEEN :n AND :n"), "The expression contains too many operators; operator count: 301"},
		{or(150, "b BETWEEN :n AND :n"), ""},
		{or(151, "attribute_exists(b)"), "The expression contains too many operators; operator count: 301"},
		{strings.Repeat("b.", 31) + "b = :n", ""},
		{strings.Repeat("b.", 32) + "b = :n", "The document path has too many nesting levels; nesting levels: 33"},
		{"size = :n", "Attribute name is a reserved keyword; reserved keyword: size"},
		{"attribute_type(b, :s)", "Invalid attribute type name found; type: str, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
		{"attribute_type(b, c)", "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"},
		{strings.Repeat("(", 2000) + "b = :n" + strings.Repeat(")", 2000), "The expression has redundant parentheses;"},
		{strings.Repeat("(", 4096), `Syntax error; token: "<EOF>", near: "("`},
	}
	p := loadParams(t)
	for _, tt := range tests {
		want := tt.want
		if want != "" {
			want = invalid + want
		}
		_, err := condition(t, tt.in, p.bindings(t, tt.in))
		if got := message(err); got != want {
			t.Errorf("%.80s\n got %s\nwant %s", tt.in, got, want)
		}
	}
	if _, err := ParseCondition("FilterExpression", "a b"); message(err) != `Invalid FilterExpression: Syntax error; token: "b", near: "a b"` {
		t.Errorf("FilterExpression: %v", err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestUpdateRules(t *testing.T) {
	tests := []struct{ in, want string }{
		{"SET size = :n", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: size"},
		{"SET #x = :s, b=:s, b=:s", "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; attribute name: #x"},
		{"SET b.c = :n, b.d = :n, b.c.e = :n", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [b, c], path two: [b, c, e]"},
		{"SET n = n + :n, m.x = n + n", ""},
	}
	p := loadParams(t)
	for _, tt := range tests {
		if _, err := update(t, tt.in, p.bindings(t, tt.in)); message(err) != tt.want {
			t.Errorf("%s\n got %v\nwant %s", tt.in, err, tt.want)
		}
	}
}

func TestUpdateChecksNesting(t *testing.T) {
	deep := strings.Repeat(`{"L":[`, 31) + `{"S":"x"}` + strings.Repeat(`]}`, 31)
	before := item(t, `{"m":{"M":{}}}`)
	b, err := NewBindings(nil, item(t, `{":d":`+deep+`}`))
	if err != nil {
		t.Fatal(err)
	}
	u, err := update(t, "SET m.x = :d", b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Apply(before); err == nil || !strings.HasPrefix(err.Error(), "Nesting Levels have exceeded supported limits") {
		t.Errorf("got %v", err)
	}
}

// What a set takes or loses is in proportion to its size: an item of 400 KB has
// tens of thousands of members.
func TestUpdateOfLargeSets(t *testing.T) {
	const n = 60_000
	members := func(from, to int) attr.Value {
		var out []string
		for i := from; i < to; i++ {
			out = append(out, fmt.Sprintf("%05d", i))
		}
		return attr.Set(attr.SS, out...)
	}
	b, err := NewBindings(nil, attr.NewItem(attr.Entry{Name: ":some", Value: members(1, n)}))
	if err != nil {
		t.Fatal(err)
	}
	u, err := update(t, "DELETE x :some", b)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	out, err := u.Apply(attr.NewItem(attr.Entry{Name: "x", Value: members(0, n)}))
	if err != nil || out.Get("x") != attr.Set(attr.SS, "00000") {
		t.Errorf("%s, %v", out.AppendJSON(nil), err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// UPDATED_OLD and UPDATED_NEW return the updated paths and not more.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html#DDB-UpdateItem-request-ReturnValues
func TestTouched(t *testing.T) {
	p := loadParams(t)
	tests := []struct{ in, before, after string }{
		{"SET n = :five", `{"n":{"N":"1"}}`, `{"n":{"N":"5"}}`},
		{"SET q = :five", `{}`, `{"q":{"N":"5"}}`},
		{"REMOVE n, q", `{"n":{"N":"1"}}`, `{}`},
		{"SET m.x = :five, l[1] = :n", `{"l":{"L":[{"S":"b"}]},"m":{"M":{"x":{"N":"1"}}}}`, `{"l":{"L":[{"N":"1"}]},"m":{"M":{"x":{"N":"5"}}}}`},
		{"SET m.y[0] = :s", `{"m":{"M":{"y":{"L":[{"N":"1"}]}}}}`, `{"m":{"M":{"y":{"L":[{"S":"str"}]}}}}`},
		{"ADD ss :ss DELETE ns :ns", `{"ns":{"NS":["1","2"]},"ss":{"SS":["a","b"]}}`, `{"ns":{"NS":["2"]},"ss":{"SS":["a","b"]}}`},
	}
	for _, tt := range tests {
		u, err := update(t, tt.in, p.bindings(t, tt.in))
		if err != nil {
			t.Fatal(err)
		}
		after, err := u.Apply(p.item)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Touched(p.item); got != item(t, tt.before) {
			t.Errorf("%s before: %s", tt.in, got.AppendJSON(nil))
		}
		if got := u.Touched(after); got != item(t, tt.after) {
			t.Errorf("%s after: %s", tt.in, got.AppendJSON(nil))
		}
	}
}

func TestBindings(t *testing.T) {
	long := "#" + strings.Repeat("x", 256)
	tests := []struct {
		names  map[string]string
		values string
		want   string
	}{
		{nil, `null`, ""},
		{map[string]string{"#n": "n"}, `{":v":{"S":"x"}}`, ""},
		{map[string]string{}, `null`, "ExpressionAttributeNames must not be empty"},
		{nil, `{}`, "ExpressionAttributeValues must not be empty"},
		{map[string]string{"n": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "n"`},
		{map[string]string{"#": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#"`},
		{map[string]string{"#b-": "n", "#a-": "n"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-"`},
		{map[string]string{"#n": ""}, `null`, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n"},
		{map[string]string{"#n": strings.Repeat("n", 65536)}, `null`, "ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than 65536 bytes for key #n"},
		{map[string]string{long: "n"}, `null`, "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; size of key: 257"},
		{nil, `{"v":{"S":"x"}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "v"`},
		{nil, `{":v":{}}`, "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :v"},
	}
	for _, tt := range tests {
		var values attr.Item
		if _, err := values.ScanJSON([]byte(tt.values)); err != nil {
			t.Fatal(err)
		}
		if _, err := NewBindings(tt.names, values); message(err) != tt.want {
			t.Errorf("%v %s: %v, want %s", tt.names, tt.values, err, tt.want)
		}
	}
}

func TestUnused(t *testing.T) {
	b, err := NewBindings(map[string]string{"#x": "b", "#z": "c", "#y": "d"}, item(t, `{":v":{"S":"x"},":w":{"S":"x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ text, want string }{
		{"#x = :v", "Value provided in ExpressionAttributeNames unused in expressions: keys: {#y, #z}"},
		{"#y <> #z", "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"},
		{"a = :w", ""},
	} {
		if _, err := condition(t, step.text, b); err != nil {
			t.Fatal(err)
		}
		if err := b.Unused(); message(err) != step.want {
			t.Errorf("after %s: %v, want %s", step.text, err, step.want)
		}
	}
}

func TestKeyConditions(t *testing.T) {
	s, n, five := attr.String("str"), attr.Int(1), attr.Int(5)
	h := Comparison{"h", "EQ", []attr.Value{s}}
	tests := []struct {
		in   string
		want []Comparison
		err  string
	}{
		{"h = :s", []Comparison{h}, ""},
		{":s = h", []Comparison{h}, ""},
		{"r = :n AND h = :s", []Comparison{{"r", "EQ", []attr.Value{n}}, h}, ""},
		{"((h = :s) AND (:n < r))", []Comparison{h, {"r", "GT", []attr.Value{n}}}, ""},
		{"h = :s AND :n >= r", []Comparison{h, {"r", "LE", []attr.Value{n}}}, ""},
		{"h = :s AND r BETWEEN :n AND :five", []Comparison{h, {"r", "BETWEEN", []attr.Value{n, five}}}, ""},
		{"h = :s AND begins_with(r, :s)", []Comparison{h, {"r", "BEGINS_WITH", []attr.Value{s}}}, ""},
		{"#n = :s", []Comparison{{"n", "EQ", []attr.Value{s}}}, ""},
		{"h = :s OR r = :n", nil, "Invalid operator used in KeyConditionExpression: OR"},
		{"NOT h = :s", nil, "Invalid operator used in KeyConditionExpression: NOT"},
		{"h IN (:s)", nil, "Invalid operator used in KeyConditionExpression: IN"},
		{"h <> :s", nil, "Invalid operator used in KeyConditionExpression: <>"},
		{"attribute_exists(h)", nil, "Invalid operator used in KeyConditionExpression: attribute_exists"},
		{"contains(h, :s)", nil, "Invalid operator used in KeyConditionExpression: contains"},
		{"size(h) = :n", nil, "KeyConditionExpressions cannot contain nested operations"},
		{"h = :s AND r BETWEEN :n AND size(r)", nil, "KeyConditionExpressions cannot contain nested operations"},
		{"h = :s AND begins_with(:s, r)", nil, "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand"},
		{"h = :s AND :n BETWEEN r AND :five", nil, "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand"},
		{"h = :s AND h = :s", nil, "KeyConditionExpressions must only contain one condition per key"},
		{"h = r", nil, "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"},
		{":s = :s", nil, "Invalid condition in KeyConditionExpression: No key attribute specified"},
		{"h.x = :s", nil, "KeyConditionExpressions cannot have conditions on nested attributes"},
	}
	p := loadParams(t)
	for _, tt := range tests {
		c, err := condition(t, tt.in, p.bindings(t, tt.in))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.KeyConditions()
		if message(err) != tt.err {
			t.Errorf("%s: %v, want %s", tt.in, err, tt.err)
			continue
		}
		if err == nil && !cmp.Equal(got, tt.want, cmp.Comparer(func(a, b attr.Value) bool { return a == b })) {
			t.Errorf("%s: %v", tt.in, got)
		}
	}
}

func TestPaths(t *testing.T) {
	p := loadParams(t)
	text := "a = :s AND (NOT contains(#m.x[3], :n) OR size(a) > :n)"
	c, err := condition(t, text, p.bindings(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Paths()); got != "[[a] [m, x, [3]] [a]]" {
		t.Errorf("paths %s", got)
	}
	if got := Attributes(c.Paths()); !cmp.Equal(got, []string{"a", "m"}) {
		t.Errorf("attributes %v", got)
	}
}

func TestCache(t *testing.T) {
	var c Cache
	first, err := c.Condition("FilterExpression", "a = :b")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.Condition("FilterExpression", "a = :b"); again != first {
		t.Error("parsed twice")
	}
	if other, _ := c.Condition("ConditionExpression", "a = :b"); other == first || other.param != "ConditionExpression" {
		t.Error("the parameter is not part of the key")
	}
	for i := range 3 * generation {
		if _, err := c.Projection(fmt.Sprintf("a%d", i)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			if again, _ := c.Condition("FilterExpression", "a = :b"); again != first {
				t.Fatal("an expression in use was dropped")
			}
		}
	}
	if n := len(c.young) + len(c.old); n > 2*generation {
		t.Errorf("%d entries", n)
	}
	if _, err := c.Update("SET"); err == nil {
		t.Error("no error")
	}
	if u, err := c.Update("SET a = :b"); err != nil || u == nil {
		t.Errorf("%v, %v", u, err)
	}
}
