package attr

import (
	"encoding/binary"
	"iter"
	"slices"
	"strings"
)

// Value is one attribute value. Values are equal exactly when they are ==.
type Value struct{ enc string }

// IsZero reports whether the value is absent.
func (v Value) IsZero() bool { return v.enc == "" }

// Absent is [Value.IsZero] under the name that the generated shapes know.
func (v Value) Absent() bool { return v.IsZero() }

// Kind is the type of the value, Absent for the zero Value.
func (v Value) Kind() Kind {
	if v.enc == "" {
		return Absent
	}
	if v.enc[0] == tagTrue {
		return BOOL
	}
	return Kind(v.enc[0])
}

// Err is DynamoDB's message about a value that it refuses, or nil.
func (v Value) Err() error {
	if v.Kind() != Invalid {
		return nil
	}
	msg, _ := cutBytes(v.enc[1:])
	return Error(msg)
}

// Null is the NULL value.
func Null() Value { return Value{"\x01"} }

// Bool is a BOOL value.
func Bool(b bool) Value {
	if b {
		return Value{"\x03"}
	}
	return Value{"\x02"}
}

// String is an S value.
func String(s string) Value { return Value{leaf(S, s)} }

// Binary is a B value of the bytes in s.
func Binary(s string) Value { return Value{leaf(B, s)} }

func leaf(k Kind, s string) string {
	b := make([]byte, 0, 1+binary.MaxVarintLen32+len(s))
	return string(appendBytes(append(b, byte(k)), s))
}

// NumberOf is an N value.
func NumberOf(n Number) Value { return Value{string([]byte{byte(N), byte(len(n.enc))}) + n.enc} }

// Int is an N value.
func Int(n int64) Value { return NumberOf(IntNumber(n)) }

// List is an L value.
func List(elems ...Value) Value {
	b, at := openContainer(nil, L)
	for _, e := range elems {
		b = append(b, e.enc...)
	}
	return Value{string(closeContainer(b, at))}
}

// Set is a set of kind SS, NS or BS with these members, sorted and each kept once: strings or bytes as they are, numbers
// as [Number.Key]. It is the zero Value when there are none, for DynamoDB knows no empty set.
func Set(k Kind, members ...string) Value {
	if len(members) == 0 {
		return Value{}
	}
	members = slices.Clone(members)
	slices.Sort(members)
	b, at := openContainer(nil, k)
	for _, m := range slices.Compact(members) {
		b = appendBytes(b, m)
	}
	return Value{string(closeContainer(b, at))}
}

// Bool is the value of a BOOL.
func (v Value) Bool() bool { return v.enc != "" && v.enc[0] == tagTrue }

// Str is the text of an S or the bytes of a B; "" for another kind.
func (v Value) Str() string {
	if k := v.Kind(); k != S && k != B {
		return ""
	}
	s, _ := cutBytes(v.enc[1:])
	return s
}

// Number is the value of an N; the zero Number for another kind.
func (v Value) Number() Number {
	if v.Kind() != N {
		return Number{}
	}
	return Number{v.enc[2:]}
}

// Key is the number's order-preserving bytes.
func (n Number) Key() string { return n.enc }

// NumberFromKey is the inverse of [Number.Key].
func NumberFromKey(s string) (Number, bool) { return Number{s}, validNumber(s) }

// Key is the value's content as bytes whose order is the value's order within its kind: what a primary key stores.
// Defined for S, N and B.
func (v Value) Key() string {
	if v.Kind() == N {
		return v.enc[2:]
	}
	return v.Str()
}

// FromKey is the inverse of [Value.Key].
func FromKey(k Kind, s string) (Value, bool) {
	switch {
	case k == N && validNumber(s):
		return NumberOf(Number{s}), true
	case k == S || k == B:
		return Value{leaf(k, s)}, true
	}
	return Value{}, false
}

// body is a container's content.
func (v Value) body() string {
	if len(v.enc) < containerHeader {
		return ""
	}
	return v.enc[containerHeader:]
}

// Len is the number of members, elements or entries of a set, list or map, and of the bytes of an S or B.
func (v Value) Len() int {
	n := 0
	switch k := v.Kind(); {
	case k == S || k == B:
		return len(v.Str())
	case k.IsSet():
		for range v.Members() {
			n++
		}
	case k == L:
		for range v.Elems() {
			n++
		}
	case k == M:
		for range v.Entries() {
			n++
		}
	}
	return n
}

// Elems are the elements of a list.
func (v Value) Elems() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != L {
			return
		}
		for s := v.body(); s != ""; {
			var e Value
			if e, s = cutValue(s); !yield(e) {
				return
			}
		}
	}
}

// Members are the members of a set in order: strings and bytes as they are, numbers as [Number.Key].
func (v Value) Members() iter.Seq[string] {
	return func(yield func(string) bool) {
		if !v.Kind().IsSet() {
			return
		}
		for s := v.body(); s != ""; {
			var m string
			if m, s = cutBytes(s); !yield(m) {
				return
			}
		}
	}
}

// Entries are the entries of a map, in the order of their names.
func (v Value) Entries() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != M {
			return
		}
		for s := v.body(); s != ""; {
			var (
				name string
				e    Value
			)
			name, s = cutBytes(s)
			if e, s = cutValue(s); !yield(name, e) {
				return
			}
		}
	}
}

// Get is the entry of a map with that name; absent when there is none or v is not a map.
func (v Value) Get(name string) Value {
	if v.Kind() != M {
		return Value{}
	}
	for s := v.body(); s != ""; {
		var (
			n string
			e Value
		)
		n, s = cutBytes(s)
		e, s = cutValue(s)
		if n == name {
			return e
		}
	}
	return Value{}
}

// Index is the i-th element of a list; absent when there is none or v is not a list.
func (v Value) Index(i int) Value {
	if v.Kind() != L || i < 0 {
		return Value{}
	}
	for s := v.body(); s != ""; i-- {
		var e Value
		if e, s = cutValue(s); i == 0 {
			return e
		}
	}
	return Value{}
}

// Contains reports whether a set has the member.
func (v Value) Contains(member string) bool {
	for m := range v.Members() {
		if m == member {
			return true
		}
	}
	return false
}

// Cmp orders two values of the same kind S, N or B as DynamoDB does: strings and bytes by unsigned byte, numbers by
// value.
func (v Value) Cmp(w Value) int { return strings.Compare(v.Key(), w.Key()) }
