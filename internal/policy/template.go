package policy

import "strings"

// A template is a string of a policy in which variables stand for values of
// the request. Without variables it is one constant.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type template struct {
	text  string // the whole of it, when there are no variables
	parts []part // otherwise
}

// A part is literal text, or a variable when key is not empty.
type part struct {
	text       string // the literal, or the variable's default
	key        string // in lower case
	hasDefault bool
}

// parseTemplate compiles s. Variables are read only in documents of version
// 2012-10-17 (vars); wildcards only where the element has them (wild). What
// looks like a variable but is not closed is literal text.
func parseTemplate(s string, vars, wild bool) template {
	var t template
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			t.parts = append(t.parts, part{text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case vars && c == '$' && strings.HasPrefix(s[i:], "${"):
			end := closing(s[i:])
			if end < 0 {
				lit.WriteByte(c)
				continue
			}
			body := s[i+2 : i+end]
			i += end
			if body == "*" || body == "?" || body == "$" {
				lit.WriteString(body)
				continue
			}
			flush()
			t.parts = append(t.parts, variable(body))
		case wild && c == '*':
			lit.WriteByte(anyRun)
		case wild && c == '?':
			lit.WriteByte(anyOne)
		default:
			lit.WriteByte(c)
		}
	}
	if t.parts == nil {
		return template{text: lit.String()}
	}
	flush()
	return t
}

// closing returns the index of the brace that closes the variable with which s
// begins, or -1. A brace within the quotes of a default value does not.
func closing(s string) int {
	quoted := false
	for i := 2; i < len(s); i++ {
		switch s[i] {
		case '\'':
			quoted = !quoted
		case '}':
			if !quoted {
				return i
			}
		}
	}
	return -1
}

// variable reads what stands between the braces: a key, and perhaps a default
// value in single quotes behind a comma.
func variable(body string) part {
	name, def, ok := strings.Cut(body, ",")
	p := part{key: strings.ToLower(strings.TrimSpace(name))}
	if !ok {
		return p
	}
	def = strings.TrimSpace(def)
	if len(def) >= 2 && def[0] == '\'' && def[len(def)-1] == '\'' {
		p.text, p.hasDefault = def[1:len(def)-1], true
	}
	return p
}

// expand returns the template with the request's values in it. It fails when a
// variable has no value and no default, or several values. A value is always
// literal text: a star in a tag is not a wildcard.
func (t *template) expand(r *Request) (string, bool) {
	if t.parts == nil {
		return t.text, true
	}
	var b strings.Builder
	for i := range t.parts {
		p := &t.parts[i]
		if p.key == "" {
			b.WriteString(p.text)
			continue
		}
		v, ok := r.key(p.key)
		switch {
		case ok && v.single() && !wildBytes(v.one):
			b.WriteString(v.one)
		case !ok && p.hasDefault:
			b.WriteString(p.text)
		default:
			return "", false
		}
	}
	return b.String(), true
}
