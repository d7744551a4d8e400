package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Parse reads one JSON value as [Schema.Validate] takes it: numbers keep their
// digits.
func Parse(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: there is more after the value")
	}
	return v, nil
}

// kindOf is the type of a value in the words of JSON Schema. 1.0 is no integer
// to draft 4.
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return "integer"
		}
	}
	return "number"
}

// maxExponent bounds the numbers that are compared exactly: 1e999999999 is
// eleven bytes of request and a gigabyte of digits.
const maxExponent = 400

// number is a JSON number, exactly; false where its exponent is out of all
// reason.
func number(n json.Number) (*big.Rat, bool) {
	if i := strings.IndexAny(n.String(), "eE"); i >= 0 {
		exp, err := strconv.Atoi(n.String()[i+1:])
		if err != nil || exp > maxExponent || exp < -maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(n.String())
}

// equal compares values as JSON Schema does: numbers by what they are worth.
func equal(a, b any) bool {
	return bytes.Equal(appendCanonical(nil, a), appendCanonical(nil, b))
}

// appendCanonical writes a value so that equal ones are the same text: members
// in order, numbers as fractions.
func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.Number:
		if n, ok := number(v); ok {
			return append(b, n.RatString()...)
		}
		return append(b, v...)
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b = append(appendCanonical(b, item), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendCanonical(b, v[name]), ',')
		}
		return append(b, '}')
	case string:
		return strconv.AppendQuote(b, v)
	}
	return fmt.Append(b, v)
}

// show is a value as messages have it.
func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// list is names in quotes, in order, as messages have them.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	slices.Sort(quoted)
	return strings.Join(quoted, ",")
}
