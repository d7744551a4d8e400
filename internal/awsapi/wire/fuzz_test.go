package wire

import (
	"bytes"
	"encoding/json"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/clock"
)

// everything is a structure with one member of each kind, and itself.
type everything struct {
	Text  *string
	Flag  *bool
	Small *int32
	Large *int64
	Real  *float64
	When  *clock.Instant
	Bytes []byte
	List  []everything
	Map   map[string]everything
	Names []string
}

func everythingModel() *schema.Model {
	return &schema.Model{Shapes: schema.NewTable([]schema.Shape{
		0: {Name: "Everything", Kind: schema.Structure, Members: []schema.Member{
			{Name: "Text", Wire: "Text", Shape: 1}, {Name: "Flag", Wire: "Flag", Shape: 2}, {Name: "Small", Wire: "Small", Shape: 3},
			{Name: "Large", Wire: "Large", Shape: 4}, {Name: "Real", Wire: "Real", Shape: 5}, {Name: "When", Wire: "When", Shape: 6},
			{Name: "Bytes", Wire: "Bytes", Shape: 7}, {Name: "List", Wire: "List", Shape: 8}, {Name: "Map", Wire: "Map", Shape: 9},
			{Name: "Names", Wire: "Names", Shape: 10},
		}},
		1: {Kind: schema.String}, 2: {Kind: schema.Boolean}, 3: {Kind: schema.Integer}, 4: {Kind: schema.Long}, 5: {Kind: schema.Double},
		6: {Kind: schema.Timestamp}, 7: {Kind: schema.Blob}, 8: {Kind: schema.List, Elem: 0}, 9: {Kind: schema.Map, Key: 1, Elem: 0},
		10: {Kind: schema.List, Elem: 1},
	})}
}

// FuzzJSON holds the scanner to encoding/json: both accept or refuse a
// document, and what is read is written and read again alike.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"Text":"a\u00e9\ud83d\ude00\n","Flag":true,"Small":-12,"Large":9007199254740993,"Real":1.5e-3,"When":1700000000.123,"Bytes":"aGk="}`,
		`{"List":[{"Text":"x"},{"Map":{"k":{"Names":["a","b"]}}}],"Unknown":[1,{"a":null}]}`, `{"Text":null}`, `{"Text":1}`, `[`, `{"Text":"\ud800"}`, ` {"Names":[ "a" , null ] } `,
	} {
		f.Add([]byte(s))
	}
	m := everythingModel()
	f.Fuzz(func(t *testing.T, body []byte) {
		body = bytes.Clone(body)
		var first everything
		err := DecodeJSON(m, 0, body, &first)
		if err == nil && len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
			t.Fatalf("read %q, which is not JSON", body)
		}
		s := scanner{data: body}
		if skipErr := s.skip(0); skipErr == nil && s.peek() == 0 && s.pos == len(body) && !json.Valid(body) {
			t.Fatalf("passed over %q, which is not JSON", body)
		} else if skipErr != nil && json.Valid(body) && utf8.Valid(body) && bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) < maxDepth {
			t.Fatalf("refused %q, which is JSON: %v", body, skipErr)
		}
		if err != nil {
			return
		}
		text := AppendJSON(nil, m, 0, &first)
		if !json.Valid(text) {
			t.Fatalf("wrote %q, which is not JSON", text)
		}
		var again everything
		if err := DecodeJSON(m, 0, text, &again); err != nil {
			t.Fatalf("cannot read back %q: %v", text, err)
		}
		if second := AppendJSON(nil, m, 0, &again); !bytes.Equal(text, second) {
			t.Fatalf("wrote %q, then %q", text, second)
		}
	})
}

// FuzzQuery: no form makes the decoder panic or run away, and what it reads is
// written as well-formed XML that reads back alike.
func FuzzQuery(f *testing.F) {
	f.Add("Text=a&List.member.1.Text=b&Map.entry.1.key=k&Map.entry.1.value.Flag=true&Names.member.2=x")
	f.Add("Small=1&Large=2&Real=NaN&When=2020-01-01T00:00:00Z&Bytes=aGk%3D")
	f.Add("List=&Names.member.1=&Map.entry.1.value.List.member.1.Text=deep")
	m := everythingModel()
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		var in everything
		if DecodeQuery(m, 0, form, &in) != nil {
			return
		}
		doc := AppendXML(nil, m, 0, "Everything", "", &in)
		if _, err := parseXML(doc); err != nil {
			t.Fatalf("wrote %q: %v", doc, err)
		}
	})
}

// FuzzXML: no document makes the decoder panic.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`<Everything><Text>a</Text><List><member><Flag>true</Flag></member></List><Map><entry><key>k</key><value><Small>1</Small></value></entry></Map></Everything>`))
	f.Add([]byte(`<a><b></a>`))
	m := everythingModel()
	f.Fuzz(func(t *testing.T, doc []byte) {
		var in everything
		if DecodeXML(m, 0, doc, &in) != nil {
			return
		}
		text := AppendXML(nil, m, 0, "Everything", "", &in)
		var again everything
		if err := DecodeXML(m, 0, text, &again); err != nil {
			t.Fatalf("cannot read back %q: %v", text, err)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2020-01-02T03:04:05.678Z", "1577934245.678", "Thu, 02 Jan 2020 03:04:05 GMT", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x, err := ParseTime(s, schema.ISO8601)
		if err != nil || x.Time().Year() < 1 || x.Time().Year() > 9999 {
			return
		}
		back, err := ParseTime(FormatTime(x, schema.ISO8601), schema.ISO8601)
		if err != nil || back.UnixMilli() != x.UnixMilli() {
			t.Fatalf("%q is %v, formatted and read %v (%v)", s, x, back, err)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	m := everythingModel()
	body := []byte(`{"Text":"hello world","Flag":true,"Small":12,"List":[{"Text":"x"},{"Text":"y"}],"Map":{"k":{"Names":["a","b"]}}}`)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var x everything
			if err := DecodeJSON(m, 0, body, &x); err != nil {
				b.Fatal(err)
			}
		}
	})
	var x everything
	if err := DecodeJSON(m, 0, body, &x); err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			dst = AppendJSON(dst[:0], m, 0, &x)
		}
	})
}
