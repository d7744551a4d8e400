package email

import (
	"bytes"
	"strings"
)

// Rewrite returns the message with further fields before its others, and without
// those whose name drop is true for. The rest stays as it is, byte for byte.
func Rewrite(raw []byte, drop func(name string) bool, add []Field) []byte {
	var b bytes.Buffer
	for _, f := range add {
		field(&b, f.Name, encodeWords(f.Value))
	}
	dropped := false
	for len(raw) > 0 {
		line := raw
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			line = raw[:i+1]
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break // the body
		}
		raw = raw[len(line):]
		if line[0] != ' ' && line[0] != '\t' { // else it goes on with the field before
			name, _, _ := strings.Cut(string(line), ":")
			dropped = drop(strings.TrimSpace(name))
		}
		if !dropped {
			b.Write(line)
		}
	}
	b.Write(raw)
	return b.Bytes()
}
