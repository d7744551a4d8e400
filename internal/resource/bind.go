package resource

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/template"
)

// bind sets the fields of a generated input from the properties of the same
// names, at every depth. Capitals do not count: KmsKeyArn is KMSKeyArn.
//
// rules say what differs at the top: "Property" leaves a property out, for the
// caller to see to; "Property=Member" gives it to a member of another name. A
// property without a member is an error: nothing is dropped silently.
func bind(in any, props *template.Value, rules ...string) error {
	v := reflect.ValueOf(in).Elem()
	for _, f := range props.Fields {
		name := f.Key
		if i := slices.IndexFunc(rules, func(r string) bool { return r == f.Key || strings.HasPrefix(r, f.Key+"=") }); i >= 0 {
			_, member, renamed := strings.Cut(rules[i], "=")
			if !renamed {
				continue
			}
			name = member
		}
		if err := set(v, name, f.Value); err != nil {
			return fmt.Errorf("property %s: %w", f.Key, err)
		}
	}
	return nil
}

// set sets the field of a struct from a value.
func set(s reflect.Value, name string, v *template.Value) error {
	t := s.Type()
	for i := range t.NumField() {
		if strings.EqualFold(t.Field(i).Name, name) {
			return assign(s.Field(i), v)
		}
	}
	return fmt.Errorf("%s has no member %s", t.Name(), name)
}

// assign converts a value into what a field holds.
func assign(dst reflect.Value, v *template.Value) error {
	if v.IsNull() {
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		p := reflect.New(dst.Type().Elem())
		if err := assign(p.Elem(), v); err != nil {
			return err
		}
		dst.Set(p)
		return nil
	case reflect.Struct:
		if v.Kind != template.Map {
			return mismatch(v, "map")
		}
		for _, f := range v.Fields {
			if err := set(dst, f.Key, f.Value); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		dst.SetString(document(v))
		if v.IsScalar() {
			dst.SetString(v.Text)
		}
		return nil
	case reflect.Bool:
		b, ok := v.AsBool()
		if !ok {
			return mismatch(v, "boolean")
		}
		dst.SetBool(b)
		return nil
	case reflect.Int32, reflect.Int64:
		n, ok := v.AsInt()
		if !ok || dst.OverflowInt(n) {
			return mismatch(v, "whole number")
		}
		dst.SetInt(n)
		return nil
	case reflect.Float32, reflect.Float64:
		n, ok := v.AsFloat()
		if !ok {
			return mismatch(v, "number")
		}
		dst.SetFloat(n)
		return nil
	case reflect.Slice:
		return assignList(dst, v)
	case reflect.Map:
		return assignMap(dst, v)
	}
	return fmt.Errorf("a member of type %s cannot be set from a property", dst.Type())
}

func assignList(dst reflect.Value, v *template.Value) error {
	if v.Kind != template.List {
		return mismatch(v, "list")
	}
	list := reflect.MakeSlice(dst.Type(), len(v.Items), len(v.Items))
	for i, item := range v.Items {
		if err := assign(list.Index(i), item); err != nil {
			return err
		}
	}
	dst.Set(list)
	return nil
}

func assignMap(dst reflect.Value, v *template.Value) error {
	if v.Kind != template.Map {
		return mismatch(v, "map")
	}
	m := reflect.MakeMapWithSize(dst.Type(), len(v.Fields))
	for _, f := range v.Fields {
		elem := reflect.New(dst.Type().Elem()).Elem()
		if err := assign(elem, f.Value); err != nil {
			return fmt.Errorf("%s: %w", f.Key, err)
		}
		m.SetMapIndex(reflect.ValueOf(f.Key).Convert(dst.Type().Key()), elem)
	}
	dst.Set(m)
	return nil
}

func mismatch(v *template.Value, want string) error {
	if v.IsScalar() {
		return fmt.Errorf("%q is not a %s", v.Text, want)
	}
	return fmt.Errorf("a %s is wanted, and this is a %s", want, v.Kind)
}
