package attr

import (
	"encoding/binary"
	"fmt"
)

// The encoding of a value is one byte of kind and a payload:
//
//	NULL, BOOL        nothing
//	N                 1 byte of length, the number's encoding
//	S, B, Invalid     uvarint length, bytes
//	SS, NS, BS        4 bytes of length (big endian), then each member as uvarint length, bytes; sorted
//	L                 4 bytes of length, then the elements
//	M, and an item    4 bytes of length, then for each entry uvarint length, name, value; sorted by name
//
// The fixed length of containers lets the scanner write it after the content.

const containerHeader = 1 + 4

func appendBytes(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// openContainer appends a container's header and returns where it begins; closeContainer fills in its length.
func openContainer(dst []byte, k Kind) ([]byte, int) {
	return append(dst, byte(k), 0, 0, 0, 0), len(dst)
}

func closeContainer(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at+1:], uint32(len(dst)-at-containerHeader))
	return dst
}

// uvarint reads an unsigned varint from the start of s.
func uvarint(s string) (v, n int) {
	if len(s) > 0 && s[0] < 0x80 {
		return int(s[0]), 1
	}
	var x uint64
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		x |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return int(x), i + 1
		}
	}
	return 0, 0
}

// cutBytes splits "uvarint length, bytes" off the start of s.
func cutBytes(s string) (part, rest string) {
	n, w := uvarint(s)
	return s[w : w+n], s[w+n:]
}

func containerLen(s string) int {
	return int(s[1])<<24 | int(s[2])<<16 | int(s[3])<<8 | int(s[4])
}

// cutValue splits one value's encoding off the start of s.
func cutValue(s string) (v Value, rest string) {
	n := 1
	switch Kind(s[0]) {
	case NULL, Kind(tagFalse), Kind(tagTrue):
	case N:
		n = 2 + int(s[1])
	case S, B, Invalid:
		l, w := uvarint(s[1:])
		n = 1 + w + l
	default:
		n = containerHeader + containerLen(s)
	}
	return Value{s[:n]}, s[n:]
}

// maxNesting is how deep a value may lie in lists and maps: an attribute is level 1, its elements are level 2, ….
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes
const maxNesting = 32

// DecodeItem takes the encoding of an item as [Item.Encoding] gave it and verifies its structure, so that what is read
// from a damaged store is an error here and not a panic later. The item shares b's memory only if the caller made it so.
func DecodeItem(s string) (Item, error) {
	if s == "" || Kind(s[0]) != M {
		return Item{}, fmt.Errorf("attr: decode item: not an item")
	}
	rest, ok := check(s, 0)
	if !ok || rest != "" {
		return Item{}, fmt.Errorf("attr: decode item: damaged encoding of %d bytes", len(s))
	}
	return Item{s}, nil
}

// check verifies that s begins with the encoding of one value and returns what follows it.
func check(s string, depth int) (rest string, ok bool) {
	if s == "" || depth > maxNesting {
		return "", false
	}
	k := Kind(s[0])
	switch k {
	case NULL, Kind(tagFalse), Kind(tagTrue):
		return s[1:], true
	case N:
		if len(s) < 2 || len(s) < 2+int(s[1]) {
			return "", false
		}
		return s[2+int(s[1]):], validNumber(s[2 : 2+int(s[1])])
	case S, B:
		_, rest, ok = checkBytes(s[1:])
		return rest, ok
	case SS, NS, BS, L, M:
	default:
		return "", false
	}
	if len(s) < containerHeader || len(s)-containerHeader < containerLen(s) {
		return "", false
	}
	rest = s[containerHeader+containerLen(s):]
	s = s[containerHeader : len(s)-len(rest)]
	if k.IsSet() && s == "" {
		return "", false
	}
	last, first := "", true
	for s != "" {
		var name string
		switch k {
		case L:
			if s, ok = check(s, depth+1); !ok {
				return "", false
			}
			continue
		default:
			if name, s, ok = checkBytes(s); !ok || !first && name <= last {
				return "", false
			}
			last, first = name, false
		}
		switch k {
		case NS:
			ok = validNumber(name)
		case M:
			s, ok = check(s, depth+1)
		}
		if !ok {
			return "", false
		}
	}
	return rest, true
}

func checkBytes(s string) (part, rest string, ok bool) {
	n, w := uvarint(s)
	if w == 0 || n < 0 || len(s)-w < n {
		return "", "", false
	}
	return s[w : w+n], s[w+n:], true
}
