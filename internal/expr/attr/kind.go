package attr

// Kind is the type of a value. Its numbers are the first byte of the stored encoding and never change.
type Kind uint8

// The kinds. A boolean's encoding needs no payload: false and true are bytes of their own, and both are of kind BOOL.
const (
	Absent Kind = 0
	NULL   Kind = 1
	BOOL   Kind = 2
	N      Kind = 4
	S      Kind = 5
	B      Kind = 6
	SS     Kind = 7
	NS     Kind = 8
	BS     Kind = 9
	L      Kind = 10
	M      Kind = 11

	// Invalid is a value that DynamoDB refuses; see [Value.Err].
	Invalid Kind = 127
)

const (
	tagFalse byte = 2
	tagTrue  byte = 3
)

// kindNames is indexed by the encoding's first byte.
const kindNames = "    NULLBOOLBOOLN   S   B   SS  NS  BS  L   M   "

// String is the kind's name in the API: "S", "NULL", ...
func (k Kind) String() string {
	if k > M {
		return "invalid"
	}
	name := kindNames[4*k : 4*k+4]
	n := 4
	for n > 0 && name[n-1] == ' ' {
		n--
	}
	return name[:n]
}

// ParseKind reads a kind's name as attribute_type and the API spell it.
func ParseKind(s string) (Kind, bool) {
	for k := NULL; k <= M; k++ {
		if k != Kind(tagTrue) && k.String() == s {
			return k, true
		}
	}
	return Absent, false
}

// IsSet reports whether the kind is one of the three sets.
func (k Kind) IsSet() bool { return k >= SS && k <= BS }

// IsKey reports whether the kind may be the type of a key attribute.
func (k Kind) IsKey() bool { return k >= N && k <= B }
