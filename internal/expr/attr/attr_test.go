package attr

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func value(t testing.TB, js string) Value {
	t.Helper()
	var v Value
	rest, err := v.ScanJSON([]byte(js))
	if err != nil || len(rest) != 0 {
		t.Fatalf("ScanJSON(%s): rest %q, %v", js, rest, err)
	}
	return v
}

func item(t testing.TB, js string) Item {
	t.Helper()
	var it Item
	rest, err := it.ScanJSON([]byte(js))
	if err != nil || len(rest) != 0 {
		t.Fatalf("ScanJSON(%s): rest %q, %v", js, rest, err)
	}
	return it
}

func nested(levels int, leaf string) string {
	return strings.Repeat(`{"L":[`, levels) + leaf + strings.Repeat(`]}`, levels)
}

func TestJSON(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"S":"hello"}`, ""},
		{`{"S":""}`, ""},
		{`{"S":"\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t\u0001"}`, `{"S":"é😀\"\\/\u0008\u000c\n\r\t\u0001"}`},
		{`{"S":"\ud83dx\ude00"}`, `{"S":"` + "\uFFFDx\uFFFD" + `"}`},
		{`{"N":"1.50"}`, `{"N":"1.5"}`},
		{`{"B":"AP8="}`, ""},
		{`{"B":""}`, ""},
		{`{"BOOL":true}`, ""},
		{`{"BOOL":false}`, ""},
		{`{"BOOL":"yes"}`, `{"BOOL":true}`},
		{`{"NULL":true}`, ""},
		{`{"NULL":false}`, `{"NULL":true}`},
		{`{"SS":["b","a",""]}`, `{"SS":["","a","b"]}`},
		{`{"NS":["10","9","-1","0.5"]}`, `{"NS":["-1","0.5","9","10"]}`},
		{`{"BS":["/w==","AA=="]}`, `{"BS":["AA==","/w=="]}`},
		{`{"L":[]}`, ""},
		{`{"L":[{"S":"a"},{"L":[{"N":"1"}]}]}`, ""},
		{`{"M":{}}`, ""},
		{` { "M" : { "b" : { "S" : "1" } , "a" : { "M" : { "é" : { "NULL" : true } } } } } `, `{"M":{"a":{"M":{"é":{"NULL":true}}},"b":{"S":"1"}}}`},
		{`{"M":{"a":{"S":"first"},"b":{"S":"x"},"a":{"S":"last"}}}`, `{"M":{"a":{"S":"last"},"b":{"S":"x"}}}`},
		{`{"X":[{"deep":[1,2.5e3,null,true,false,"\n"]}],"S":"a","N":null}`, `{"S":"a"}`},
		{`{"S":"a","S":"b"}`, `{"S":"b"}`},
		{nested(31, `{"S":"x"}`), ""},
		{`null`, "null"},
	}
	for _, tt := range tests {
		if tt.want == "" {
			tt.want = tt.in
		}
		v := value(t, strings.TrimSpace(tt.in))
		if err := v.Err(); err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := string(v.AppendJSON(nil)); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if again := value(t, string(v.AppendJSON(nil))); again != v {
			t.Errorf("%s: read again it is another value", tt.in)
		}
	}
}

func TestScanLeavesTheRest(t *testing.T) {
	var it Item
	rest, err := it.ScanJSON([]byte(`{"a":{"S":"x"}} , "next"`))
	if err != nil || string(rest) != ` , "next"` {
		t.Errorf("rest %q, %v", rest, err)
	}
}

func TestRefusedValues(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{}`, msgEmptyValue},
		{`{"X":"a"}`, msgEmptyValue},
		{`{"S":null}`, msgEmptyValue},
		{`{"S":"a","N":"1"}`, msgManyTypes},
		{`{"N":"x","S":"a"}`, msgNotNumeric + ": x"},
		{`{"N":""}`, msgNotNumeric},
		{`{"SS":[]}`, msgEmptySS},
		{`{"NS":[]}`, msgEmptyNS},
		{`{"BS":[]}`, msgEmptyBS},
		{`{"SS":[null]}`, msgNullInSet},
		{`{"SS":["a","b","a"]}`, "One or more parameter values were invalid: Input collection [a, b, a] contains duplicates."},
		{`{"NS":["1","1.0"]}`, msgSameNumber},
		{`{"BS":["Yg==","Yg=="]}`, "One or more parameter values were invalid: Input collection [Yg==, Yg==]of type BS contains duplicates."},
		{`{"L":[{"M":{"a":{"NS":["1e126"]}}},{"SS":[]}]}`, msgOverflow},
		{`{"M":{"a":null}}`, msgEmptyValue},
		{nested(32, `{"S":"x"}`), msgNesting},
		{nested(5000, `{"S":"x"}`), msgNesting},
	}
	for _, tt := range tests {
		v := value(t, tt.in)
		if err := v.Err(); err == nil || err.Error() != tt.want {
			t.Errorf("%.60s: %v, want %q", tt.in, err, tt.want)
		}
		name, err := item(t, `{"ok":{"S":"a"},"bad":`+tt.in+`}`).Err()
		if name != "bad" || err == nil || err.Error() != tt.want {
			t.Errorf("%.60s in an item: %s: %v, want %q", tt.in, name, err, tt.want)
		}
	}
}

func TestTypeErrors(t *testing.T) {
	tests := []struct {
		in   string
		want TypeError
	}{
		{`{"S":5}`, "NUMBER_VALUE cannot be converted to String"},
		{`{"S":5.5}`, "DECIMAL_VALUE cannot be converted to String"},
		{`{"N":true}`, "TRUE_VALUE cannot be converted to String"},
		{`{"N":false}`, "FALSE_VALUE cannot be converted to String"},
		{`{"S":[]}`, "Unrecognized collection type class java.lang.String"},
		{`{"S":{}}`, errStructure},
		{`{"BOOL":5}`, "NUMBER_VALUE cannot be converted to Boolean"},
		{`{"BOOL":1.5}`, "DECIMAL_VALUE cannot be converted to Boolean"},
		{`{"BOOL":"maybe"}`, errToken},
		{`{"NULL":[]}`, "Unrecognized collection type class java.lang.Boolean"},
		{`{"B":5}`, errBytes},
		{`{"B":[]}`, errBytesList},
		{`{"B":{}}`, errStructure},
		{`{"B":"abc"}`, "Base64 encoded length is expected a multiple of 4 bytes but found: 3"},
		{`{"B":"YQ=a"}`, errLastChar},
		{`{"B":"YR=="}`, errLastChar},
		{`{"B":"YQ\n="}`, errLastChar},
		{`{"SS":"a"}`, errField},
		{`{"NS":{}}`, errStructure},
		{`{"L":5}`, errField},
		{`{"L":[5]}`, errPayload},
		{`{"L":[[]]}`, errValueList},
		{`{"M":5}`, errField},
		{`{"M":[]}`, errMapList},
		{`{"M":{"a":"b"}}`, errPayload},
		{`"x"`, errPayload},
		{`[]`, errValueList},
		{`{"S":"a"`, errToken},
		{`{"S":"a}`, errToken},
		{`{"S" "a"}`, errToken},
		{`{"S":"a",}`, errToken},
		{`{,}`, errToken},
		{`{"S":"` + "\xff" + `"}`, errToken},
		{`{"S":"` + "\n" + `"}`, errToken},
		{`{"S":"\x"}`, errToken},
		{`{"S":"\u00g0"}`, errToken},
		{`{"L":[{"S":"a"} {"S":"b"}]}`, errToken},
		{`{"X":01}`, errToken},
		{`{"X":tru}`, errToken},
		{`{"X":` + strings.Repeat("[", 20000), errToken},
		{``, errToken},
	}
	for _, tt := range tests {
		var v Value
		if _, err := v.ScanJSON([]byte(tt.in)); err != tt.want {
			t.Errorf("%.60s: %v, want %q", tt.in, err, string(tt.want))
		}
	}
}

func TestAccessors(t *testing.T) {
	it := item(t, `{"s":{"S":"text"},"n":{"N":"12"},"b":{"B":"AP8="},"t":{"BOOL":true},"z":{"NULL":true},
		"ss":{"SS":["b","a"]},"l":{"L":[{"S":"x"},{"N":"2"}]},"m":{"M":{"k":{"S":"v"}}}}`)
	if got := it.Get("s").Str(); got != "text" {
		t.Errorf("s = %q", got)
	}
	if got := it.Get("n").Number(); got != IntNumber(12) {
		t.Errorf("n = %s", got)
	}
	if got := it.Get("b").Str(); got != "\x00\xff" {
		t.Errorf("b = %q", got)
	}
	if !it.Get("t").Bool() || it.Get("z").Kind() != NULL || !it.Get("none").IsZero() {
		t.Error("t, z or none")
	}
	if got := slices.Collect(it.Get("ss").Members()); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("ss = %v", got)
	}
	if !it.Get("ss").Contains("a") || it.Get("ss").Contains("c") {
		t.Error("ss membership")
	}
	l := it.Get("l")
	if l.Len() != 2 || l.Index(1) != Int(2) || !l.Index(2).IsZero() || !l.Index(-1).IsZero() {
		t.Errorf("l = %s", l.AppendJSON(nil))
	}
	if got := it.Get("m").Get("k"); got != String("v") {
		t.Errorf("m.k = %s", got.AppendJSON(nil))
	}
	if !it.Get("s").Get("x").IsZero() || it.Get("s").Len() != 4 || it.Len() != 8 {
		t.Error("lengths")
	}
	if item(t, `{}`).IsZero() || !item(t, `null`).IsZero() {
		t.Error("an empty item is not absent, null is")
	}
}

func TestBuildersAgreeWithJSON(t *testing.T) {
	key, _ := ParseNumber("2")
	built := NewItem(
		Entry{"set", Set(SS, "b", "a", "b")},
		Entry{"numbers", Set(NS, IntNumber(10).Key(), key.Key())},
		Entry{"list", List(Null(), Bool(true), Bool(false), Binary("\x00"), Int(-5))},
		Entry{"twice", String("first")},
		Entry{"twice", String("last")},
		Entry{"absent", Value{}},
		Entry{"none", Set(SS)},
		Entry{"map", NewItem(Entry{"k", String("v")}).Value()},
	)
	want := item(t, `{"set":{"SS":["a","b"]},"numbers":{"NS":["2","10"]},"twice":{"S":"last"},"map":{"M":{"k":{"S":"v"}}},
		"list":{"L":[{"NULL":true},{"BOOL":true},{"BOOL":false},{"B":"AA=="},{"N":"-5"}]}}`)
	if built != want {
		t.Errorf("got %s\nwant %s", built.AppendJSON(nil), want.AppendJSON(nil))
	}
	if got := want.Pick("twice", "map", "nothing"); got != item(t, `{"map":{"M":{"k":{"S":"v"}}},"twice":{"S":"last"}}`) {
		t.Errorf("Pick: %s", got.AppendJSON(nil))
	}
	if got := item(t, `{"b":{"S":"1"}}`).With("a", String("2")).With("b", Value{}); got != item(t, `{"a":{"S":"2"}}`) {
		t.Errorf("With: %s", got.AppendJSON(nil))
	}
}

func TestKeys(t *testing.T) {
	for _, v := range []Value{String("a\x00b"), Binary("\xff"), Int(-17), Int(0)} {
		if got, ok := FromKey(v.Kind(), v.Key()); !ok || got != v {
			t.Errorf("FromKey of %s: %s, %t", v.AppendJSON(nil), got.AppendJSON(nil), ok)
		}
	}
	if _, ok := FromKey(N, "\x30"); ok {
		t.Error("half a number was accepted")
	}
	if Int(9).Cmp(Int(10)) >= 0 || Int(-9).Cmp(Int(-10)) <= 0 || String("b").Cmp(String("aa")) <= 0 {
		t.Error("order")
	}
}

func TestSizes(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{`{}`, 0},
		{`{"id":{"S":"abc"}}`, 5},
		{`{"é":{"S":"é"}}`, 4},
		{`{"b":{"B":"AAAA"}}`, 4},
		{`{"t":{"BOOL":true},"z":{"NULL":true}}`, 4},
		{`{"s":{"SS":["ab","c"]}}`, 4},
		{`{"s":{"NS":["1","123"]}}`, 6},
		{`{"l":{"L":[]}}`, 4},
		{`{"l":{"L":[{"S":"ab"},{"N":"1"}]}}`, 1 + 3 + 3 + 3},
		{`{"m":{"M":{}}}`, 4},
		{`{"m":{"M":{"key":{"S":"ab"}}}}`, 1 + 3 + 1 + 3 + 2},
	}
	for _, tt := range tests {
		if got := item(t, tt.in).Size(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestNestingError(t *testing.T) {
	if err := NewItem(Entry{"a", value(t, nested(31, `{"S":"x"}`))}).NestingError(); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	deep := NewItem(Entry{"a", List(value(t, nested(31, `{"S":"x"}`)))})
	if err := deep.NestingError(); err != Error(msgNesting) {
		t.Errorf("33 levels: %v", err)
	}
}

func TestKindNames(t *testing.T) {
	for _, name := range []string{"S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"} {
		k, ok := ParseKind(name)
		if !ok || k.String() != name {
			t.Errorf("%s: %v, %t", name, k, ok)
		}
	}
	if k, ok := ParseKind("X"); ok {
		t.Errorf("X is %v", k)
	}
}

// The encoding lies on disks: a change here is a change of the store's format.
func TestGoldenEncoding(t *testing.T) {
	it := item(t, `{"b":{"B":"AP8="},"f":{"BOOL":false},"l":{"L":[{"S":"x"},{"L":[]}]},"m":{"M":{"k":{"S":"v"}}},
		"n":{"N":"-123.45"},"ns":{"NS":["0","1e-130","-1e125","38"]},"s":{"S":"é"},"ss":{"SS":["a","b"]},
		"t":{"BOOL":true},"z":{"NULL":true},"bs":{"BS":["AA=="]}}`)
	var b strings.Builder
	for name, v := range it.All() {
		b.WriteString(name + " " + hex.EncodeToString([]byte(v.enc)) + "\n")
	}
	b.WriteString("item " + hex.EncodeToString([]byte(it.Encoding())) + "\n")
	golden := filepath.Join("testdata", "encoding.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("encoding changed (-want +got):\n%s", diff)
	}
	if got, err := DecodeItem(it.Encoding()); err != nil || got != it {
		t.Errorf("DecodeItem: %v", err)
	}
}

func TestDecodeItemFindsDamage(t *testing.T) {
	enc := item(t, `{"a":{"S":"x"},"l":{"L":[{"N":"12"},{"SS":["a","b"]}]},"n":{"N":"-1"}}`).Encoding()
	for i := range len(enc) {
		if _, err := DecodeItem(enc[:i]); err == nil {
			t.Errorf("cut at %d of %d: no error", i, len(enc))
		}
	}
	if _, err := DecodeItem(enc + "\x01"); err == nil {
		t.Error("trailing bytes: no error")
	}
}

func FuzzDecodeItem(f *testing.F) {
	f.Add(item(f, `{"a":{"S":"x"},"l":{"L":[{"N":"12"},{"SS":["a","b"]}]},"n":{"N":"-1"}}`).Encoding())
	f.Add("\x0b\x00\x00\x00\x00")
	f.Add(item(f, `{"l":{"L":[{"BOOL":true},{"NULL":true},{"L":[]},{"M":{"":{"BOOL":false}}},{"NS":["0","1.5","-12"]}]}}`).Encoding())
	f.Fuzz(func(t *testing.T, s string) {
		it, err := DecodeItem(s)
		if err != nil {
			return
		}
		for _, limit := range []int{0, it.Size() - 1, it.Size(), 2 * it.Size()} {
			if it.LargerThan(limit) != (it.Size() > limit) {
				t.Errorf("%q: of %d bytes, limit %d", s, it.Size(), limit)
			}
		}
		if err := it.NestingError(); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		for range it.All() {
		}
		it.AppendJSON(nil)
	})
}

// The scanner accepts only what encoding/json calls JSON, and what it writes is read again as the same item.
func FuzzScanItem(f *testing.F) {
	for _, s := range []string{
		`{"a":{"S":"x\u00e9\ud83d\ude00"},"l":{"L":[{"N":"12"},{"SS":["b","a"]}]},"n":{"N":"-1.5e3"},"b":{"B":"AP8="}}`,
		`{"a":{"M":{"b":{"BOOL":"true"},"a":{"NULL":false}}},"a":{"X":[1,{"y":null}],"NS":["1","2"]}}`,
		`{"a":{"BS":["AA==","AA=="]},"b":{},"c":{"S":"1","N":"1"}}`,
		nested(40, `{"S":"x"}`),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var it Item
		rest, err := it.ScanJSON(data)
		if err != nil {
			return
		}
		read := data[:len(data)-len(rest)]
		if !json.Valid(read) {
			t.Errorf("accepted %q, which is not JSON", read)
		}
		if _, err := it.Err(); err != nil || it.IsZero() {
			return
		}
		if got, err := DecodeItem(it.Encoding()); err != nil || got != it {
			t.Errorf("%q: encoding is not canonical: %v", data, err)
		}
		out := it.AppendJSON(nil)
		if !json.Valid(out) {
			t.Errorf("%q: wrote %q, which is not JSON", data, out)
		}
		var again Item
		if _, err := again.ScanJSON(out); err != nil || again != it {
			t.Errorf("%q: wrote %q, which is read as another item: %v", data, out, err)
		}
	})
}

const benchItem = `{"pk":{"S":"customer#4711"},"sk":{"S":"order#2026-11-21T10:00:00Z"},"status":{"S":"PAID"},"total":{"N":"129.95"},
"currency":{"S":"EUR"},"created":{"N":"1795301973"},"tags":{"SS":["priority","gift"]},"address":{"M":{"street":{"S":"Calle Mayor 1"},
"city":{"S":"Madrid"},"zip":{"S":"28013"}}},"lines":{"L":[{"M":{"sku":{"S":"A-1"},"qty":{"N":"2"},"price":{"N":"19.99"}}},
{"M":{"sku":{"S":"B-7"},"qty":{"N":"1"},"price":{"N":"89.97"}}}]},"paid":{"BOOL":true},"note":{"NULL":true},
"description":{"S":"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."}}`

func BenchmarkScanItem(b *testing.B) {
	data := []byte(benchItem)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var it Item
		if _, err := it.ScanJSON(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendItem(b *testing.B) {
	it := item(b, benchItem)
	buf := make([]byte, 0, 2*len(benchItem))
	b.SetBytes(int64(len(benchItem)))
	b.ReportAllocs()
	for b.Loop() {
		buf = it.AppendJSON(buf[:0])
	}
}

func BenchmarkDecodeItem(b *testing.B) {
	enc := item(b, benchItem).Encoding()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeItem(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	it := item(b, benchItem)
	b.ReportAllocs()
	for b.Loop() {
		if it.Get("total").IsZero() {
			b.Fatal("absent")
		}
	}
}
