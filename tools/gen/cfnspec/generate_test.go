package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const testDatabase = `{"schema": {
  "resource": {"entities": [
    {"cloudFormationType": "Test::Tree", "primaryIdentifier": ["Id"], "attributes": {"Id": {}, "Arn": {}},
     "tagInformation": {"tagPropertyName": "Tags", "variant": "standard"},
     "properties": {
       "Root": {"type": {"type": "ref", "reference": {"$ref": "1"}}, "required": true},
       "Name": {"type": {"type": "string"}, "causesReplacement": "yes"},
       "Size": {"type": {"type": "union", "types": [{"type": "string"}, {"type": "integer"}]}, "causesReplacement": "maybe"},
       "Doc": {"type": {"type": "union", "types": [{"type": "string"}, {"type": "json"}]}},
       "Tags": {"type": {"type": "array", "element": {"type": "tag"}}}}},
    {"cloudFormationType": "Test::Other", "properties": {"Name": {"type": {"type": "mystery"}}}}]},
  "typeDefinition": {"entities": [
    {"$id": "1", "name": "Node", "properties": {"Children": {"type": {"type": "array", "element": {"type": "ref", "reference": {"$ref": "1"}}}}}}]}}}`

func testDB(t *testing.T) *database {
	t.Helper()
	db := new(database)
	if err := json.Unmarshal([]byte(testDatabase), db); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestGenerate(t *testing.T) {
	code, err := generate(testDB(t), []string{"Test::Tree"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{Name: "Test::Tree", PrimaryID: []string{"Id"}, Attributes: []string{"Arn", "Id"}, Tags: "Tags", Properties: []schema.Property{`,
		`{Name: "Doc", Shape: 0},`,
		`{Name: "Name", Shape: 1, CreateOnly: true},`,
		`{Name: "Root", Shape: 2, Required: true},`,
		`{Name: "Size", Shape: 4},`,
		`2: {Name: "Node", Kind: schema.Object, Properties: []schema.Property{`,
		`{Name: "Children", Shape: 3},`,
		`3: {Kind: schema.List, Elem: 2},`,
		`4: {Kind: schema.Integer},`,
	} {
		if !strings.Contains(string(code), want) {
			t.Errorf("%s is missing in\n%s", want, code)
		}
	}
	again, err := generate(testDB(t), []string{"Test::Tree"})
	if err != nil || string(again) != string(code) {
		t.Errorf("the same database makes other code: %v", err)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for typ, want := range map[string]string{
		"Test::Nothing": "the declared type Test::Nothing is not in the package",
		"Test::Other":   `Test::Other: Name: unknown kind of type "mystery"`,
	} {
		if _, err := generate(testDB(t), []string{typ}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", typ, err, want)
		}
	}
}
