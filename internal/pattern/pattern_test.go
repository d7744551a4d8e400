package pattern

import (
	"strings"
	"testing"
)

func compile(t testing.TB, src string, d Dialect) *Pattern {
	t.Helper()
	p, err := Compile([]byte(src), d)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return p
}

// instance is an event such as the documentation's.
const instance = `{
	"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "EC2 Instance State-change Notification",
	"source": "aws.ec2", "account": "111122223333", "time": "2017-12-22T18:43:48Z", "region": "us-west-1",
	"resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
	"detail": {
		"instance-id": "i-1234567890abcdef0", "state": "running", "c-count": 5, "d-count": 3, "x-limit": 301.8,
		"source-ip": "10.0.0.33", "address": "2001:db8::7", "nothing": null, "empty": "", "yes": true, "none": [], "object": {"a": 1},
		"path": "dir1/dir2/file.PNG", "stars": "a*b\\c", "numbers": [1, 2, 3], "mixed": ["a", 1, null, true]
	}
}`

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func TestOperators(t *testing.T) {
	for _, test := range []struct {
		pattern string
		want    bool
	}{
		{`{"source": ["aws.ec2"]}`, true},
		{`{"source": ["aws.s3", "aws.ec2"]}`, true},
		{`{"source": ["aws.EC2"]}`, false},
		{`{"Source": ["aws.ec2"]}`, false},
		{`{"source": ["aws.ec2"], "detail-type": ["other"]}`, false},
		{`{"source": [{"exactly": "aws.ec2"}]}`, true},
		{`{"resources": ["x", "arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"]}`, true},
		{`{"account": [111122223333]}`, false},
		{`{"detail": {"state": ["running"], "c-count": [5]}}`, true},
		{`{"detail": {"c-count": ["5"]}}`, false},
		{`{"detail": {"c-count": [5.0]}}`, true},
		{`{"detail": {"x-limit": [3.018e2]}}`, true},
		{`{"detail": {"nothing": [null]}}`, true},
		{`{"detail": {"state": [null]}}`, false},
		{`{"detail": {"gone": [null]}}`, false},
		{`{"detail": {"none": [null]}}`, false},
		{`{"detail": {"yes": [true]}}`, true},
		{`{"detail": {"yes": ["true"]}}`, false},
		{`{"detail": {"yes": [false]}}`, false},
		{`{"detail": {"empty": [""]}}`, true},
		{`{"detail": {"nothing": [""]}}`, false},
		{`{"detail.state": ["running"]}`, true},

		{`{"time": [{"prefix": "2017-12-"}]}`, true},
		{`{"time": [{"prefix": "2018"}]}`, false},
		{`{"detail": {"c-count": [{"prefix": "5"}]}}`, false},
		{`{"region": [{"prefix": {"equals-ignore-case": "US-"}}]}`, true},
		{`{"region": [{"prefix": "US-"}]}`, false},
		{`{"region": [{"suffix": "-1"}]}`, true},
		{`{"detail": {"path": [{"suffix": ".png"}]}}`, false},
		{`{"detail": {"path": [{"suffix": {"equals-ignore-case": ".png"}}]}}`, true},
		{`{"detail-type": [{"equals-ignore-case": "ec2 instance state-CHANGE notification"}]}`, true},
		{`{"detail": {"path": [{"equals-ignore-case": "dir1"}]}}`, false},

		{`{"detail": {"state": [{"anything-but": "initializing"}]}}`, true},
		{`{"detail": {"state": [{"anything-but": "running"}]}}`, false},
		{`{"detail": {"state": [{"anything-but": ["stopped", "running"]}]}}`, false},
		{`{"detail": {"c-count": [{"anything-but": "running"}]}}`, true},
		{`{"detail": {"x-limit": [{"anything-but": [100, 200, 301.80]}]}}`, false},
		{`{"detail": {"state": [{"anything-but": 5}]}}`, true},
		{`{"detail": {"gone": [{"anything-but": "x"}]}}`, false},
		{`{"detail": {"object": [{"anything-but": "x"}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"prefix": "run"}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"prefix": ["stop", "run"]}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"prefix": "stop"}}]}}`, true},
		{`{"detail": {"path": [{"anything-but": {"suffix": ".PNG"}}]}}`, false},
		{`{"detail": {"path": [{"anything-but": {"suffix": [".png", ".txt"]}}]}}`, true},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": "RUNNING"}}]}}`, false},
		{`{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["a", "b"]}}]}}`, true},
		{`{"detail": {"path": [{"anything-but": {"wildcard": "*/dir2/*"}}]}}`, false},
		{`{"detail": {"path": [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]}}`, true},
		{`{"detail": {"c-count": [{"anything-but": {"wildcard": "*"}}]}}`, true},
		{`{"detail": {"numbers": [{"anything-but": [1, 2, 3]}]}}`, false},
		{`{"detail": {"numbers": [{"anything-but": [1, 2]}]}}`, true},

		{`{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}`, true},
		{`{"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}`, false},
		{`{"detail": {"d-count": [{"numeric": ["<", 10]}]}}`, true},
		{`{"detail": {"d-count": [{"numeric": [">=", 3]}]}}`, true},
		{`{"detail": {"d-count": [{"numeric": [">", 3]}]}}`, false},
		{`{"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}`, true},
		{`{"detail": {"state": [{"numeric": [">", 0]}]}}`, false},
		{`{"detail": {"nothing": [{"numeric": ["<", 10]}]}}`, false},
		{`{"detail": {"numbers": [{"numeric": [">", 2]}]}}`, true},

		{`{"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}`, true},
		{`{"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}`, false},
		{`{"detail": {"source-ip": [{"cidr": "10.0.0.7/24"}]}}`, true},
		{`{"detail": {"address": [{"cidr": "2001:db8::/64"}]}}`, true},
		{`{"detail": {"address": [{"cidr": "10.0.0.0/8"}]}}`, false},
		{`{"detail": {"state": [{"cidr": "10.0.0.0/8"}]}}`, false},

		{`{"detail": {"c-count": [{"exists": true}]}}`, true},
		{`{"detail": {"nothing": [{"exists": true}]}}`, true},
		{`{"detail": {"gone": [{"exists": true}]}}`, false},
		{`{"detail": {"gone": [{"exists": false}]}}`, true},
		{`{"detail": {"c-count": [{"exists": false}]}}`, false},
		{`{"detail": {"object": [{"exists": true}]}}`, false},
		{`{"detail": {"object": [{"exists": false}]}}`, true},
		{`{"detail": {"none": [{"exists": true}]}}`, false},
		{`{"detail": {"none": [{"exists": false}]}}`, true},
		{`{"detail": {"gone": [{"exists": false}, "x"]}}`, true},
		{`{"detail": {"state": [{"exists": false}, "running"]}}`, true},
		{`{"detail": {"state": [{"exists": false}, "stopped"]}}`, false},

		{`{"detail": {"path": [{"wildcard": "dir1/*/file.*"}]}}`, true},
		{`{"detail": {"path": [{"wildcard": "*file*"}]}}`, true},
		{`{"detail": {"path": [{"wildcard": "*.png"}]}}`, false},
		{`{"detail": {"path": [{"wildcard": "dir1*dir1*"}]}}`, false},
		{`{"detail": {"stars": [{"wildcard": "a\\*b\\\\c"}]}}`, true},
		{`{"detail": {"path": [{"wildcard": "a\\*"}]}}`, false},

		{`{"$or": [{"source": ["aws.s3"]}, {"region": ["us-west-1"]}]}`, true},
		{`{"$or": [{"source": ["aws.s3"]}, {"region": ["eu-west-1"]}]}`, false},
		{`{"source": ["aws.s3"], "$or": [{"region": ["us-west-1"]}, {"region": ["eu-west-1"]}]}`, false},
		{`{"detail": {"$or": [{"c-count": [{"numeric": [">", 5]}]}, {"d-count": [{"numeric": ["<", 10]}]}]}}`, true},
		{`{"$or": [{"source": ["x"]}, {"detail": {"state": ["running"], "$or": [{"c-count": [9]}, {"d-count": [3]}]}}]}`, true},
	} {
		p := compile(t, test.pattern, EventBridge)
		if got := p.Match([]byte(instance)); got != test.want {
			t.Errorf("%s: %v, want %v", test.pattern, got, test.want)
		}
	}
}

// The objects of an array are taken one by one.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
func TestArraysOfObjects(t *testing.T) {
	const event = `{
		"employees": [{"first": "John", "last": "Doe", "ids": ["1234", "1000"]}, {"first": "Anna", "last": "Smith", "ids": []}],
		"rows": [{"cells": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "n": 1}, {"cells": [{"a": 5, "b": 6}], "n": 2}],
		"deep": [[{"k": "x", "l": 1}], [{"k": "y", "l": 2}]]
	}`
	for pattern, want := range map[string]bool{
		`{"employees": {"first": ["Anna"]}}`:                                      true,
		`{"employees": {"first": ["John"], "last": ["Doe"]}}`:                     true,
		`{"employees": {"first": ["Anna"], "last": ["Doe"]}}`:                     false,
		`{"employees": {"first": ["Anna"], "ids": ["1234"]}}`:                     false,
		`{"employees": {"first": ["John"], "ids": ["1000"]}}`:                     true,
		`{"rows": {"cells": {"a": [3], "b": [4]}, "n": [1]}}`:                     true,
		`{"rows": {"cells": {"a": [1], "b": [4]}}}`:                               false,
		`{"rows": {"cells": {"a": [5]}, "n": [1]}}`:                               false,
		`{"rows": {"n": [1]}, "employees": {"first": ["Anna"]}}`:                  true,
		`{"rows": {"n": [1, 2], "cells": {"b": [6]}}}`:                            true,
		`{"deep": {"k": ["y"], "l": [2]}}`:                                        true,
		`{"deep": {"k": ["x"], "l": [2]}}`:                                        false,
		`{"employees": {"first": ["Anna"], "gone": [{"exists": false}]}}`:         true,
		`{"employees": {"first": ["Anna"], "last": [{"anything-but": "Smith"}]}}`: false,
	} {
		if got := compile(t, pattern, EventBridge).Match([]byte(event)); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
}

// What other emulators got wrong, by the threads that say so.
func TestPublicFaults(t *testing.T) {
	for _, test := range []struct {
		thread, pattern, event string
		want                   bool
	}{
		{"localstack#10147 nested detail", `{"detail": {"event": {"data": {"type": ["1"]}}}}`, `{"detail": {"event": {"data": {"type": ["1"]}}}}`, true},
		{"localstack#10147 nested detail", `{"detail": {"event": {"data": {"type": ["1"]}}}}`, `{"detail": {"event": {"data": {"type": ["2"]}}}}`, false},
		{"localstack#8512 exists", `{"detail": {"key": [{"exists": false}]}}`, `{"detail": {"no-key": 1}}`, true},
		{"localstack#8512 exists", `{"detail": {"key": [{"exists": true}]}}`, `{"detail": {"no-key": 1}}`, false},
		{"localstack#9711 anything-but null", `{"detail": {"command": [{"anything-but": "x"}]}}`, `{"detail": {"command": null}}`, true},
		{"localstack#9711 anything-but null", `{"detail": {"command": [{"anything-but": ["x"]}]}}`, `{"detail": {}}`, false},
		{"localstack#12148 empty prefix", `{"source": [{"prefix": ""}]}`, `{"source": "anything"}`, true},
		{"localstack#12148 empty prefix", `{"source": [{"prefix": ""}]}`, `{"source": 1}`, false},
		{"localstack#5701 a rule that matches nothing matches nothing", `{"source": ["a"], "detail": {"b": ["c"]}}`, `{"source": "a", "detail": {"b": "d"}}`, false},
		{"floci#306 prefix accepted, then never delivers", `{"detail": {"key": [{"prefix": "up/"}]}}`, `{"detail": {"key": "up/load"}}`, true},
		{"floci#709 account and region ignored", `{"account": ["1"], "region": ["r"]}`, `{"account": "1", "region": "other"}`, false},
		{"ministack#1404 unknown top-level keys", `{"unknown": ["x"]}`, `{"source": "a"}`, false},
		{"localstack#10325 exists false in a filter", `{"body": {"test": [{"exists": false}]}}`, `{"body": {"other": 1}}`, true},
		{"localstack#10325 exists false in a filter", `{"body": {"test": [{"exists": false}]}}`, `{"body": {"test": 1}}`, false},
		{"localstack#10716 one match passes the batch: each for itself", `{"body": {"k": ["a"]}}`, `{"body": {"k": "b"}}`, false},
	} {
		for _, d := range []Dialect{EventBridge, Lambda, SNSBody} {
			if got := compile(t, test.pattern, d).Match([]byte(test.event)); got != test.want {
				t.Errorf("%s: %s on %s: %v, want %v", test.thread, test.pattern, test.event, got, test.want)
			}
		}
	}
}

func TestNamesJoinedByDots(t *testing.T) {
	for _, pattern := range []string{`{"object.nested.test": ["v"]}`, `{"object": {"nested": {"test": ["v"]}}}`, `{"object.nested": {"test": ["v"]}}`} {
		for _, event := range []string{`{"object": {"nested": {"test": "v"}}}`, `{"object.nested.test": "v"}`, `{"object.nested": {"test": "v"}}`} {
			if !compile(t, pattern, SNSBody).Match([]byte(event)) {
				t.Errorf("%s does not match %s", pattern, event)
			}
		}
	}
}

func TestWhatIsNoEventMatchesNothing(t *testing.T) {
	p := compile(t, `{"a": [{"exists": false}]}`, EventBridge)
	for _, event := range []string{``, `"text"`, `[]`, `{`, `{"b": 1,}`, `{"b" 1}`, `{} {}`, `{"b": 01}`, `{"b": "` + "\n" + `"}`, `{'b': 1}`, `{"b": tru}`, `{"b": [1}`, strings.Repeat(`{"b":`, 5000)} {
		if p.Match([]byte(event)) {
			t.Errorf("%q matches", event)
		}
	}
	if !p.Match([]byte(` {"b": {"c": [{}, []]}} `)) {
		t.Error("an object does not match")
	}
}

func TestEscapes(t *testing.T) {
	p := compile(t, `{"k\u0065y": ["\ud83d\ude00 \"\\\/\b\f\n\r\té"]}`, EventBridge)
	if !p.Match([]byte("{\"key\": \"\U0001F600 \\\"\\\\/\\b\\f\\n\\r\\t\\u00e9\"}")) {
		t.Error("what is escaped differently is not the same")
	}
}

func TestAttributes(t *testing.T) {
	attributes := map[string]Attribute{
		"store": {"String", "example_corp"}, "price": {"Number", "301.50"}, "event.kind": {"String.custom", "placed"},
		"interests": {"String.Array", `["soccer", "rugby", 7, null, true]`}, "blob": {"Binary", "x"}, "broken": {"String.Array", `["a"`},
	}
	for policy, want := range map[string]bool{
		`{"store": ["example_corp"]}`:                                        true,
		`{"store": [{"anything-but": "example_corp"}]}`:                      false,
		`{"store": ["example_corp"], "price": [{"numeric": [">=", 301.5]}]}`: true,
		`{"price": [301.5]}`:                                                 true,
		`{"price": ["301.50"]}`:                                              false,
		`{"event.kind": [{"prefix": "pl"}]}`:                                 true,
		`{"interests": ["rugby", "tennis"]}`:                                 true,
		`{"interests": [7]}`:                                                 true,
		`{"interests": [null]}`:                                              true,
		`{"interests": [true]}`:                                              true,
		`{"interests": ["7"]}`:                                               false,
		`{"blob": [{"exists": true}]}`:                                       false,
		`{"broken": ["a"]}`:                                                  false,
		`{"gone": [{"exists": false}]}`:                                      true,
		`{"gone": [{"anything-but": "x"}]}`:                                  false,
		`{}`:                                                                 true,
		`{"$or": [{"store": ["x"]}, {"price": [{"numeric": ["=", 301.5]}]}]}`: true,
	} {
		if got := compile(t, policy, SNSAttributes).MatchAttributes(attributes); got != want {
			t.Errorf("%s: %v, want %v", policy, got, want)
		}
	}
}

// The objects of a long array are gone through once, though none of them has all
// fields that match.
func TestLongArrays(t *testing.T) {
	p := compile(t, `{"items":{"a":["x"],"b":["y"]}}`, EventBridge)
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for range 100_000 {
		b.WriteString(`{"a":"x","b":"n"},{"a":"n","b":"y"},`)
	}
	if p.Match([]byte(b.String() + `{}]}`)) {
		t.Error("the fields are of two objects")
	}
	if !p.Match([]byte(b.String() + `{"b":"y","a":"x"}]}`)) {
		t.Error("the last object has both")
	}
}
