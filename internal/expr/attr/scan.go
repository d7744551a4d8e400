package attr

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
)

// The messages with which DynamoDB refuses a value, in its own words and spelling.
const (
	msgEmptyValue = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	msgManyTypes  = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	msgEmptySS    = "One or more parameter values were invalid: An string set  may not be empty"
	msgEmptyNS    = "One or more parameter values were invalid: An number set  may not be empty"
	msgEmptyBS    = "One or more parameter values were invalid: Binary sets should not be empty"
	msgNullInSet  = "One or more parameter values were invalid: An string set may not have a null string as a member"
	msgSameNumber = "Input collection contains duplicates"
	msgNesting    = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
)

// The texts of DynamoDB's SerializationException.
const (
	errToken     = TypeError("Unexpected token received from parser")
	errStructure = TypeError("Start of structure or map found where not expected")
	errField     = TypeError("Unexpected field type")
	errPayload   = TypeError("Unexpected value type in payload")
	errBytes     = TypeError("only base-64-encoded strings are convertible to bytes")
	errLastChar  = TypeError("Invalid last non-pad Base64 character dectected")

	errValueList = TypeError("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue")
	errMapList   = TypeError("Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>")
	errBytesList = TypeError("Unrecognized collection type class java.nio.ByteBuffer")
)

// stackBuffer is how much of a value's encoding is gathered on the stack before it becomes a string of the exact size.
const stackBuffer = 1024

// ScanJSON reads one attribute value from the start of data and returns what follows it; null is an absent value. The
// error is a [TypeError]. A value that DynamoDB would refuse is not an error here: see [Value.Err].
func (v *Value) ScanJSON(data []byte) (rest []byte, err error) {
	var buf [stackBuffer / 4]byte
	s := scanner{reader: reader{data: data}, out: buf[:0]}
	*v = Value{}
	if s.null() {
		return data[s.pos:], nil
	}
	if err := s.topValue(); err != nil {
		return nil, err
	}
	v.enc = string(s.out)
	return data[s.pos:], nil
}

// ScanJSON reads one map of attribute values from the start of data and returns what follows it; null is an absent item.
func (it *Item) ScanJSON(data []byte) (rest []byte, err error) {
	var buf [stackBuffer]byte
	s := scanner{reader: reader{data: data}, out: buf[:0]}
	*it = Item{}
	if s.null() {
		return data[s.pos:], nil
	}
	if err := s.entries(0); err != nil {
		return nil, err
	}
	it.enc = string(s.out)
	return data[s.pos:], nil
}

// scanner turns JSON into the encoding.
type scanner struct {
	reader
	out []byte
	bad string // the first reason to refuse the attribute that is being read
}

func (s *scanner) refuse(msg string) {
	if s.bad == "" {
		s.bad = msg
	}
}

// topValue reads the value of an attribute, and replaces it by an invalid value when DynamoDB would refuse it.
func (s *scanner) topValue() error {
	start := len(s.out)
	s.bad = ""
	if err := s.value(1); err != nil {
		return err
	}
	if s.bad != "" {
		s.out = appendBytes(append(s.out[:start], byte(Invalid)), s.bad)
	}
	return nil
}

// value reads {"S":…}. The encoding that it appends is of use only while nothing is refused.
func (s *scanner) value(depth int) error {
	switch s.peek() {
	case '{':
	case '[':
		return errValueList
	case 'n':
		s.refuse(msgEmptyValue)
		return s.literal("null")
	case 0:
		return errToken
	default:
		return errPayload
	}
	if depth > maxNesting {
		s.refuse(msgNesting)
		return s.skip()
	}
	start, seen := len(s.out), Absent
	for first := true; ; first = false {
		name, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		k, known := kindOf(name)
		switch {
		case !known:
			if err := s.skip(); err != nil {
				return err
			}
			continue
		case s.null():
			continue
		case seen == k:
			s.out = s.out[:start]
		case seen != Absent:
			seen = Invalid
		default:
			seen = k
		}
		if err := s.content(k, depth); err != nil {
			return err
		}
	}
	switch seen {
	case Absent:
		s.refuse(msgEmptyValue)
	case Invalid:
		s.refuse(msgManyTypes)
	}
	return nil
}

func kindOf(name []byte) (Kind, bool) {
	switch string(name) {
	case "S":
		return S, true
	case "N":
		return N, true
	case "B":
		return B, true
	case "M":
		return M, true
	case "L":
		return L, true
	case "BOOL":
		return BOOL, true
	case "NULL":
		return NULL, true
	case "SS":
		return SS, true
	case "NS":
		return NS, true
	case "BS":
		return BS, true
	}
	return Absent, false
}

func (s *scanner) content(k Kind, depth int) error {
	switch k {
	case NULL:
		// The API takes NULL: false as well and stores what NULL means.
		_, err := s.boolean()
		s.out = append(s.out, byte(NULL))
		return err
	case BOOL:
		b, err := s.boolean()
		if b {
			s.out = append(s.out, tagTrue)
		} else {
			s.out = append(s.out, tagFalse)
		}
		return err
	case N:
		s.out = append(s.out, byte(N), 0)
		at := len(s.out)
		if err := s.number(); err != nil {
			return err
		}
		s.out[at-1] = byte(len(s.out) - at)
		return nil
	case S, B:
		s.out = append(s.out, byte(k))
		_, err := s.bytes(k)
		return err
	case SS, NS, BS:
		return s.set(k)
	case L:
		return s.list(depth)
	default:
		return s.entriesOrError(depth)
	}
}

// bytes reads the text of an S or the base64 of a B and appends length and bytes; the bytes begin at the result.
func (s *scanner) bytes(k Kind) (at int, err error) {
	var text []byte
	if k == B {
		text, err = s.base64()
	} else {
		text, err = s.text()
	}
	if err != nil {
		return 0, err
	}
	s.out = binary.AppendUvarint(s.out, uint64(len(text)))
	s.out = append(s.out, text...)
	return len(s.out) - len(text), nil
}

func (s *scanner) base64() ([]byte, error) {
	switch s.peek() {
	case '"':
	case '[':
		return nil, errBytesList
	case '{':
		return nil, errStructure
	default:
		return nil, errBytes
	}
	text, err := s.string()
	if err != nil {
		return nil, err
	}
	if len(text)%4 != 0 {
		return nil, TypeError("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text)))
	}
	decoded, err := base64.StdEncoding.Strict().AppendDecode(s.decoded[:0], text)
	s.decoded = decoded
	if err != nil || strings.ContainsAny(string(text), "\r\n") {
		return nil, errLastChar
	}
	return decoded, nil
}

// number reads a number's text and appends its encoding.
func (s *scanner) number() error {
	text, err := s.text()
	if err != nil {
		return err
	}
	var d decimal
	if msg := d.parse(string(text)); msg != "" {
		s.refuse(msg)
		return nil
	}
	s.out = d.append(s.out)
	return nil
}

func (s *scanner) list(depth int) error {
	if err := s.openList(); err != nil {
		return err
	}
	var at int
	s.out, at = openContainer(s.out, L)
	for first := true; ; first = false {
		more, err := s.element(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	s.out = closeContainer(s.out, at)
	return nil
}

// entriesOrError reads the content of an M.
func (s *scanner) entriesOrError(depth int) error {
	switch s.peek() {
	case '{':
		return s.entries(depth)
	case '[':
		return errMapList
	case 0:
		return errToken
	}
	return errField
}

// entries reads {"name":{"S":…},…}. At depth 0 it is an item, each attribute of which may be refused by itself.
func (s *scanner) entries(depth int) error {
	if s.peek() != '{' {
		return s.entriesOrError(depth)
	}
	var (
		stack [24]part
		parts = stack[:0]
		at    int
	)
	s.out, at = openContainer(s.out, M)
	for first := true; ; first = false {
		name, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		p := part{start: len(s.out)}
		s.out = binary.AppendUvarint(s.out, uint64(len(name)))
		p.name = len(s.out)
		s.out = append(s.out, name...)
		p.nameEnd = len(s.out)
		if depth == 0 {
			err = s.topValue()
		} else {
			err = s.value(depth + 1)
		}
		if err != nil {
			return err
		}
		p.end = len(s.out)
		parts = append(parts, p)
	}
	if !s.ordered(parts) {
		s.sort(at+containerHeader, parts)
	}
	s.out = closeContainer(s.out, at)
	return nil
}
