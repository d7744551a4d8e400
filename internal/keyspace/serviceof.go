package keyspace

import "bytes"

// ServiceOf returns the name of the service whose key it is, as a part of the key;
// empty of a key that is not of [Service]'s making.
func ServiceOf(k Key) []byte {
	if len(k) == 0 || k[0] != Format {
		return nil
	}
	rest := k[1:]
	if len(rest) > 0 && rest[0] >= tagZero && rest[0] <= tagZero+8 { // an account that is a number
		n := 1 + int(rest[0]-tagZero)
		if len(rest) < n {
			return nil
		}
		rest = rest[n:]
	} else if _, rest = text(rest); rest == nil {
		return nil
	}
	if _, rest = text(rest); rest == nil { // the region
		return nil
	}
	name, _ := text(rest)
	return name
}

// text splits a string element, whose escapes stay, from what comes after it,
// which is nil if there is none.
func text(b []byte) (in, after []byte) {
	if len(b) == 0 || b[0] != tagString {
		return nil, nil
	}
	i := bytes.IndexByte(b, end)
	if i < 0 {
		return nil, nil
	}
	return b[1:i], b[i+1:]
}
