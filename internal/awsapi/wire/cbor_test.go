package wire

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/clock"
)

func cbor(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The forms in which clients may write the same value, most of them examples of
// RFC 8949's appendix A.
func TestCBORForms(t *testing.T) {
	yes := true
	small, large := int32(-500), int64(1000000000000)
	real := func(f float64) everything { return everything{Real: &f} }
	at := clock.UnixMilli(1363896240500)
	text := "streaming"
	const realKey, whenKey = "a1 64 5265616c ", "a1 64 5768656e "
	for _, test := range []struct {
		name, in string
		want     everything
	}{
		{"nothing", "", everything{}},
		{"empty", "a0", everything{}},
		{"empty, of indefinite length", "bf ff", everything{}},
		{"half", realKey + "f9 3e00", real(1.5)},
		{"smallest half", realKey + "f9 0001", real(5.960464477539063e-8)},
		{"largest half", realKey + "f9 7bff", real(65504)},
		{"negative half", realKey + "f9 c400", real(-4)},
		{"float", realKey + "fa 47c35000", real(100000)},
		{"double", realKey + "fb 3ff199999999999a", real(1.1)},
		{"infinity", realKey + "f9 7c00", real(math.Inf(1))},
		{"whole number for a double", realKey + "18 64", real(100)},
		{"negative whole number for a double", realKey + "39 03e7", real(-1000)},
		{"null", realKey + "f6", everything{}},
		{"undefined", realKey + "f7", everything{}},
		{"time in seconds", whenKey + "c1 1a 514b67b0", everything{When: ptr(clock.UnixMilli(1363896240000))}},
		{"time with a fraction", whenKey + "c1 fb 41d452d9ec200000", everything{When: &at}},
		{"integers", "a2 65 536d616c6c 39 01f3  65 4c61726765 1b 000000e8d4a51000", everything{Small: &small, Large: &large}},
		{"boolean", "a1 64 466c6167 f5", everything{Flag: &yes}},
		{"text in chunks", "a1 64 54657874 7f 65 7374726561 64 6d696e67 ff", everything{Text: &text}},
		{"list of indefinite length", "a1 65 4e616d6573 9f 61 61 61 62 ff", everything{Names: []string{"a", "b"}}},
		{"what nobody knows", "a2 61 78 82 01 a1 61 79 c2 43 010203  64 54657874 69 73747265616d696e67", everything{Text: &text}},
	} {
		var got everything
		if err := DecodeCBOR(everythingModel(), 0, cbor(t, test.in), &got); err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCBORThatIsNone(t *testing.T) {
	for name, in := range map[string]string{
		"text":             "61 61",
		"cut off":          "a1 64 5265",
		"no value":         "a1 64 5265616c",
		"more":             "a0 a0",
		"reserved":         "bc",
		"key is a number":  "a1 01 02",
		"wrong tag":        "a1 64 5768656e c0 61 61",
		"no tag":           "a1 64 5768656e 1a 514b67b0",
		"out of range":     "a1 65 536d616c6c 1b 000000e8d4a51000",
		"no end":           "bf 64 5265616c 01",
		"bad UTF-8":        "a1 64 54657874 61 ff",
		"length of a lie":  "a1 64 54657874 7b ffffffffffffffff 61",
		"nested too deep":  "a1 61 78" + strings.Repeat("81", maxDepth+2) + "01",
		"chunk in a chunk": "a1 64 54657874 7f 7f ff ff",
	} {
		var got everything
		if err := DecodeCBOR(everythingModel(), 0, cbor(t, in), &got); err == nil {
			t.Errorf("%s: %s was read as %+v", name, in, got)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// FuzzCBOR: no body makes the decoder panic, and what it reads is written and read
// again alike.
func FuzzCBOR(f *testing.F) {
	whole := everything{
		Text: ptr("é"), Flag: ptr(true), Small: ptr(int32(-12)), Large: ptr(int64(math.MinInt64)), Real: ptr(1.5e-3), When: ptr(clock.UnixMilli(1700000000123)),
		Bytes: []byte("hi"), List: []everything{{Text: ptr("x")}}, Map: map[string]everything{"k": {Names: []string{"a", "b"}}}, Names: []string{},
	}
	f.Add(AppendCBOR(nil, everythingModel(), 0, &whole))
	f.Add(cbor(f, "a1 64 54657874 7f 65 7374726561 64 6d696e67 ff"))
	f.Add(cbor(f, "bf 61 78 9f c2 43 010203 f6 ff ff"))
	m := everythingModel()
	f.Fuzz(func(t *testing.T, body []byte) {
		var first everything
		if DecodeCBOR(m, 0, bytes.Clone(body), &first) != nil {
			return
		}
		text := AppendCBOR(nil, m, 0, &first)
		var again everything
		if err := DecodeCBOR(m, 0, text, &again); err != nil {
			t.Fatalf("cannot read back %x: %v", text, err)
		}
		if second := AppendCBOR(nil, m, 0, &again); !bytes.Equal(text, second) {
			t.Fatalf("wrote %x, then %x", text, second)
		}
	})
}
