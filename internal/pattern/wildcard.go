package pattern

import "strings"

// wildcard accepts strings that begin with its first part, end with its last,
// and have those between in that order.
type wildcard []string

func (w wildcard) match(v *value) bool {
	if v.kind != str {
		return false
	}
	s, ok := strings.CutPrefix(v.text, w[0])
	if !ok || len(w) == 1 {
		return ok && s == ""
	}
	for _, part := range w[1 : len(w)-1] {
		at := strings.Index(s, part)
		if at < 0 {
			return false
		}
		s = s[at+len(part):]
	}
	return strings.HasSuffix(s, w[len(w)-1])
}

// wildcard reads the value of wildcard: text in which an asterisk stands for any
// characters, unless a backslash precedes it.
func (c *compiler) wildcard() (matcher, error) {
	text, err := c.textOf("wildcard")
	if err != nil {
		return nil, err
	}
	w := wildcard{""}
	last := func() *string { return &w[len(w)-1] }
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '*':
			if i+1 < len(text) && text[i+1] == '*' {
				return nil, c.failAfter("Consecutive wildcard characters at pos %d", i+1) // the quote counts
			}
			w = append(w, "")
		case '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, c.failAfter("Invalid escape character at pos %d", i)
			}
			*last() += text[i : i+1]
		default:
			*last() += text[i : i+1]
		}
	}
	if c.dialect == EventBridge && w.complexity() > maxComplexity {
		return nil, &syntaxError{"Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"}
	}
	return w, nil
}

// maxComplexity bounds the work that a wildcard may mean to EventBridge. AWS
// documents that there is a bound, and a pattern that exceeds it, but not the
// bound itself.
const maxComplexity = 10

// complexity is in how many places at once of the pattern a string can be that
// is made to be hard to match: each wildcard that it may have got to, and each
// repetition of a character after one.
func (w wildcard) complexity() int {
	n := 0
	for _, part := range w[1:] {
		n++
		if part != "" {
			// The string repeats the part's first characters.
			n += len(part) - len(strings.TrimLeft(part, part[:1]))
		}
	}
	return n
}
