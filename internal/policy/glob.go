package policy

// Compiled patterns hold wildcards as bytes that never occur in UTF-8 text, so
// that a star which came from the value of a policy variable, or from ${*}, is
// only a star.
const (
	anyRun = 0xFF // '*': any run of characters, the empty one included
	anyOne = 0xFE // '?': exactly one character
)

// wildBytes reports whether s holds a byte that a compiled pattern would read
// as a wildcard. No valid UTF-8 does.
func wildBytes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= anyOne {
			return true
		}
	}
	return false
}

// glob reports whether all of s matches the compiled pattern p. With fold, p
// is in lower case and ASCII letters of s match regardless of theirs.
func glob(p, s string, fold bool) bool {
	star, mark := -1, 0
	pi, i := 0, 0
	for i < len(s) {
		c := s[i]
		if fold {
			c = lower(c)
		}
		switch {
		case pi < len(p) && p[pi] == anyRun:
			star, mark = pi, i
			pi++
		case pi < len(p) && p[pi] == anyOne:
			pi++
			i += charLen(s[i:])
		case pi < len(p) && p[pi] == c:
			pi++
			i++
		case star >= 0:
			mark += charLen(s[mark:])
			pi, i = star+1, mark
		default:
			return false
		}
	}
	for pi < len(p) && p[pi] == anyRun {
		pi++
	}
	return pi == len(p)
}

// charLen is the length of the first character of s in bytes. A byte that is
// not UTF-8 is a character of its own.
func charLen(s string) int {
	n := 1
	if s[0] >= 0xC0 {
		for n < len(s) && n < 4 && s[n]&0xC0 == 0x80 {
			n++
		}
	}
	return n
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// A shape tells how much work a pattern needs.
type shape uint8

const (
	shapeExact  shape = iota // no wildcard
	shapePrefix              // one star, at the end
	shapeAny                 // only a star
	shapeGlob                // anything else
)

// shapeOf classifies a compiled pattern; for shapePrefix it also returns the
// pattern without its star.
func shapeOf(p string) (shape, string) {
	first := -1
	for i := 0; i < len(p); i++ {
		if p[i] >= anyOne {
			first = i
			break
		}
	}
	switch {
	case first < 0:
		return shapeExact, p
	case p == string([]byte{anyRun}):
		return shapeAny, p
	case first == len(p)-1 && p[first] == anyRun:
		return shapePrefix, p[:first]
	}
	return shapeGlob, p
}
