package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
)

// DecodeJSON reads a body of a JSON protocol into out, a pointer to the Go
// struct of the shape. Members that the model does not know are passed over,
// as AWS does.
func DecodeJSON(m *schema.Model, shape schema.Ref, body []byte, out any) error {
	d := jsonDecoder{scanner: scanner{data: body}, m: m}
	if shape == schema.None {
		return nil
	}
	if d.peek() == 0 { // an empty body is an empty structure
		return nil
	}
	if err := d.structure(m.Shape(shape), reflect.ValueOf(out).Elem(), 0); err != nil {
		return err
	}
	if d.peek() != 0 {
		return d.syntax()
	}
	return nil
}

type jsonDecoder struct {
	scanner
	m *schema.Model
}

func (d *jsonDecoder) structure(s *schema.Shape, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	if d.peek() != '{' {
		return d.mismatch("structure")
	}
	return d.object(func(key string) error {
		for i := range s.Members {
			if mb := &s.Members[i]; mb.Wire == key && mb.In == schema.Body {
				return d.member(mb, v.Field(i), depth)
			}
		}
		return d.skip(depth + 1)
	})
}

func (d *jsonDecoder) member(mb *schema.Member, f reflect.Value, depth int) error {
	if d.null() {
		return nil
	}
	s := d.m.Shape(mb.Shape)
	p := f.Addr().Interface()
	switch s.Kind {
	case schema.Structure:
		n := reflect.New(f.Type().Elem())
		if err := d.structure(s, n.Elem(), depth+1); err != nil {
			return err
		}
		f.Set(n)
		return nil
	case schema.List, schema.Map, schema.Blob, schema.Custom:
		return d.element(s, f, depth)
	case schema.String:
		x, err := d.stringValue()
		*p.(**string) = &x
		return err
	case schema.Boolean:
		x, err := d.boolean()
		*p.(**bool) = &x
		return err
	case schema.Integer:
		x, err := d.integer(32)
		n := int32(x)
		*p.(**int32) = &n
		return err
	case schema.Long:
		x, err := d.integer(64)
		*p.(**int64) = &x
		return err
	case schema.Float:
		x, err := d.double()
		n := float32(x)
		*p.(**float32) = &n
		return err
	case schema.Double:
		x, err := d.double()
		*p.(**float64) = &x
		return err
	case schema.Timestamp:
		x, err := d.timestamp()
		*p.(**clock.Instant) = &x
		return err
	}
	return errorf("Member %s cannot stand in a JSON body", mb.Name)
}

// element reads a value that is held without a pointer.
func (d *jsonDecoder) element(s *schema.Shape, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errorf("The document is nested deeper than %d levels", maxDepth)
	}
	p := v.Addr().Interface()
	var err error
	switch s.Kind {
	case schema.Structure:
		return d.structure(s, v, depth+1)
	case schema.Custom:
		rest, err := p.(schema.Value).ScanJSON(d.data[d.pos:])
		if err != nil {
			return err
		}
		d.pos = len(d.data) - len(rest)
		return nil
	case schema.List:
		return d.list(s, v, depth)
	case schema.Map:
		return d.mapping(s, v, depth)
	case schema.Blob:
		var x string
		if d.peek() != '"' {
			return d.mismatch("blob")
		}
		if x, err = d.str(); err != nil {
			return err
		}
		b, err := base64.StdEncoding.DecodeString(x)
		if err != nil {
			return errorf("Invalid Base64 content")
		}
		*p.(*[]byte) = b
	case schema.String:
		*p.(*string), err = d.stringValue()
	case schema.Boolean:
		*p.(*bool), err = d.boolean()
	case schema.Integer:
		var x int64
		x, err = d.integer(32)
		*p.(*int32) = int32(x)
	case schema.Long:
		*p.(*int64), err = d.integer(64)
	case schema.Float:
		var x float64
		x, err = d.double()
		*p.(*float32) = float32(x)
	case schema.Double:
		*p.(*float64), err = d.double()
	case schema.Timestamp:
		*p.(*clock.Instant), err = d.timestamp()
	}
	return err
}

func (d *jsonDecoder) list(s *schema.Shape, v reflect.Value, depth int) error {
	if d.peek() != '[' {
		return d.mismatch("list")
	}
	elem := d.m.Shape(s.Elem)
	out := reflect.MakeSlice(v.Type(), 0, 4)
	zero := reflect.Zero(v.Type().Elem())
	err := d.array(func(i int) error {
		out = reflect.Append(out, zero)
		if d.null() {
			return nil
		}
		return d.element(elem, out.Index(i), depth+1)
	})
	v.Set(out)
	return err
}

func (d *jsonDecoder) mapping(s *schema.Shape, v reflect.Value, depth int) error {
	if d.peek() != '{' {
		return d.mismatch("map")
	}
	elem := d.m.Shape(s.Elem)
	out := reflect.MakeMap(v.Type())
	err := d.object(func(key string) error {
		x := reflect.New(v.Type().Elem()).Elem()
		if !d.null() {
			if err := d.element(elem, x, depth+1); err != nil {
				return err
			}
		}
		out.SetMapIndex(reflect.ValueOf(key), x)
		return nil
	})
	v.Set(out)
	return err
}

// mismatch says, in the words of AWS's JSON reader, that another type of value
// stands where one of kind want is expected.
func (d *jsonDecoder) mismatch(want string) error {
	switch c := d.peek(); {
	case c == '{':
		return errorf("Start of structure or map found where not expected")
	case c == '[':
		return errorf("Start of list found where not expected")
	case c == '"' || c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f':
		if want == "structure" || want == "map" || want == "list" {
			return errorf("Unexpected field type")
		}
		return errorf("%s can not be converted to a %s", d.token(), want)
	}
	return d.syntax()
}

func (d *jsonDecoder) token() string {
	switch c := d.peek(); c {
	case '"':
		return "STRING_VALUE"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	}
	return "NUMBER_VALUE"
}

func (d *jsonDecoder) stringValue() (string, error) {
	if d.peek() != '"' {
		return "", d.mismatch("String")
	}
	return d.str()
}

func (d *jsonDecoder) boolean() (bool, error) {
	switch c := d.peek(); {
	case c == 't' && d.literal("true"):
		return true, nil
	case c == 'f' && d.literal("false"):
		return false, nil
	}
	return false, d.mismatch("Boolean")
}

func (d *jsonDecoder) integer(bits int) (int64, error) {
	c := d.peek()
	if c != '-' && (c < '0' || c > '9') {
		if bits == 32 {
			return 0, d.mismatch("Integer")
		}
		return 0, d.mismatch("Long")
	}
	text, err := d.number()
	if err != nil {
		return 0, err
	}
	if n, err := strconv.ParseInt(text, 10, bits); err == nil {
		return n, nil
	}
	// 1.0 and 1e3 are whole numbers too; a fraction is cut off, as AWS does.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(f) >= math.Ldexp(1, bits-1) {
		return 0, errorf("Numeric value (%s) out of range", text)
	}
	return int64(f), nil
}

func (d *jsonDecoder) double() (float64, error) {
	c := d.peek()
	if c == '"' {
		x, err := d.str()
		if err != nil {
			return 0, err
		}
		switch x {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
		return 0, errorf("STRING_VALUE can not be converted to a Double")
	}
	if c != '-' && (c < '0' || c > '9') {
		return 0, d.mismatch("Double")
	}
	text, err := d.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errorf("Numeric value (%s) out of range", text)
	}
	return f, nil
}

func (d *jsonDecoder) timestamp() (clock.Instant, error) {
	if d.peek() == '"' {
		x, err := d.str()
		if err != nil {
			return 0, err
		}
		return ParseTime(x, schema.ISO8601)
	}
	f, err := d.double()
	if err != nil {
		return 0, err
	}
	return clock.UnixMilli(int64(math.Round(f * 1000))), nil
}

// AppendJSON appends the JSON form of v, a pointer to the Go struct of the
// shape.
func AppendJSON(dst []byte, m *schema.Model, shape schema.Ref, v any) []byte {
	if shape == schema.None {
		return append(dst, '{', '}')
	}
	return appendStructure(dst, m, m.Shape(shape), reflect.ValueOf(v).Elem())
}

func appendStructure(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value) []byte {
	dst = append(dst, '{')
	return append(appendMembers(dst, m, s, v, true), '}')
}

func appendMembers(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value, first bool) []byte {
	for i := range s.Members {
		mb := &s.Members[i]
		f := v.Field(i)
		if mb.In != schema.Body || absent(f) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendString(dst, mb.Wire)
		dst = append(dst, ':')
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		dst = appendValue(dst, m, m.Shape(mb.Shape), timeFormat(mb, m.Shape(mb.Shape), schema.EpochSeconds), f)
	}
	return dst
}

// timeFormat picks a timestamp's format: the member's, the shape's, or the
// default of the place.
func timeFormat(mb *schema.Member, s *schema.Shape, def schema.TimeFormat) schema.TimeFormat {
	if mb.Time != schema.ByProtocol {
		return mb.Time
	}
	if s.Time != schema.ByProtocol {
		return s.Time
	}
	return def
}

// absent reports whether an optional member is missing.
func absent(f reflect.Value) bool {
	switch f.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		if f.IsNil() {
			return true
		}
	}
	if f.CanAddr() && f.Kind() != reflect.Pointer {
		if c, ok := f.Addr().Interface().(schema.Value); ok {
			return c.Absent()
		}
	}
	return false
}

func appendValue(dst []byte, m *schema.Model, s *schema.Shape, tf schema.TimeFormat, v reflect.Value) []byte {
	switch s.Kind {
	case schema.Structure:
		return appendStructure(dst, m, s, v)
	case schema.Custom:
		if !v.CanAddr() { // an element of a map
			c := reflect.New(v.Type())
			c.Elem().Set(v)
			v = c.Elem()
		}
		return v.Addr().Interface().(schema.Value).AppendJSON(dst)
	case schema.List:
		dst = append(dst, '[')
		elem := m.Shape(s.Elem)
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendValue(dst, m, elem, elementTime(elem), v.Index(i))
		}
		return append(dst, ']')
	case schema.Map:
		dst = append(dst, '{')
		elem := m.Shape(s.Elem)
		for i, k := range sortedKeys(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, k)
			dst = append(dst, ':')
			dst = appendValue(dst, m, elem, elementTime(elem), v.MapIndex(reflect.ValueOf(k)))
		}
		return append(dst, '}')
	case schema.Blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	case schema.String:
		return AppendString(dst, v.String())
	case schema.Boolean:
		return strconv.AppendBool(dst, v.Bool())
	case schema.Integer, schema.Long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case schema.Float:
		return appendFloat(dst, v.Float(), 32)
	case schema.Double:
		return appendFloat(dst, v.Float(), 64)
	case schema.Timestamp:
		if tf == schema.EpochSeconds {
			return appendEpoch(dst, clock.Instant(v.Int()))
		}
		return AppendString(dst, FormatTime(clock.Instant(v.Int()), tf))
	}
	return append(dst, "null"...)
}

func elementTime(s *schema.Shape) schema.TimeFormat {
	if s.Time != schema.ByProtocol {
		return s.Time
	}
	return schema.EpochSeconds
}

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

// appendEpoch writes seconds with up to three decimals.
func appendEpoch(dst []byte, t clock.Instant) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	if f := ms % 1000; f != 0 {
		dst = append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	return dst
}

// FormatTime formats a timestamp as text.
func FormatTime(t clock.Instant, f schema.TimeFormat) string {
	switch f {
	case schema.RFC822:
		return t.Time().Format("Mon, 02 Jan 2006 15:04:05 GMT")
	case schema.EpochSeconds:
		return string(appendEpoch(nil, t))
	}
	return t.Time().Format("2006-01-02T15:04:05.999Z")
}

// ParseTime reads a timestamp in the given format, and, as AWS does, in the
// others when it does not fit.
func ParseTime(s string, f schema.TimeFormat) (clock.Instant, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return clock.At(t), nil
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(x) < 1e13 {
		return clock.UnixMilli(int64(math.Round(x * 1000))), nil
	}
	for _, layout := range []string{time.RFC1123, "Mon, 02 Jan 2006 15:04:05 MST", "2006-01-02T15:04:05", "20060102T150405Z", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return clock.At(t), nil
		}
	}
	return 0, errorf("%q is not a timestamp", s)
}
