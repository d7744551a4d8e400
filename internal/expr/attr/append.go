package attr

import "encoding/base64"

// AppendJSON appends the value as the API writes it, {"S":"text"}; an absent value is null.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.IsZero() {
		return append(dst, "null"...)
	}
	dst, _ = appendValue(dst, v.enc)
	return dst
}

// AppendJSON appends the item as the API writes a map of attribute values, {"name":{"S":"text"}}; an absent item is null.
func (it Item) AppendJSON(dst []byte) []byte {
	if it.IsZero() {
		return append(dst, "null"...)
	}
	return appendEntries(dst, it.Value().body())
}

// appendValue writes the value at the start of s and returns what follows it.
func appendValue(dst []byte, s string) ([]byte, string) {
	v, rest := cutValue(s)
	k := v.Kind()
	dst = append(dst, '{', '"')
	dst = append(dst, k.String()...)
	dst = append(dst, '"', ':')
	switch k {
	case NULL:
		dst = append(dst, "true"...)
	case BOOL:
		if v.Bool() {
			dst = append(dst, "true"...)
		} else {
			dst = append(dst, "false"...)
		}
	case N:
		dst = append(dst, '"')
		dst = v.Number().Append(dst)
		dst = append(dst, '"')
	case S:
		dst = appendString(dst, v.Str())
	case B:
		dst = appendBase64(dst, v.Str())
	case SS, NS, BS:
		dst = appendMembers(dst, k, v.body())
	case L:
		dst = append(dst, '[')
		for i, s := 0, v.body(); s != ""; i++ {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, s = appendValue(dst, s)
		}
		dst = append(dst, ']')
	case M:
		dst = appendEntries(dst, v.body())
	default: // an invalid value has no form in JSON; null is what the API sends for a member that is not there
		dst = append(dst, "null"...)
	}
	return append(dst, '}'), rest
}

func appendEntries(dst []byte, s string) []byte {
	dst = append(dst, '{')
	for i := 0; s != ""; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		var name string
		name, s = cutBytes(s)
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst, s = appendValue(dst, s)
	}
	return append(dst, '}')
}

func appendMembers(dst []byte, k Kind, s string) []byte {
	dst = append(dst, '[')
	for i := 0; s != ""; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		var m string
		m, s = cutBytes(s)
		switch k {
		case NS:
			dst = append(dst, '"')
			dst = Number{m}.Append(dst)
			dst = append(dst, '"')
		case BS:
			dst = appendBase64(dst, m)
		default:
			dst = appendString(dst, m)
		}
	}
	return append(dst, ']')
}

func appendBase64(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(s))
	return append(dst, '"')
}

// appendString writes s as a JSON string. Strings in values are valid UTF-8, so only quotes, backslashes and control
// characters need escaping.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
