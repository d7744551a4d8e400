package email

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// Reading is a message taken apart.
type Reading struct {
	Header  mail.Header
	From    []string // addresses with their names, decoded
	To, Cc  []string
	Bcc     []string // of a message that was not sent yet
	ReplyTo []string
	Subject string
	Date    time.Time // zero if there is none that can be read
	ID      string    // without brackets
	Text    string    // of the first plain part
	HTML    string    // of the first HTML part
	Files   []File    // whatever else there is
}

// depthMax bounds how deep parts may lie in parts.
const depthMax = 20

// Read takes a message apart.
func Read(raw []byte) (*Reading, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("no mail message: %w", err)
	}
	if len(m.Header) == 0 {
		return nil, errors.New("no mail message: it has no header")
	}
	r := &Reading{
		Header: m.Header, From: addressList(m.Header, "From"), To: addressList(m.Header, "To"), Cc: addressList(m.Header, "Cc"), Bcc: addressList(m.Header, "Bcc"),
		ReplyTo: addressList(m.Header, "Reply-To"), Subject: decodeWords(m.Header.Get("Subject")),
		ID: strings.Trim(strings.TrimSpace(m.Header.Get("Message-Id")), "<>"),
	}
	if t, err := m.Header.Date(); err == nil {
		r.Date = t
	}
	r.entity(header(m.Header), m.Body, 0)
	return r, nil
}

// header is that of a message or of a part.
type header map[string][]string

func (h header) get(name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// entity reads a message's body, or a part of one.
func (r *Reading) entity(h header, body io.Reader, depth int) {
	kind, params, err := mime.ParseMediaType(h.get("Content-Type"))
	if err != nil {
		kind, params = "text/plain", nil // as RFC 2045, 5.2 says
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && depth < depthMax {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err != nil {
				return // the end, or as far as it can be read
			}
			r.entity(header(p.Header), p, depth+1)
		}
	}
	raw, err := io.ReadAll(body)
	if err != nil && len(raw) == 0 {
		return
	}
	data := decodeTransfer(h.get("Content-Transfer-Encoding"), raw)
	disposition, named, _ := mime.ParseMediaType(h.get("Content-Disposition"))
	name := decodeWords(named["filename"])
	if name == "" {
		name = decodeWords(params["name"])
	}
	switch {
	case disposition == "attachment" || name != "":
	case kind == "text/plain" && r.Text == "":
		r.Text = decodeCharset(params["charset"], data)
		return
	case kind == "text/html" && r.HTML == "":
		r.HTML = decodeCharset(params["charset"], data)
		return
	}
	if len(data) == 0 && name == "" {
		return
	}
	r.Files = append(r.Files, File{Name: name, Type: kind, ContentID: strings.Trim(h.get("Content-Id"), "<> "), Data: data})
}

// decodeTransfer undoes a transfer encoding, as far as it was done right.
func decodeTransfer(encoding string, raw []byte) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		clean := bytes.Map(func(c rune) rune {
			if c == '\r' || c == '\n' || c == ' ' || c == '\t' {
				return -1
			}
			return c
		}, raw)
		if data, err := base64.StdEncoding.DecodeString(string(clean)); err == nil {
			return data
		}
	case "quoted-printable":
		if data, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(raw))); err == nil {
			return data
		}
	}
	return raw
}

// decodeCharset turns a text into UTF-8. Of the many sets there are it knows
// those that mail is written in; bytes of others that are no UTF-8 become
// U+FFFD.
func decodeCharset(charset string, data []byte) string {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1":
		out := make([]rune, len(data))
		for i, c := range data {
			out[i] = rune(c)
		}
		return lines(string(out))
	}
	return lines(strings.ToValidUTF8(string(data), "\uFFFD"))
}

// lines ends lines as Go's texts do.
func lines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// decodeWords undoes encoded words; what is none stays.
func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: func(charset string, in io.Reader) (io.Reader, error) {
		b, err := io.ReadAll(in)
		return strings.NewReader(decodeCharset(charset, b)), err
	}}
	out, err := d.DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}

// addressList is a field that is a list of addresses, for people; one that cannot
// be read is shown as it is.
func addressList(h mail.Header, name string) []string {
	return addressesOf(h, name, func(a *mail.Address) string { return Plain(*a) })
}

// Mailboxes are the addresses of a field for programs: their names are quoted or
// encoded where they must be, so that each can be read again. A field that cannot
// be read is returned as it is.
func (r *Reading) Mailboxes(name string) []string {
	return addressesOf(r.Header, name, (*mail.Address).String)
}

func addressesOf(h mail.Header, name string, write func(*mail.Address) string) []string {
	text := h.Get(name)
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return []string{decodeWords(text)}
	}
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = write(a)
	}
	return out
}

// Plain is an address as people read it: its name, if it has one, is not
// encoded.
func Plain(a mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}
