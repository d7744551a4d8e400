package template

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadJSON(t *testing.T) {
	v, ds := ReadJSON(&File{Name: "t.json", Text: []byte("\ufeff{\n\t\"a\": [1.50, true, null, \"\\u00e9\"],\n\t\"b\": {\"c\": {}}, \"d\": []\n}\n")})
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := string(v.AppendJSON(nil)), `{"a":[1.5,true,null,"é"],"b":{"c":{}},"d":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, tt := range []struct {
		pos  Pos
		want string
	}{
		{v.Fields[0].Pos, "t.json:2:2"}, {v.Get("a").Pos, "t.json:2:7"}, {v.Get("a").Items[1].Pos, "t.json:2:14"},
		{v.Get("b", "c").Pos, "t.json:3:13"}, {v.Fields[2].Pos, "t.json:3:18"},
	} {
		if tt.pos.String() != tt.want {
			t.Errorf("got %s, want %s", tt.pos, tt.want)
		}
	}
}

func TestReadJSONErrors(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"a": 1, "b": 2, "a": 3}`, `t.json:1:18: duplicate key "a"`},
		{`{"a": }`, `t.json:1:7: not valid JSON: invalid character '}' looking for beginning of value`},
		{"{\"a\": [1,\n 2", `t.json:2:3: not valid JSON: the text ends in the middle of a value`},
		{``, `t.json:1:1: not valid JSON: the text ends in the middle of a value`},
		{`{} {}`, `t.json:1:4: unexpected text after the JSON value`},
		{`{"a": 1,}`, `t.json:1:9: not valid JSON: invalid character '}' looking for beginning of object key string`},
		{strings.Repeat("[", 1002), `t.json:1:1002: nested deeper than 1000 levels`},
	}
	for _, tt := range tests {
		_, ds := ReadJSON(&File{Name: "t.json", Text: []byte(tt.in)})
		if diff := cmp.Diff(tt.want, ds.Error()); diff != "" {
			t.Errorf("%.40s -want +got:\n%s", tt.in, diff)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, s := range []string{"", "a", "\"\\/", "\n\r\t\b\f\x00\x1f", "é€😀", "<>&", "\u2028\u2029", "\xff"} {
		text := New(Pos{}, s).AppendJSON(nil)
		var back string
		if err := json.Unmarshal(text, &back); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); back != want {
			t.Errorf("%q came back as %q", s, back)
		}
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,null,true,"x"]}`, `[]`, `"\ud83d\ude00"`, `{"a":{"a":{}}}`, `-0`, `1e400`, ` { } `, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ds := ReadJSON(&File{Name: "t.json", Text: []byte(s)})
		valid := json.Valid([]byte(strings.TrimPrefix(s, "\ufeff")))
		if ds.HasErrors() {
			if valid && !strings.Contains(ds[0].Message, "duplicate key") && !strings.Contains(ds[0].Message, "nested deeper") {
				t.Fatalf("%q is JSON: %v", s, ds)
			}
			return
		}
		if !valid {
			t.Fatalf("%q is not JSON", s)
		}
		check(t, v)
		if out := v.AppendJSON(nil); !json.Valid(out) {
			t.Fatalf("%q came out as %s", s, out)
		}
	})
}

// BenchmarkReadJSON reads a body of the size that CloudFormation allows.
func BenchmarkReadJSON(b *testing.B) {
	text := []byte(`{"Resources": {"A": [` + strings.Repeat("1,\n", 1<<20/3) + `0]}}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, ds := ReadJSON(&File{Name: "t.json", Text: text}); ds.HasErrors() {
			b.Fatal(ds)
		}
	}
}
