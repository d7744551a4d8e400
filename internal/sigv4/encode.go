package sigv4

// Escaping, as the canonical request wants it: every byte but RFC 3986's
// unreserved characters becomes %XX, with capital letters.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request

const upperHex = "0123456789ABCDEF"

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// escaped returns the byte that begins at s[i] as an escape, or -1.
func escaped(s string, i int) int {
	if s[i] != '%' || i+2 >= len(s) {
		return -1
	}
	hi, lo := unhex(s[i+1]), unhex(s[i+2])
	if hi < 0 || lo < 0 {
		return -1
	}
	return hi<<4 | lo
}

func appendEscape(b []byte, c byte) []byte {
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// appendTwice escapes s, which is escaped already, once more: the canonical
// URI of every service but S3. Slashes stay.
func appendTwice(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '/' || unreserved(c) {
			b = append(b, c)
		} else {
			b = appendEscape(b, c)
		}
	}
	return b
}

// appendOnce brings s, which may be escaped in any way that HTTP allows, into
// the canonical form: the canonical URI of S3. An escaped slash is not a slash.
func appendOnce(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if e := escaped(s, i); e >= 0 {
			i += 2
			if c = byte(e); c == '/' {
				b = appendEscape(b, c)
				continue
			}
		}
		if c == '/' || unreserved(c) {
			b = append(b, c)
		} else {
			b = appendEscape(b, c)
		}
	}
	return b
}

// appendQuery brings a name or a value of a query into the canonical form. A
// plus is a space, as in forms.
func appendQuery(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if e := escaped(s, i); e >= 0 {
			i += 2
			c = byte(e)
		} else if c == '+' {
			c = ' '
		}
		if unreserved(c) {
			b = append(b, c)
		} else {
			b = appendEscape(b, c)
		}
	}
	return b
}

// appendText escapes text that is not escaped yet, for a value in a query.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = appendEscape(b, c)
		}
	}
	return b
}

// canonicalQuery reports whether appendQuery would not change s.
func canonicalQuery(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if unreserved(c) {
			continue
		}
		e := escaped(s, i)
		if e < 0 || unreserved(byte(e)) || s[i+1] >= 'a' || s[i+2] >= 'a' {
			return false
		}
		i += 2
	}
	return true
}

// unescape returns the value of a query parameter.
func unescape(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] != '%' && s[i] != '+'
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if e := escaped(s, i); e >= 0 {
			i += 2
			c = byte(e)
		} else if c == '+' {
			c = ' '
		}
		b = append(b, c)
	}
	return string(b)
}

// normalize removes empty and dot segments from a path, which some clients do
// before they sign for services other than S3 (RFC 3986, 5.2.4).
func normalize(path string) string {
	var out []byte
	for i := 0; i < len(path); {
		for i < len(path) && path[i] == '/' {
			i++
		}
		end := i
		for end < len(path) && path[end] != '/' {
			end++
		}
		switch segment := path[i:end]; segment {
		case "", ".":
		case "..":
			for len(out) > 0 {
				last := out[len(out)-1]
				out = out[:len(out)-1]
				if last == '/' {
					break
				}
			}
		default:
			out = append(append(out, '/'), segment...)
		}
		i = end
	}
	if len(out) == 0 || path[len(path)-1] == '/' {
		out = append(out, '/')
	}
	return string(out)
}
