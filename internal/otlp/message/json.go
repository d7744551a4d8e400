package message

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
)

// FromJSON turns a message in its JSON form into protobuf. Members that the
// message does not have are passed over, identifiers are hexadecimal, and
// 64-bit numbers may be strings, all as OTLP says. What it returns has passed
// [Check].
//
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
func FromJSON(t Type, in []byte) ([]byte, error) {
	d := transcoder{dec: json.NewDecoder(bytes.NewReader(in))}
	d.dec.UseNumber()
	tok, err := d.token()
	if err != nil {
		return nil, err
	}
	out, err := d.message(t, tok, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, malformed("more than one value")
	}
	return out, Check(t, out)
}

// transcoder reads JSON and writes protobuf.
type transcoder struct{ dec *json.Decoder }

func (d *transcoder) token() (json.Token, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return nil, malformed("%v", err)
	}
	return tok, nil
}

// message returns the message that begins with tok.
func (d *transcoder) message(t Type, tok json.Token, depth int) ([]byte, error) {
	if tok != json.Delim('{') {
		return nil, malformed("a message is an object, not %v", tok)
	}
	if depth > maxDepth {
		return nil, malformed("messages lie deeper than %d in each other", maxDepth)
	}
	b := []byte{}
	for {
		tok, err := d.token()
		if err != nil {
			return nil, err
		}
		if tok == json.Delim('}') {
			return b, nil
		}
		name, _ := tok.(string)
		if tok, err = d.token(); err != nil {
			return nil, err
		}
		f := t.named(name)
		switch {
		case f == nil:
			err = d.skip(tok)
		case tok == nil: // null: as if it were not there
		case !f.repeated:
			b, err = d.value(b, f, tok, depth)
		case tok != json.Delim('['):
			err = malformed("%s is a list, not %v", name, tok)
		default:
			b, err = d.list(b, f, depth)
		}
		if err != nil {
			return nil, err
		}
	}
}

// named returns the field with a name; nil if the message has none. What was
// rejected has another name for each kind of request.
func (t Type) named(name string) *field {
	fs := t.fields()
	for i := range fs {
		if fs[i].name == name {
			return &fs[i]
		}
	}
	if t == partial && (name == "rejectedDataPoints" || name == "rejectedLogRecords") {
		return &fs[0]
	}
	return nil
}

// list appends the elements of a list.
func (d *transcoder) list(b []byte, f *field, depth int) ([]byte, error) {
	for {
		tok, err := d.token()
		if err != nil {
			return nil, err
		}
		if tok == json.Delim(']') {
			return b, nil
		}
		if b, err = d.value(b, f, tok, depth); err != nil {
			return nil, err
		}
	}
}

// skip reads the rest of the value that begins with tok.
func (d *transcoder) skip(tok json.Token) error {
	for depth := 0; ; {
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if tok, err = d.token(); err != nil {
			return err
		}
	}
}

// value appends one value of a field.
func (d *transcoder) value(b []byte, f *field, tok json.Token, depth int) ([]byte, error) {
	num := int(f.num)
	if f.kind == embedded {
		m, err := d.message(f.of, tok, depth+1)
		if err != nil {
			return nil, err
		}
		return AppendBytes(b, num, m), nil
	}
	said, isText := tok.(string)
	switch f.kind {
	case boolean:
		v, ok := tok.(bool)
		if !ok {
			return nil, malformed("%s is true or false, not %v", f.name, tok)
		}
		return AppendUint(b, num, uint64(bit(v))), nil
	case text, raw, id:
		if !isText {
			return nil, malformed("%s is a string, not %v", f.name, tok)
		}
		v, err := f.bytes(said)
		if err != nil {
			return nil, malformed("%s: %v", f.name, err)
		}
		return AppendBytes(b, num, v), nil
	}
	if n, ok := tok.(json.Number); ok {
		said = n.String()
	} else if !isText {
		return nil, malformed("%s is a number, not %v", f.name, tok)
	}
	v, err := f.number(said)
	if err != nil {
		return nil, malformed("%s: %v", f.name, err)
	}
	switch f.kind.wire() {
	case fixed64Type:
		return AppendFixed64(b, num, v), nil
	case fixed32Type:
		return AppendFixed32(b, num, uint32(v)), nil
	}
	return AppendUint(b, num, v), nil
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

// bytes reads a string, or bytes in their form.
func (f *field) bytes(s string) ([]byte, error) {
	switch f.kind {
	case id:
		return hex.DecodeString(s)
	case raw:
		enc := base64.StdEncoding
		if strings.ContainsAny(s, "-_") {
			enc = base64.URLEncoding
		}
		return enc.WithPadding(base64.NoPadding).DecodeString(strings.TrimRight(s, "="))
	}
	return []byte(s), nil
}

// number reads a number, as the bits that go on the wire.
func (f *field) number(s string) (uint64, error) {
	if f.kind == double {
		v, err := strconv.ParseFloat(s, 64)
		return math.Float64bits(v), err
	}
	size := 32
	if f.bits == 64 || f.kind == fixed64 {
		size = 64
	}
	if !f.signed {
		v, err := strconv.ParseUint(s, 10, size)
		if err != nil {
			v, err = whole(s, size, err)
		}
		return v, err
	}
	v, err := strconv.ParseInt(s, 10, size)
	if err != nil {
		return 0, err
	}
	if f.kind == zigzag {
		return uint64(v<<1) ^ uint64(v>>63), nil
	}
	return uint64(v), nil
}

// whole reads a number that a language without integers has written, such as
// 1.5e18.
func whole(s string, size int, otherwise error) (uint64, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 || v != math.Trunc(v) || v >= math.Ldexp(1, size) {
		return 0, otherwise
	}
	return uint64(v), nil
}

// AppendResponse appends the answer to a request that was accepted, but for
// what was rejected, if anything: "" and 0 say that nothing was.
//
// https://opentelemetry.io/docs/specs/otlp/#partial-success-1
func AppendResponse(b []byte, t Type, asJSON bool, rejected int, why string) []byte {
	if !asJSON {
		if rejected == 0 && why == "" {
			return b
		}
		return AppendMessage(b, 1, func(b []byte) []byte {
			if rejected > 0 {
				b = AppendUint(b, 1, uint64(rejected))
			}
			return AppendText(b, 2, why)
		})
	}
	if rejected == 0 && why == "" {
		return append(b, "{}"...)
	}
	name := "rejectedSpans"
	switch t {
	case MetricsRequest:
		name = "rejectedDataPoints"
	case LogsRequest:
		name = "rejectedLogRecords"
	}
	text, err := json.Marshal(why)
	if err != nil {
		text = []byte(`""`)
	}
	b = append(append(append(b, `{"partialSuccess":{"`...), name...), `":"`...)
	b = strconv.AppendInt(b, int64(rejected), 10)
	b = append(append(b, `","errorMessage":`...), text...)
	return append(b, "}}"...)
}

// AppendStatus appends the body of an answer that is an error, a
// google.rpc.Status.
//
// https://opentelemetry.io/docs/specs/otlp/#failures-1
func AppendStatus(b []byte, asJSON bool, code int, why string) []byte {
	if !asJSON {
		return AppendText(AppendUint(b, 1, uint64(code)), 2, why)
	}
	text, err := json.Marshal(why)
	if err != nil {
		text = []byte(`""`)
	}
	b = strconv.AppendInt(append(b, `{"code":`...), int64(code), 10)
	b = append(append(b, `,"message":`...), text...)
	return append(b, '}')
}

// ReadPartial reads an answer: how many of what was sent were rejected, and
// why.
func ReadPartial(b []byte) (rejected int64, why string) {
	for f := range known(Response, b) {
		for p := range known(partial, f.Bytes) {
			switch p.Num {
			case 1:
				rejected = int64(p.uint)
			case 2:
				why = string(p.Bytes)
			}
		}
	}
	return rejected, why
}

// unzigzag is the number that a zigzag varint means.
func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// packed yields the numbers of a repeated field, packed or not.
func (f *Field) packed(k kind) []uint64 {
	if f.wire != bytesType {
		return []uint64{f.uint}
	}
	var out []uint64
	for b := f.Bytes; len(b) > 0; {
		v, n := unpack(k, b)
		if n <= 0 {
			break
		}
		out, b = append(out, v), b[n:]
	}
	return out
}
