package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that a hostile text cannot exhaust the stack.
const maxDepth = 1000

// ReadJSON parses a file that holds one JSON value. Duplicate keys are errors.
func ReadJSON(f *File) (*Value, Diagnostics) {
	text := bytes.TrimPrefix(f.Text, []byte("\ufeff"))
	r := jsonReader{file: f, text: text, dec: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	r.dec.UseNumber()
	v := r.value(0)
	if r.diags.HasErrors() {
		return nil, r.diags
	}
	end := r.next()
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, append(r.diags, Errorf(end, "unexpected text after the JSON value"))
	}
	return v, r.diags
}

// jsonReader builds values from a token stream.
type jsonReader struct {
	file  *File
	text  []byte
	dec   *json.Decoder
	diags Diagnostics

	// The place reached so far: tokens come in order, so each place is found from the one before.
	offset, line, column int
}

// next returns the place of the token that follows.
func (r *jsonReader) next() Pos {
	i := int(r.dec.InputOffset())
	for i < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[i]) >= 0 {
		i++
	}
	return r.at(i)
}

// at returns the place of an offset that is not before the last one asked for.
func (r *jsonReader) at(offset int) Pos {
	for _, c := range string(r.text[r.offset:max(offset, r.offset)]) {
		r.column++
		if c == '\n' {
			r.line, r.column = r.line+1, 1
		}
	}
	r.offset = max(offset, r.offset)
	return Pos{File: r.file, Line: r.line, Column: r.column}
}

func (r *jsonReader) fail(err error) *Value {
	pos := r.next()
	var se *json.SyntaxError
	if errors.As(err, &se) && se.Offset-1 > r.dec.InputOffset() {
		pos = r.at(int(se.Offset) - 1) // inside of the token that follows
	}
	msg := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		pos, msg = r.at(len(r.text)), "the text ends in the middle of a value"
	}
	r.diags = append(r.diags, Errorf(pos, "not valid JSON: %s", msg))
	return &Value{Pos: pos}
}

func (r *jsonReader) value(depth int) *Value {
	pos := r.next()
	if depth > maxDepth {
		r.diags = append(r.diags, Errorf(pos, "nested deeper than %d levels", maxDepth))
		return &Value{Pos: pos}
	}
	tok, err := r.dec.Token()
	if err != nil {
		return r.fail(err)
	}
	switch t := tok.(type) {
	case nil:
		return &Value{Kind: Null, Text: "null", Pos: pos}
	case bool:
		if t {
			return &Value{Kind: Bool, Text: "true", Pos: pos}
		}
		return &Value{Kind: Bool, Text: "false", Pos: pos}
	case json.Number:
		return &Value{Kind: Number, Text: t.String(), Pos: pos}
	case string:
		return &Value{Kind: String, Text: t, Pos: pos}
	case json.Delim:
		if t == '[' {
			return r.list(pos, depth)
		}
		return r.object(pos, depth)
	}
	return r.fail(errors.New("unexpected token"))
}

func (r *jsonReader) list(pos Pos, depth int) *Value {
	v := &Value{Kind: List, Pos: pos, Items: []*Value{}}
	for r.dec.More() {
		v.Items = append(v.Items, r.value(depth+1))
		if r.diags.HasErrors() {
			return v
		}
	}
	if _, err := r.dec.Token(); err != nil {
		r.fail(err)
	}
	return v
}

func (r *jsonReader) object(pos Pos, depth int) *Value {
	v := &Value{Kind: Map, Pos: pos}
	seen := map[string]Pos{}
	for r.dec.More() {
		kpos := r.next()
		tok, err := r.dec.Token()
		if err != nil {
			r.fail(err)
			return v
		}
		key, _ := tok.(string)
		if first, dup := seen[key]; dup {
			r.diags = append(r.diags, Errorf(kpos, "duplicate key %q", key).WithNote(first, "it is already set here"))
			return v
		}
		seen[key] = kpos
		v.Fields = append(v.Fields, Field{Key: key, Pos: kpos, Value: r.value(depth + 1)})
		if r.diags.HasErrors() {
			return v
		}
	}
	if _, err := r.dec.Token(); err != nil {
		r.fail(err)
	}
	return v
}

// MarshalJSON writes v as JSON, map keys in the order written. Numbers that JSON cannot spell are written as it would.
func (v *Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// AppendJSON appends v as compact JSON.
func (v *Value) AppendJSON(b []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	switch v.Kind {
	case Bool, Number:
		return append(b, v.canonical()...)
	case String:
		return appendString(b, v.Text)
	case List:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.AppendJSON(b)
		}
		return append(b, ']')
	case Map:
		b = append(b, '{')
		for i, f := range v.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, f.Key), ':')
			b = f.Value.AppendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// appendString appends a JSON string. Unlike encoding/json it leaves <, > and & alone, as JSON.stringify does.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r < 0x20 || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
