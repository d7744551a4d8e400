package email

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is a mail to be written.
type Message struct {
	From    string // "ana@example.com" or "Ana <ana@example.com>"
	To, Cc  []string
	ReplyTo []string
	Subject string
	Date    time.Time
	ID      string  // of the Message-ID field, without brackets; none if empty
	Header  []Field // further fields, as they are written
	Text    string
	HTML    string
	Files   []File
}

// Field is one field of a header.
type Field struct{ Name, Value string }

// File is an attachment.
type File struct {
	Name      string
	Type      string // such as "image/png"
	ContentID string // to which HTML refers as cid:
	Data      []byte
}

// lineMax is the longest line that a message may have, without its end.
//
// https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1
const lineMax = 998

// Bytes is the message on the wire. Text and HTML become alternatives of one
// body; files go beside it.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	if m.From != "" {
		field(&b, "From", addresses([]string{m.From}))
	}
	for _, f := range []struct {
		name string
		list []string
	}{{"Reply-To", m.ReplyTo}, {"To", m.To}, {"Cc", m.Cc}} {
		if len(f.list) > 0 {
			field(&b, f.name, addresses(f.list))
		}
	}
	field(&b, "Subject", encodeWords(m.Subject))
	if m.ID != "" {
		field(&b, "Message-ID", "<"+m.ID+">")
	}
	if !m.Date.IsZero() {
		field(&b, "Date", m.Date.UTC().Format(time.RFC1123Z))
	}
	for _, f := range m.Header {
		field(&b, f.Name, encodeWords(f.Value))
	}
	field(&b, "MIME-Version", "1.0")
	m.body(&b)
	return b.Bytes()
}

// part is one entity of a body: its content type and its writer.
type part struct {
	header []Field
	body   []byte
}

func (m *Message) body(b *bytes.Buffer) {
	var parts []part
	if m.Text != "" || m.HTML == "" {
		parts = append(parts, textPart("text/plain", m.Text))
	}
	if m.HTML != "" {
		parts = append(parts, textPart("text/html", m.HTML))
	}
	one := parts[0]
	if len(parts) > 1 {
		one = m.multipart("alternative", parts)
	}
	if len(m.Files) > 0 {
		all := []part{one}
		for _, f := range m.Files {
			all = append(all, filePart(f))
		}
		one = m.multipart("mixed", all)
	}
	one.write(b)
}

func (p *part) write(b *bytes.Buffer) {
	for _, f := range p.header {
		field(b, f.Name, f.Value)
	}
	b.WriteString("\r\n")
	b.Write(p.body)
}

// multipart joins parts. The boundary depends on the parts alone, and is such
// that no line of theirs can be it: neither of the encodings writes "=_".
func (m *Message) multipart(kind string, parts []part) part {
	h := fnv.New64a()
	h.Write([]byte(kind + m.ID))
	for _, p := range parts {
		h.Write(p.body)
	}
	boundary := fmt.Sprintf("=_%s_%016x", kind, h.Sum64())
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n")
		p.write(&b)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return part{[]Field{{"Content-Type", fmt.Sprintf("multipart/%s; boundary=%q", kind, boundary)}}, b.Bytes()}
}

func textPart(kind, text string) part {
	body, encoding := encodeText(text)
	return part{[]Field{{"Content-Type", kind + "; charset=UTF-8"}, {"Content-Transfer-Encoding", encoding}}, body}
}

// encodeText writes a text with lines that end in CR LF, as it is where it may
// be, or in quoted-printable.
func encodeText(text string) (body []byte, encoding string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	plain := utf8.ValidString(text)
	for line := range strings.SplitSeq(text, "\r\n") {
		// Quoted at the beginning of a line so that none is a boundary.
		plain = plain && len(line) <= lineMax && isASCII(line) && !strings.HasPrefix(line, "--=_")
	}
	if plain {
		return []byte(text), "7bit"
	}
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(text)) // into memory: no error
	w.Close()
	return b.Bytes(), "quoted-printable"
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 || s[i] == '\r' {
			return false
		}
	}
	return true
}

func filePart(f File) part {
	kind := f.Type
	if kind == "" {
		kind = "application/octet-stream"
	}
	header := []Field{{"Content-Type", kind}, {"Content-Transfer-Encoding", "base64"}}
	disposition := "attachment"
	if f.ContentID != "" {
		header = append(header, Field{"Content-ID", "<" + f.ContentID + ">"})
		disposition = "inline"
	}
	if f.Name != "" {
		disposition = mime.FormatMediaType(disposition, map[string]string{"filename": f.Name})
	}
	header = append(header, Field{"Content-Disposition", disposition})
	var b bytes.Buffer
	text := base64.StdEncoding.EncodeToString(f.Data)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text)
	return part{header, b.Bytes()}
}

// field writes one field, folded where it has spaces. A line break in it would
// begin another field, so none gets through.
func field(b *bytes.Buffer, name, value string) {
	name = strings.Map(func(c rune) rune {
		if c <= ' ' || c >= 0x7f || c == ':' {
			return -1
		}
		return c
	}, name)
	value = strings.NewReplacer("\r", "", "\n", " ").Replace(value)
	const width = 76
	line := name + ":"
	for word := range strings.SplitSeq(value, " ") {
		if len(line)+1+len(word) > width && strings.TrimSpace(line) != "" && word != "" && line != name+":" {
			b.WriteString(line + "\r\n")
			line = ""
		}
		line += " " + word
	}
	b.WriteString(line + "\r\n")
}

// addresses writes a list of addresses, with names as encoded words where they
// must be. What is no address is written as it is.
func addresses(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s
		if a, err := mail.ParseAddress(s); err == nil && a.Name != "" {
			out[i] = a.String()
		}
	}
	return strings.Join(out, ", ")
}

// encodeWords writes text as encoded words where it is not ASCII.
//
// https://www.rfc-editor.org/rfc/rfc2047
func encodeWords(s string) string { return mime.QEncoding.Encode("UTF-8", s) }
