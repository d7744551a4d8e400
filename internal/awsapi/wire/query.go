package wire

import (
	"encoding/base64"
	"math"
	"net/url"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
)

// maxQueryElements bounds the lists and maps of a query request.
const maxQueryElements = 10_000

// DecodeQuery reads the parameters of the query protocol into out, a pointer
// to the Go struct of the shape.
func DecodeQuery(m *schema.Model, shape schema.Ref, form url.Values, out any) error {
	if shape == schema.None {
		return nil
	}
	d := queryDecoder{m: m, form: form, keys: make([]string, 0, len(form))}
	for k := range form {
		d.keys = append(d.keys, k)
	}
	sort.Strings(d.keys)
	return d.structure(m.Shape(shape), "", reflect.ValueOf(out).Elem(), 0)
}

type queryDecoder struct {
	m    *schema.Model
	form url.Values
	keys []string // sorted
}

// below reports whether a parameter stands below the prefix ("a" has "a.b").
func (d *queryDecoder) below(prefix string) bool {
	p := prefix + "."
	i := sort.SearchStrings(d.keys, p)
	return i < len(d.keys) && strings.HasPrefix(d.keys[i], p)
}

// present reports whether the parameter or one below it was sent.
func (d *queryDecoder) present(name string) bool {
	_, ok := d.form[name]
	return ok || d.below(name)
}

func (d *queryDecoder) structure(s *schema.Shape, prefix string, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errorf("The request is nested deeper than %d levels", maxDepth)
	}
	for i := range s.Members {
		mb := &s.Members[i]
		sh := d.m.Shape(mb.Shape)
		name := prefix + exported(mb.Wire)
		if flat := mb.Flattened || sh.Flattened; flat && sh.Kind == schema.List && sh.ElemName != "" {
			name = prefix + sh.ElemName
		} else if flat && sh.Kind == schema.Map && sh.XMLName != "" {
			name = prefix + sh.XMLName
		}
		if !d.present(name) {
			if name = prefix + mb.Wire; !d.present(name) {
				continue
			}
		}
		f := v.Field(i)
		if sh.Kind == schema.List || sh.Kind == schema.Map {
			if err := d.collection(sh, mb.Flattened || sh.Flattened, name, f, depth); err != nil {
				return err
			}
			continue
		}
		if f.Kind() == reflect.Pointer {
			n := reflect.New(f.Type().Elem())
			if err := d.element(sh, name, n.Elem(), depth); err != nil {
				return err
			}
			f.Set(n)
			continue
		}
		if err := d.element(sh, name, f, depth); err != nil {
			return err
		}
	}
	return nil
}

func exported(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

func (d *queryDecoder) collection(s *schema.Shape, flat bool, name string, f reflect.Value, depth int) error {
	if s.Kind == schema.List {
		out := reflect.MakeSlice(f.Type(), 0, 4)
		elem := d.m.Shape(s.Elem)
		base := name
		if !flat {
			base = name + ".member"
			if s.ElemName != "" && d.below(name+"."+s.ElemName) {
				base = name + "." + s.ElemName
			}
		}
		for i := 1; i <= maxQueryElements; i++ {
			at := base + "." + strconv.Itoa(i)
			if !d.present(at) {
				break
			}
			x := reflect.New(f.Type().Elem()).Elem()
			if err := d.element(elem, at, x, depth+1); err != nil {
				return err
			}
			out = reflect.Append(out, x)
		}
		f.Set(out)
		return nil
	}
	out := reflect.MakeMap(f.Type())
	elem := d.m.Shape(s.Elem)
	base := name
	if !flat {
		base = name + ".entry"
	}
	keyName, valueName := or(s.KeyName, "key"), or(s.ElemName, "value")
	for i := 1; i <= maxQueryElements; i++ {
		at := base + "." + strconv.Itoa(i)
		if !d.present(at) {
			break
		}
		x := reflect.New(f.Type().Elem()).Elem()
		if err := d.element(elem, at+"."+valueName, x, depth+1); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(d.form.Get(at+"."+keyName)), x)
	}
	f.Set(out)
	return nil
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func (d *queryDecoder) element(s *schema.Shape, name string, v reflect.Value, depth int) error {
	switch s.Kind {
	case schema.Structure:
		return d.structure(s, name+".", v, depth+1)
	case schema.List, schema.Map:
		return d.collection(s, s.Flattened, name, v, depth+1)
	}
	return setText(s, s.Time, v, name, d.form.Get(name))
}

// setText sets a scalar from its text, as it stands in forms, headers, paths
// and XML.
func setText(s *schema.Shape, tf schema.TimeFormat, v reflect.Value, name, text string) error {
	switch s.Kind {
	case schema.String:
		v.SetString(text)
	case schema.Blob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errorf("%s is not valid Base64", name)
		}
		v.SetBytes(b)
	case schema.Boolean:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return errorf("%q of %s is not a boolean", text, name)
		}
		v.SetBool(b)
	case schema.Integer, schema.Long:
		bits := 64
		if s.Kind == schema.Integer {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return errorf("%q of %s is not a whole number of %d bits", text, name, bits)
		}
		v.SetInt(n)
	case schema.Float, schema.Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return errorf("%q of %s is not a number", text, name)
		}
		v.SetFloat(f)
	case schema.Timestamp:
		t, err := ParseTime(text, tf)
		if err != nil {
			return err
		}
		v.SetInt(int64(t))
	default:
		return errorf("%s cannot be written as text", name)
	}
	return nil
}

// textOf is the inverse of setText.
func textOf(s *schema.Shape, tf schema.TimeFormat, v reflect.Value) string {
	switch s.Kind {
	case schema.String:
		return v.String()
	case schema.Blob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case schema.Boolean:
		return strconv.FormatBool(v.Bool())
	case schema.Integer, schema.Long:
		return strconv.FormatInt(v.Int(), 10)
	case schema.Float, schema.Double:
		bits := 64
		if s.Kind == schema.Float {
			bits = 32
		}
		f := v.Float()
		switch {
		case math.IsInf(f, 1):
			return "Infinity"
		case math.IsInf(f, -1):
			return "-Infinity"
		}
		return strconv.FormatFloat(f, 'g', -1, bits)
	case schema.Timestamp:
		return FormatTime(clock.Instant(v.Int()), tf)
	}
	return ""
}
