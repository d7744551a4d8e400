package handlebars

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Data is what a template is executed with: a JSON value. It is nil, a bool, a
// json.Number, a string, []any or *object.
type Data struct{ value any }

// object is a JSON object that keeps the order of its members.
type object struct {
	keys   []string
	values map[string]any
}

// ParseData reads the data of a template, which must be an object.
func ParseData(text string) (Data, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decode(d)
	if err != nil {
		return Data{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Data{}, errors.New("something follows the JSON value")
	}
	if _, ok := v.(*object); !ok {
		return Data{}, errors.New("it is no JSON object")
	}
	return Data{v}, nil
}

// Merge returns data whose members are those of d, and those of over in their
// place where it has them.
func (d Data) Merge(over Data) Data {
	out := &object{values: map[string]any{}}
	for _, data := range []Data{d, over} {
		o, _ := data.value.(*object)
		if o == nil {
			continue
		}
		for _, k := range o.keys {
			out.set(k, o.values[k])
		}
	}
	return Data{out}
}

func (o *object) set(k string, v any) {
	if _, ok := o.values[k]; !ok {
		o.keys = append(o.keys, k)
	}
	o.values[k] = v
}

// decode reads one value.
func decode(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := &object{values: map[string]any{}}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decode(d)
			if err != nil {
				return nil, err
			}
			o.set(k.(string), v) // an object's keys are strings, or Token fails
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decode(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

// member returns a member of an object or an element of a list.
func member(v any, name string) (any, bool) {
	switch v := v.(type) {
	case *object:
		m, ok := v.values[name]
		return m, ok
	case []any:
		if name == "length" {
			return json.Number(strconv.Itoa(len(v))), true
		}
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

// truth is what a value is as a condition: false, null, zero, nothing written
// and nothing listed are false.
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case []any:
		return len(v) > 0
	}
	return true
}

// show is a value as a text has it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	var b bytes.Buffer
	showJSON(&b, v)
	return b.String()
}

// showJSON writes lists and objects, for which a text has no better form.
func showJSON(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case *object:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteByte(',')
			}
			showJSON(b, k)
			b.WriteByte(':')
			showJSON(b, v.values[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			showJSON(b, e)
		}
		b.WriteByte(']')
	default:
		text, err := json.Marshal(v)
		if err == nil { // of nil, bool, string and json.Number there is none
			b.Write(text)
		}
	}
}
