package pattern

import (
	"errors"
	"strings"
	"testing"
)

// What AWS answers to patterns that are none, with the place where its parser
// was.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		pattern, want string
		at            string // line and column; empty: no place
	}{
		{`{"int": 42}`, `"int" must be an object or an array`, "1, 11"},
		{`{"string": "my-value"}`, `"string" must be an object or an array`, "1, 13"},
		{`{"resources": []}`, `Empty arrays are not allowed`, "1, 17"},
		{`{"detail": {}}`, `Empty objects are not allowed`, "1, 14"},
		{`{}`, `Empty objects are not allowed`, "1, 3"},
		{`["not", "a", "dict", "but valid json"]`, `Filter is not an object`, "1, 2"},
		{`this is valid json but not a dict`, `Unrecognized token 'this': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`, "1, 5"},
		{`{'bad': 'quotation'}`, `Unexpected character (''' (code 39)): was expecting double-quote to start field name`, "1, 2"},
		{`{"not": closed mark"`, `Unrecognized token 'closed': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`, "1, 15"},
		{"{\n  \"a\": 1}", `"a" must be an object or an array`, "2, 9"},

		{`{"key":[["value"]]}`, `Match value must be String, number, true, false, or null`, "1, 10"},
		{`{"key":[{"wrong-operator":true}]}`, `Unrecognized match type wrong-operator`, "1, 31"},
		{`{"detail": {"equal": [{"NUMERIC": ["=", 5]}]}}`, `Unrecognized match type NUMERIC`, "1, 36"},
		{`{"my_key": [{"EXISTS": true}]}`, `Unrecognized match type EXISTS`, "1, 28"},
		{`{"key":[{"suffix":"value","prefix":"value2"}]}`, `Only one key allowed in match expression`, "1, 37"},
		{`{"key":[{"suffix":100}]}`, `suffix match pattern must be a string`, "1, 22"},
		{`{"key":[{"suffix":null}]}`, `suffix match pattern must be a string`, "1, 23"},
		{`{"key":[{"suffix":[]}]}`, `suffix match pattern must be a string`, "1, 20"},
		{`{"time": [{"prefix": ["2022-07-13"]}]}`, `prefix match pattern must be a string`, "1, 23"},
		{`{"detail-type": [{"equals-ignore-case": {"prefix": "ec2"}}]}`, `equals-ignore-case match pattern must be a string`, "1, 42"},
		{`{"key":[{"exists":null}]}`, `exists match pattern must be either true or false.`, "1, 23"},
		{`{"key":[{"exists":"no"}]}`, `exists match pattern must be either true or false.`, "1, 20"},

		{`{"key":[{"numeric":[]}]}`, `Invalid member in numeric match: ]`, "1, 22"},
		{`{"key":[{"numeric":["operator"]}]}`, `Unrecognized numeric range operator: operator`, "1, 32"},
		{`{"key":[{"numeric":[1,"<="]}]}`, `Invalid member in numeric match: 1`, "1, 22"},
		{`{"key":[{"numeric":["=","000"]}]}`, `Value of equals must be numeric`, "1, 26"},
		{`{"key":[{"numeric":[">="]}]}`, `Value of >= must be numeric`, "1, 26"},
		{`{"key":[{"numeric":["<",100,">",10]}]}`, `Too many elements in numeric expression`, "1, 30"},
		{`{"key":[{"numeric":[">=",1,">",2]}]}`, `Bad numeric range operator: >`, "1, 31"},
		{`{"key":[{"numeric":[">",3,"<",1]}]}`, `Bottom must be less than top`, "1, 33"},
		{`{"key":[{"numeric":[">",20,"<="]}]}`, `Value of <= must be numeric`, "1, 33"},
		{`{"key":[{"numeric":[">",20,30]}]}`, `Bad value in numeric range: 30`, "1, 30"},
		{`{"key":[{"numeric":[">",20,"test"]}]}`, `Bad numeric range operator: test`, "1, 34"},
		{`{"key":[{"numeric":[">","20","<","30"]}]}`, `Value of > must be numeric`, "1, 26"},
		{`{"key":[{"numeric":[">",20,"<","30"]}]}`, `Value of < must be numeric`, "1, 33"},
		{`{"key":[{"numeric":[">",20,"<",30,"<",50]}]}`, `Too many terms in numeric range expression`, "1, 36"},
		{`{"detail": {"c-count": [{"numeric": [">", 0, "<"]}]}}`, `Value of < must be numeric`, "1, 50"},

		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": 123}}]}}`, `Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.`, "1, 66"},
		{`{"detail": {"FilePath": [{"anything-but": {"wildcard": 123}}]}}`, `wildcard match pattern must be a string`, "1, 59"},
		{`{"detail": {"FileName": [{"anything-but": {"suffix": 123}}]}}`, `prefix/suffix match pattern must be a string`, "1, 57"},
		{`{"detail": {"FileName": [{"anything-but": {"prefix": {"equals-ignore-case": "file"}}}]}}`, `Value of anything-but must be an array or single string/number value.`, "1, 55"},
		{`{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:**:event-bus/*"}]}`, `Consecutive wildcard characters at pos 26`, "1, 72"},
		{`{"EventBusArn": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}`, `Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character`, ""},
		{`{"ip": [{"cidr": "bad-filter"}]}`, `Malformed CIDR, one '/' required`, ""},
		{`{"ip": [{"cidr": "10.0.0.0/x"}]}`, `Malformed CIDR, mask bits must be an integer`, ""},
		{`{"ip": [{"cidr": "xx.11.xx/8"}]}`, `Nonstandard IP address: xx.11.xx`, ""},
		{`{"ip": [{"cidr": "10.0.0.0/32"}]}`, `IPv4 mask bits must be < 32`, ""},
		{`{"detail": {"sourceIPAddress": [{"cidr": ["bad-type"]}]}}`, `prefix match pattern must be a string`, "1, 43"},

		{`{"$or": [{"a": [1]}]}`, `There must have at least 2 Objects in $or relationship.`, "1, 21"},
		{`{"$or": [{"numeric": [123]}, {"prefix": ["abc"]}]}`, `numeric is Ruler reserved fieldName which cannot be used inside $or.`, "1, 23"},
		{`{"$or": {"a": [1]}}`, `It must be an Array followed with $or.`, "1, 10"},
	} {
		_, err := Compile([]byte(test.pattern), EventBridge)
		want := "Event pattern is not valid. Reason: " + test.want
		if test.at != "" {
			line, column, _ := strings.Cut(test.at, ", ")
			want += "\n at [Source: (String)\"" + test.pattern + "\"; line: " + line + ", column: " + column + "]"
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", test.pattern, err, want)
		}
	}
}

// In a list the place is said twice.
func TestErrorsInLists(t *testing.T) {
	const pattern = `{"detail": {"state": [{"anything-but": {"prefix": [123, "test"]}}]}}`
	const at = "\n at [Source: (String)\"" + pattern + `"; line: 1, column: 55]`
	_, err := Compile([]byte(pattern), EventBridge)
	if want := "Event pattern is not valid. Reason: prefix/suffix match pattern must be a string" + at + at; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
func TestLimitsOfFilterPolicies(t *testing.T) {
	many := func(n int) string { return strings.Repeat(`"v",`, n-1) + `"v"` }
	for _, test := range []struct {
		d            Dialect
		policy, want string
	}{
		{SNSAttributes, `{"key": [` + many(150) + `]}`, ""},
		{SNSAttributes, `{"key": [` + many(151) + `]}`, "FilterPolicy: Filter policy is too complex"},
		{SNSAttributes, `{"a": [` + many(100) + `], "b": [` + many(51) + `]}`, "FilterPolicy: Filter policy is too complex"},
		{SNSAttributes, `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1]}`, ""},
		{SNSAttributes, `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`, "FilterPolicy: Filter policy can not have more than 5 keys"},
		{SNSAttributes, `{"a": {"b": ["c"]}}`, "Filter policy scope MessageAttributes does not support nested filter policy"},
		// 4×3 × 3×2 × 2×1 = 144, and one more of the last.
		{SNSBody, `{"a": {"b": {"c": [1,2,3,4]}}, "d": {"e": [1,2,3]}, "f": [1,2]}`, ""},
		{SNSBody, `{"a": {"b": {"c": [1,2,3,4]}}, "d": {"e": [1,2,3]}, "f": [1,2,3]}`, "FilterPolicy: Filter policy is too complex"},
		// Alternatives add up: 3×6 + 3×4×4 + 3×4×7 = 150; 4×6 + 4×4×4 + 4×4×4 = 152.
		{SNSAttributes, `{"s": [` + many(3) + `], "$or": [{"n": [` + many(6) + `]}, {"t": [` + many(4) + `], "$or": [{"i": [1,2,3,4]}, {"j": [1,2,3,4,5,6,7]}]}]}`, ""},
		{SNSAttributes, `{"s": [` + many(4) + `], "$or": [{"n": [` + many(6) + `]}, {"t": [` + many(4) + `], "$or": [{"i": [1,2,3,4]}, {"j": [1,2,3,4]}]}]}`, "FilterPolicy: Filter policy is too complex"},
		{SNSBody, `{"$or": [{"m": [1,2,3]}, {"n": [1,2]}], "d": {"s": [1,2], "$or": [{"x": [1]}, {"y": [1,2,3]}]}}`, "FilterPolicy: Filter policy is too complex"},
		{SNSBody, `{"key_a":"value_one"}`, "FilterPolicy: \"key_a\" must be an object or an array\n at [Source: (String)\"{\"key_a\":\"value_one\"}\"; line: 1, column: 11]"},
		{SNSBody, `{"a"`, "FilterPolicy: failed to parse JSON. Unexpected end-of-input\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 5]"},
	} {
		_, err := Compile([]byte(test.policy), test.d)
		got := ""
		var e *Error
		if errors.As(err, &e) {
			got = e.Parameter()
		}
		if got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.policy, got, test.want)
		}
	}
}

func TestLimitOfCombinations(t *testing.T) {
	or := func(name string, n int) string {
		return `"` + name + `": {"$or": [` + strings.TrimSuffix(strings.Repeat(`{"a": [1]},`, n), ",") + `]}`
	}
	if _, err := Compile([]byte(`{`+or("x", 10)+`,`+or("y", 10)+`,`+or("z", 10)+`}`), EventBridge); err != nil {
		t.Errorf("1000 combinations: %v", err)
	}
	if _, err := Compile([]byte(`{`+or("x", 10)+`,`+or("y", 10)+`,`+or("z", 11)+`}`), EventBridge); err == nil {
		t.Error("1100 combinations are accepted")
	}
}
