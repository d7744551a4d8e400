package control

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// jsonOf is JSON as it is, nothing for nothing, and a string of what is neither.
func jsonOf(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return b
	}
	quoted, err := json.Marshal(string(b))
	if err != nil {
		return nil // a string is JSON
	}
	return quoted
}

// textOf is a body as JSON can have it.
func textOf(b []byte) (text string, isBase64 bool) {
	if utf8.Valid(b) {
		return string(b), false
	}
	return base64.StdEncoding.EncodeToString(b), true
}

// sameJSON reports whether two texts are the same, or the same JSON.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y bytes.Buffer
	return canonical(&x, a) && canonical(&y, b) && bytes.Equal(x.Bytes(), y.Bytes())
}

// canonical writes JSON with its members in order, and numbers as they were.
func canonical(to *bytes.Buffer, b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	return d.Decode(&v) == nil && !d.More() && json.NewEncoder(to).Encode(v) == nil
}
