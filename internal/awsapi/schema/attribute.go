package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// eachAttribute calls set for each word of what follows a shape or a member.
func eachAttribute(line string, set func(name, value string) error) error {
	for line != "" {
		var word string
		word, line, _ = strings.Cut(line, "\t")
		name, value, _ := strings.Cut(word, "=")
		if err := set(name, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// set takes one attribute of a shape.
func (s *Shape) set(name, value string) (err error) {
	switch name {
	case "of": // the shape of the elements, and their name
		s.Elem, s.ElemName, err = readNamedRef(value)
	case "by": // the shape of the keys, and their name
		s.Key, s.KeyName, err = readNamedRef(value)
	case "flattened":
		s.Flattened = true
	case "element":
		s.XMLName = value
	case "xmlns":
		s.XMLNamespace = value
	case "time":
		s.Time, err = readTime(value)
	case "min":
		s.HasMin = true
		s.Min, err = strconv.ParseFloat(value, 64)
	case "max":
		s.HasMax = true
		s.Max, err = strconv.ParseFloat(value, 64)
	case "pattern":
		s.Pattern = value
	case "enum":
		s.Enum = strings.Split(value, "|")
	case "sensitive":
		s.Sensitive = true
	case "payload":
		s.Payload, err = strconv.Atoi(value)
	case "error":
		s.Fault, err = readFault(value)
	default:
		err = errUnknown
	}
	return err
}

// set takes one attribute of a member.
func (m *Member) set(name, value string) (err error) {
	switch name {
	case "wire":
		m.Wire = value
	case "header":
		m.place(Header, value)
	case "headers":
		m.place(Headers, value)
	case "path":
		m.place(Path, value)
	case "query":
		m.place(Query, value)
	case "status":
		m.place(Status, value)
	case "time":
		m.Time, err = readTime(value)
	case "token":
		m.Token = true
	case "flattened":
		m.Flattened = true
	case "attribute":
		m.Attribute = true
	case "xmlns":
		m.Namespace = value
	default:
		err = errUnknown
	}
	return err
}

// place says where in a message the member goes, and under which name if not
// its own.
func (m *Member) place(in Location, wire string) {
	m.In = in
	if wire != "" {
		m.Wire = wire
	}
}

var errUnknown = errors.New("there is no such attribute")

func kindNamed(name string) (Kind, bool) {
	switch name {
	case "structure":
		return Structure, true
	case "list":
		return List, true
	case "map":
		return Map, true
	case "string":
		return String, true
	case "blob":
		return Blob, true
	case "boolean":
		return Boolean, true
	case "integer":
		return Integer, true
	case "long":
		return Long, true
	case "float":
		return Float, true
	case "double":
		return Double, true
	case "timestamp":
		return Timestamp, true
	case "custom":
		return Custom, true
	case "stream":
		return Stream, true
	}
	return 0, false
}

func readTime(name string) (TimeFormat, error) {
	switch name {
	case "epoch":
		return EpochSeconds, nil
	case "iso8601":
		return ISO8601, nil
	case "rfc822":
		return RFC822, nil
	}
	return 0, fmt.Errorf("no format of times is called %q", name)
}

func readRef(text string) (Ref, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	return Ref(n), err
}

// readNamedRef reads a shape and what its elements are called: "12,member".
func readNamedRef(text string) (Ref, string, error) {
	ref, name, _ := strings.Cut(text, ",")
	r, err := readRef(ref)
	return r, name, err
}

// readFault reads a code, a status, and whose fault it is: "Throttled,400",
// "InternalFailure,500,server".
func readFault(text string) (FaultTag, error) {
	code, rest, _ := strings.Cut(text, ",")
	status, side, _ := strings.Cut(rest, ",")
	f := FaultTag{Code: code, Server: side == "server"}
	var err error
	f.Status, err = strconv.Atoi(status)
	return f, err
}
