package wire

import (
	"reflect"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/awsapi/schema"
)

// AppendQueryResponse appends the XML of a query protocol's response: the
// operation's response element around its result and the request id.
func AppendQueryResponse(dst []byte, m *schema.Model, op *schema.Op, out any, requestID string) []byte {
	dst = append(dst, '<')
	dst = append(dst, op.Name...)
	dst = append(dst, `Response xmlns="`...)
	dst = AppendXMLText(dst, m.Namespace)
	dst = append(dst, `">`...)
	if op.Output != schema.None {
		wrapper := op.Wrapper
		if wrapper != "" {
			dst = open(dst, wrapper, "")
		}
		dst = appendXMLMembers(dst, m, m.Shape(op.Output), reflect.ValueOf(out).Elem())
		if wrapper != "" {
			dst = closing(dst, wrapper)
		}
	}
	dst = append(dst, "<ResponseMetadata><RequestId>"...)
	dst = AppendXMLText(dst, requestID)
	dst = append(dst, "</RequestId></ResponseMetadata></"...)
	dst = append(dst, op.Name...)
	return append(dst, "Response>"...)
}

// AppendXML appends v, a pointer to the Go struct of the shape, as one element
// of the given name: a REST-XML body.
func AppendXML(dst []byte, m *schema.Model, shape schema.Ref, name, namespace string, v any) []byte {
	s := m.Shape(shape)
	if name == "" {
		name = or(s.XMLName, s.Name)
	}
	dst = open(dst, name, or(s.XMLNamespace, namespace))
	dst = appendXMLMembers(dst, m, s, reflect.ValueOf(v).Elem())
	return closing(dst, name)
}

func appendXMLMembers(dst []byte, m *schema.Model, s *schema.Shape, v reflect.Value) []byte {
	for i := range s.Members {
		mb := &s.Members[i]
		f := v.Field(i)
		if mb.In != schema.Body || mb.Attribute || absent(f) {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		sh := m.Shape(mb.Shape)
		dst = appendXMLValue(dst, m, sh, timeFormat(mb, sh, schema.ISO8601), mb.Wire, mb.Namespace, mb.Flattened || sh.Flattened, f)
	}
	return dst
}

func appendXMLValue(dst []byte, m *schema.Model, s *schema.Shape, tf schema.TimeFormat, name, ns string, flat bool, v reflect.Value) []byte {
	switch s.Kind {
	case schema.Structure:
		dst = openWithAttributes(dst, m, s, name, ns, v)
		dst = appendXMLMembers(dst, m, s, v)
		return closing(dst, name)
	case schema.List:
		elem := m.Shape(s.Elem)
		elemName := or(s.ElemName, "member")
		if flat {
			elemName = or(s.ElemName, name)
		} else {
			dst = open(dst, name, ns)
		}
		for i := range v.Len() {
			dst = appendXMLValue(dst, m, elem, xmlTime(elem), elemName, "", elem.Flattened, v.Index(i))
		}
		if !flat {
			dst = closing(dst, name)
		}
		return dst
	case schema.Map:
		elem := m.Shape(s.Elem)
		entry := "entry"
		if flat {
			entry = or(s.XMLName, name)
		} else {
			dst = open(dst, name, ns)
		}
		for _, k := range sortedKeys(v) {
			dst = open(dst, entry, "")
			dst = open(dst, or(s.KeyName, "key"), "")
			dst = AppendXMLText(dst, k)
			dst = closing(dst, or(s.KeyName, "key"))
			dst = appendXMLValue(dst, m, elem, xmlTime(elem), or(s.ElemName, "value"), "", elem.Flattened, v.MapIndex(reflect.ValueOf(k)))
			dst = closing(dst, entry)
		}
		if !flat {
			dst = closing(dst, name)
		}
		return dst
	}
	dst = open(dst, name, ns)
	dst = AppendXMLText(dst, textOf(s, tf, v))
	return closing(dst, name)
}

func xmlTime(s *schema.Shape) schema.TimeFormat {
	if s.Time != schema.ByProtocol {
		return s.Time
	}
	return schema.ISO8601
}

func open(dst []byte, name, ns string) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	if ns != "" {
		dst = append(dst, ` xmlns="`...)
		dst = AppendXMLText(dst, ns)
		dst = append(dst, '"')
	}
	return append(dst, '>')
}

func openWithAttributes(dst []byte, m *schema.Model, s *schema.Shape, name, ns string, v reflect.Value) []byte {
	dst = append(dst, '<')
	dst = append(dst, name...)
	if ns != "" {
		dst = append(dst, ` xmlns:xsi="`...)
		dst = AppendXMLText(dst, ns)
		dst = append(dst, '"')
	}
	for i := range s.Members {
		mb := &s.Members[i]
		f := v.Field(i)
		if !mb.Attribute || absent(f) {
			continue
		}
		dst = append(dst, ' ')
		dst = append(dst, mb.Wire...)
		dst = append(dst, '=', '"')
		dst = AppendXMLText(dst, textOf(m.Shape(mb.Shape), schema.ISO8601, f.Elem()))
		dst = append(dst, '"')
	}
	return append(dst, '>')
}

func closing(dst []byte, name string) []byte {
	dst = append(dst, '<', '/')
	dst = append(dst, name...)
	return append(dst, '>')
}

// AppendXMLText appends s, escaped for character data and attribute values. Characters that
// XML 1.0 cannot carry become U+FFFD, as encoding/xml does.
func AppendXMLText(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch c {
			case '&':
				dst = append(dst, "&amp;"...)
			case '<':
				dst = append(dst, "&lt;"...)
			case '>':
				dst = append(dst, "&gt;"...)
			case '"':
				dst = append(dst, "&quot;"...)
			case '\r':
				dst = append(dst, "&#xD;"...)
			case '\n', '\t':
				dst = append(dst, c)
			default:
				if c < 0x20 {
					dst = append(dst, "\uFFFD"...)
				} else {
					dst = append(dst, c)
				}
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == 0xFFFE || r == 0xFFFF {
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return dst
}
