package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample has each kind of a shape and each attribute.
const sample = `Everything	structure	payload=2	element=All	xmlns=https://example.com/
	Name!	1	wire=name	token
	Body	2
	Tags	4	header=x-amz-tags	flattened
	Rest	5	headers=x-amz-meta-	time=rfc822
	Id!	1	path
	Page	6	query=nextPage
	Code	7	status
	Kind	1	attribute	xmlns=https://example.com/kind
Name	string	min=1	max=64	pattern=^[a-z=,|]+$	sensitive
Body	stream
State	string	enum=ON|OFF|
Tags	list	of=1,member	flattened
Map	map	by=1,key	of=8	max=9.5e+18
Long	long	min=-1
Integer	integer
Attribute	custom
When	timestamp	time=iso8601
Broken	structure	error=com.example.Broken,503,server
	message	1
Gone	structure	error=Gone,0
Blob	blob
Boolean	boolean
Float	float
Double	double	time=epoch
`

func TestTable(t *testing.T) {
	want := []Shape{
		{Name: "Everything", Kind: Structure, Payload: 2, XMLName: "All", XMLNamespace: "https://example.com/", Members: []Member{
			{Name: "Name", Required: true, Shape: 1, Wire: "name", Token: true},
			{Name: "Body", Shape: 2, Wire: "Body"},
			{Name: "Tags", Shape: 4, In: Header, Wire: "x-amz-tags", Flattened: true},
			{Name: "Rest", Shape: 5, In: Headers, Wire: "x-amz-meta-", Time: RFC822},
			{Name: "Id", Required: true, Shape: 1, In: Path, Wire: "Id"},
			{Name: "Page", Shape: 6, In: Query, Wire: "nextPage"},
			{Name: "Code", Shape: 7, In: Status, Wire: "Code"},
			{Name: "Kind", Shape: 1, Wire: "Kind", Attribute: true, Namespace: "https://example.com/kind"},
		}},
		{Name: "Name", Kind: String, HasMin: true, Min: 1, HasMax: true, Max: 64, Pattern: "^[a-z=,|]+$", Sensitive: true},
		{Name: "Body", Kind: Stream},
		{Name: "State", Kind: String, Enum: []string{"ON", "OFF", ""}},
		{Name: "Tags", Kind: List, Elem: 1, ElemName: "member", Flattened: true},
		{Name: "Map", Kind: Map, Key: 1, KeyName: "key", Elem: 8, HasMax: true, Max: 9.5e18},
		{Name: "Long", Kind: Long, HasMin: true, Min: -1},
		{Name: "Integer", Kind: Integer},
		{Name: "Attribute", Kind: Custom},
		{Name: "When", Kind: Timestamp, Time: ISO8601},
		{Name: "Broken", Kind: Structure, Fault: FaultTag{Code: "com.example.Broken", Status: 503, Server: true}, Members: []Member{
			{Name: "message", Shape: 1, Wire: "message"},
		}},
		{Name: "Gone", Kind: Structure, Fault: FaultTag{Code: "Gone"}},
		{Name: "Blob", Kind: Blob},
		{Name: "Boolean", Kind: Boolean},
		{Name: "Float", Kind: Float},
		{Name: "Double", Kind: Double, Time: EpochSeconds},
	}
	for i := range want {
		if want[i].Kind != List && want[i].Kind != Map {
			want[i].Elem = None
		}
		if want[i].Kind != Map {
			want[i].Key = None
		}
	}
	if diff := cmp.Diff(want, (&Table{Text: sample}).All()); diff != "" {
		t.Error(diff)
	}
}

// TestTableOfShapes: shapes that are there already are not read.
func TestTableOfShapes(t *testing.T) {
	m := Model{Shapes: NewTable([]Shape{{Name: "A"}, {Name: "B"}})}
	if got := m.Shape(1).Name; got != "B" {
		t.Errorf("the second shape is %s", got)
	}
}

func TestBadTable(t *testing.T) {
	for text, want := range map[string]string{
		"\tName\t0\n":                        `line 1 of a table, "\tName\t0": a member of no shape`,
		"A\tstructure\n\n":                   `line 2 of a table, "": no kind is called ""`,
		"A\tstruct\n":                        `line 1 of a table, "A\tstruct": no kind is called "struct"`,
		"A\tstructure\n\tB\tx\n":             `line 2 of a table, "\tB\tx": strconv.ParseUint: parsing "x": invalid syntax`,
		"A\tstructure\n\tB\t0\tfoo=1\n":      `line 2 of a table, "\tB\t0\tfoo=1": foo: there is no such attribute`,
		"A\tstring\twire=b\n":                `line 1 of a table, "A\tstring\twire=b": wire: there is no such attribute`,
		"A\tstring\tmin=few\n":               `line 1 of a table, "A\tstring\tmin=few": min: strconv.ParseFloat: parsing "few": invalid syntax`,
		"A\ttimestamp\ttime=noon\n":          `line 1 of a table, "A\ttimestamp\ttime=noon": time: no format of times is called "noon"`,
		"A\tstructure\terror=Code\n":         `line 1 of a table, "A\tstructure\terror=Code": error: strconv.Atoi: parsing "": invalid syntax`,
		"A\tstructure\n\tB\t1\n":             `shape A of a table: member B has the shape 1, of 1`,
		"A\tstructure\tpayload=2\n\tB\t0\n":  `shape A of a table: its member 2 is its payload, of 1`,
		"A\tstructure\tpayload=-1\n\tB\t0\n": `shape A of a table: its member -1 is its payload, of 1`,
		"A\tlist\n":                          `shape A of a table: its elements have the shapes 65535 and 65535, of 1`,
		"A\tmap\tof=0\n":                     `shape A of a table: its elements have the shapes 65535 and 0, of 1`,
	} {
		_, err := readTable(text)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzTable: whatever the text, reading it fails or gives shapes that refer to
// each other, one for each line that is no member's.
func FuzzTable(f *testing.F) {
	f.Add(sample)
	for line := range strings.Lines(sample) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shapes, err := readTable(text)
		if err != nil {
			return
		}
		lines, members := 0, 0
		for line := range strings.Lines(text) {
			lines++
			if line[0] == '\t' {
				members++
			}
		}
		m := Model{Shapes: NewTable(shapes)}
		for i := range shapes {
			s := &shapes[i]
			for j := range s.Members {
				m.Shape(s.Members[j].Shape)
			}
			members -= len(s.Members)
			if s.Kind == List || s.Kind == Map {
				m.Shape(s.Elem)
			}
			if s.Kind == Map {
				m.Shape(s.Key)
			}
		}
		if len(shapes) > lines || members != 0 {
			t.Errorf("%d shapes and %d members too few of %d lines", len(shapes), members, lines)
		}
	})
}

func BenchmarkTable(b *testing.B) {
	text := strings.Repeat(sample, 30)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := readTable(text); err != nil {
			b.Fatal(err)
		}
	}
}
