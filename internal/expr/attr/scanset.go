package attr

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// part is where an entry of a map or a member of a set stands in the scanner's output: the whole of it, and the name or
// the member that it is sorted by.
type part struct{ start, name, nameEnd, end int }

// set reads the members of an SS, NS or BS, in order and without duplicates.
func (s *scanner) set(k Kind) error {
	if err := s.openList(); err != nil {
		return err
	}
	var (
		stack [24]part
		parts = stack[:0]
		at    int
	)
	s.out, at = openContainer(s.out, k)
	for first := true; ; first = false {
		more, err := s.element(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if s.null() {
			s.refuse(msgNullInSet)
			continue
		}
		p := part{start: len(s.out)}
		switch k {
		case NS:
			s.out = append(s.out, 0)
			p.name = len(s.out)
			if err = s.number(); err == nil {
				s.out[p.start] = byte(len(s.out) - p.name)
			}
		case BS:
			p.name, err = s.bytes(B)
		default:
			p.name, err = s.bytes(S)
		}
		if err != nil {
			return err
		}
		p.nameEnd, p.end = len(s.out), len(s.out)
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		s.refuseEmptySet(k)
	}
	if !s.ordered(parts) {
		if list, found := s.duplicates(k, parts); found {
			s.refuse(list)
		}
		s.sort(at+containerHeader, parts)
	}
	s.out = closeContainer(s.out, at)
	return nil
}

func (s *scanner) refuseEmptySet(k Kind) {
	switch k {
	case SS:
		s.refuse(msgEmptySS)
	case NS:
		s.refuse(msgEmptyNS)
	default:
		s.refuse(msgEmptyBS)
	}
}

func (s *scanner) nameOf(p part) []byte { return s.out[p.name:p.nameEnd] }

// ordered reports whether the parts are in strictly rising order, which is how most clients' sets and our own output
// arrive.
func (s *scanner) ordered(parts []part) bool {
	for i := 1; i < len(parts); i++ {
		if bytes.Compare(s.nameOf(parts[i-1]), s.nameOf(parts[i])) >= 0 {
			return false
		}
	}
	return true
}

// sort puts the parts, which fill the output from base on, into order; of parts with the same name the last one stays.
func (s *scanner) sort(base int, parts []part) {
	slices.SortStableFunc(parts, func(a, b part) int { return bytes.Compare(s.nameOf(a), s.nameOf(b)) })
	end := len(s.out)
	for i, p := range parts {
		if i+1 < len(parts) && bytes.Equal(s.nameOf(p), s.nameOf(parts[i+1])) {
			continue
		}
		s.out = append(s.out, s.out[p.start:p.end]...)
	}
	n := copy(s.out[base:], s.out[end:])
	s.out = s.out[:base+n]
}

// duplicates is DynamoDB's message about a set with equal members; parts are in the request's order.
func (s *scanner) duplicates(k Kind, parts []part) (msg string, found bool) {
	sorted := slices.Clone(parts)
	slices.SortStableFunc(sorted, func(a, b part) int { return bytes.Compare(s.nameOf(a), s.nameOf(b)) })
	for i := 1; i < len(sorted); i++ {
		if bytes.Equal(s.nameOf(sorted[i-1]), s.nameOf(sorted[i])) {
			found = true
			break
		}
	}
	if !found {
		return "", false
	}
	if k == NS {
		return msgSameNumber, true
	}
	list := []byte("One or more parameter values were invalid: Input collection [")
	for i, p := range parts {
		if i > 0 {
			list = append(list, ", "...)
		}
		if k == BS {
			list = base64.StdEncoding.AppendEncode(list, s.nameOf(p))
		} else {
			list = append(list, s.nameOf(p)...)
		}
	}
	if k == BS {
		return string(append(list, "]of type BS contains duplicates."...)), true
	}
	return string(append(list, "] contains duplicates."...)), true
}
