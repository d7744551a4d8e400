package cloud

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// inputs builds the least input that an operation's shape allows: required
// members alone, with the shortest values that fit. Where a shape does not say
// what an operation wants, values say it, by "service.Operation.Member",
// "service.Member" or "Member".
type inputs struct {
	model  *schema.Model
	op     string
	values map[string]any
}

// least, as the value of an optional member, asks for the least that its own
// shape allows.
type least struct{}

// value is the override for a member, nil when there is none. A member of a
// part of the input is only named with its operation.
func (b *inputs) value(m *schema.Member, depth int) (v any, ok bool) {
	if v, ok := b.values[b.model.ID+"."+b.op+"."+m.Name]; ok {
		return v, true
	}
	if depth > 0 && !m.Required {
		return nil, false
	}
	if v, ok := b.values[b.model.ID+"."+m.Name]; ok {
		return v, true
	}
	v, ok = b.values[m.Name]
	return v, ok
}

// least fills the input of an operation.
func (b *inputs) least(op *schema.Op) (any, error) {
	in := op.NewInput()
	if op.Input == schema.None {
		return in, nil
	}
	b.op = op.Name
	return in, b.fill(reflect.ValueOf(in).Elem(), b.model.Shape(op.Input), 0)
}

// fill sets the members of a structure.
func (b *inputs) fill(v reflect.Value, s *schema.Shape, depth int) error {
	for i := range s.Members {
		m := &s.Members[i]
		override, ok := b.value(m, depth)
		if !m.Required && !ok {
			continue
		}
		if override == (least{}) {
			override = nil
		}
		if err := b.set(v.Field(i), b.model.Shape(m.Shape), override, depth+1); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

// set gives a value of a shape to a field or an element.
func (b *inputs) set(v reflect.Value, s *schema.Shape, override any, depth int) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if override != nil && v.Kind() != reflect.Slice {
		v.Set(reflect.ValueOf(override).Convert(v.Type()))
		return nil
	}
	switch s.Kind {
	case schema.Structure:
		return b.fill(v, s, depth)
	case schema.List:
		v.Set(reflect.MakeSlice(v.Type(), max(1, int(s.Min)), max(1, int(s.Min))))
		for i := range v.Len() {
			if err := b.set(v.Index(i), b.model.Shape(s.Elem), override, depth); err != nil {
				return err
			}
		}
	case schema.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if err := b.set(k, b.model.Shape(s.Key), nil, depth); err != nil {
			return err
		}
		if err := b.set(e, b.model.Shape(s.Elem), nil, depth); err != nil {
			return err
		}
		v.SetMapIndex(k, e)
	case schema.String:
		text, err := text(s)
		if override != nil {
			text, err = override.(string), nil
		}
		v.SetString(text)
		return err
	case schema.Blob:
		v.SetBytes([]byte("{}"))
	case schema.Boolean:
		v.SetBool(true)
	case schema.Integer, schema.Long:
		v.SetInt(max(1, int64(s.Min)))
	case schema.Float, schema.Double:
		v.SetFloat(max(1, s.Min))
	case schema.Timestamp:
		v.SetInt(1)
	case schema.Custom:
		custom := v.Addr().Interface().(schema.Value)
		if _, err := custom.ScanJSON([]byte(`{"walk":{"S":"walk"}}`)); err == nil {
			return nil
		}
		_, err := custom.ScanJSON([]byte(`{"S":"walk"}`))
		return err
	case schema.Stream:
		v.Set(reflect.ValueOf(io.NopCloser(strings.NewReader("{}"))))
	}
	return nil
}

// text is a string that a shape allows.
func text(s *schema.Shape) (string, error) {
	if len(s.Enum) > 0 {
		return s.Enum[0], nil
	}
	for _, try := range []string{
		"walk", "w", "1", "123456789012", "AKIA0123456789ABCDEF", "/walk/", "arn:aws:iam::000000000000:role/walk", "$LATEST",
		"arn:aws:lambda:us-east-1:000000000000:function:walk", "arn:aws:lambda:us-east-1:000000000000:layer:walk:1", "lambda:InvokeFunction",
		"00000000-0000-4000-8000-000000000000",
	} {
		if n := int(s.Min); s.HasMin && len(try) < n {
			try += strings.Repeat("w", n-len(try))
		}
		if s.HasMax && len(try) > int(s.Max) {
			continue
		}
		if s.Pattern == "" {
			return try, nil
		}
		if ok, err := regexp.MatchString("^(?:"+s.Pattern+")$", try); err != nil || ok {
			return try, err
		}
	}
	return "", fmt.Errorf("no text of ours fits %s, pattern %s", s.Name, s.Pattern)
}
