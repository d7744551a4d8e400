package email

import (
	"bytes"
	"flag"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func date() time.Time { return time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC) }

// messages are what the golden files hold on the wire.
func messages() map[string]Message {
	return map[string]Message{
		"plain": {From: "shop@example.com", To: []string{"ana@example.com"}, Subject: "Welcome", Date: date(), ID: "1@shop", Text: "Hello Ana,\nyou are in.\n"},
		"alternatives": {
			From: "The Shop <shop@example.com>", To: []string{"Ana Núñez <ana@example.com>", "bo@example.com"}, Cc: []string{"cy@example.com"},
			ReplyTo: []string{"help@example.com"}, Subject: "¡Bienvenida!", Date: date(), ID: "2@shop",
			Text: "Hola", HTML: "<p>Hola, <b>Ana</b> — ¿qué tal?</p>", Header: []Field{{"X-Campaign", "spring"}},
		},
		"files": {
			From: "shop@example.com", To: []string{"ana@example.com"}, Subject: "Your invoice", Date: date(), HTML: `<img src="cid:logo">`,
			Files: []File{
				{Name: "invoice 1.pdf", Type: "application/pdf", Data: bytes.Repeat([]byte("%PDF"), 40)},
				{Name: "logo.png", Type: "image/png", ContentID: "logo", Data: []byte{0x89, 'P', 'N', 'G'}},
			},
		},
		"long": {
			From: "shop@example.com", To: []string{"ana@example.com"}, Subject: strings.Repeat("a long subject, ", 12) + "that ends", Date: date(),
			Text: strings.Repeat("x", 2000) + "\n--=_alternative\n.\n",
		},
		"none": {Subject: "to nobody"},
	}
}

func TestGolden(t *testing.T) {
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			got := m.Bytes()
			file := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRead reads what was written: it must be what was to be said.
func TestRead(t *testing.T) {
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			r, err := Read(m.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			want := &Reading{
				To: m.To, Cc: m.Cc, ReplyTo: m.ReplyTo, Subject: m.Subject, Date: m.Date, ID: m.ID, Text: m.Text, HTML: m.HTML, Files: m.Files,
			}
			if m.From != "" {
				want.From = []string{m.From}
			}
			r.Header = nil
			if d := cmp.Diff(want, r); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestFieldsCannotBeInjected holds a value with a line break to its own field.
func TestFieldsCannotBeInjected(t *testing.T) {
	m := Message{From: "a@example.com", To: []string{"b@example.com\r\nBcc: c@example.com"}, Subject: "x\r\nX-Evil: 1", Header: []Field{{"X-A", "1\nX-B: 2"}, {"X-C: 3\r\nX-D", "4"}}}
	r, err := Read(m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Bcc", "X-Evil", "X-B", "X-C", "X-D"} {
		if v := r.Header.Get(name); v != "" {
			t.Errorf("the message has a field %s: %q", name, v)
		}
	}
}

// TestOthers reads messages as other programs write them.
func TestOthers(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want Reading
	}{
		"no content type": {"Subject: hi\r\n\r\nbody\r\n", Reading{Subject: "hi", Text: "body\n"}},
		"lines end in LF": {"From: a@b.c\nSubject: hi\n\nbody\n", Reading{From: []string{"a@b.c"}, Subject: "hi", Text: "body\n"}},
		"latin1": {
			"Subject: =?ISO-8859-1?Q?a=F1o?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=F1o",
			Reading{Subject: "año", Text: "año"},
		},
		"broken base64":  {"Content-Transfer-Encoding: base64\r\n\r\n###", Reading{Text: "###"}},
		"broken address": {"To: undisclosed recipients\r\n\r\nx", Reading{To: []string{"undisclosed recipients"}, Text: "x"}},
		"attachment by name of its type": {
			"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1,2\r\n--b--\r\n",
			Reading{Text: "see below", Files: []File{{Name: "a.csv", Type: "text/csv", Data: []byte("1,2")}}},
		},
		"cut off": {
			"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee",
			Reading{Text: "see"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read([]byte(c.raw))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = nil
			if d := cmp.Diff(&c.want, r); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNoMessage(t *testing.T) {
	for _, raw := range []string{"", "\r\n", "no header at all", ": \r\n\r\n"} {
		if r, err := Read([]byte(raw)); err == nil {
			t.Errorf("%q is read as %+v", raw, r)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, m := range messages() {
		f.Add(m.Bytes())
	}
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Read(raw)
		if err == nil && r.Header == nil {
			t.Fatal("a message without a header")
		}
	})
}

// FuzzRoundTrip writes texts and reads them again.
func FuzzRoundTrip(f *testing.F) {
	f.Add("subject", "text", "<p>html</p>", []byte("data"))
	f.Add("¡hola!", "línea\n--=_x\n", "", []byte(nil))
	f.Fuzz(func(t *testing.T, subject, text, html string, data []byte) {
		plain := func(s string) bool { return !strings.ContainsAny(s, "\r") && s == strings.ToValidUTF8(s, "") }
		if !plain(text) || !plain(html) {
			return
		}
		m := Message{From: "a@example.com", Subject: subject, Text: text, HTML: html}
		if len(data) > 0 {
			m.Files = []File{{Name: "f", Type: "application/octet-stream", Data: data}}
		}
		r, err := Read(m.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if r.Text != text || r.HTML != html {
			t.Fatalf("texts %q and %q became %q and %q", text, html, r.Text, r.HTML)
		}
		if d := cmp.Diff(m.Files, r.Files); d != "" {
			t.Fatal(d)
		}
	})
}

// Mailboxes can be read again, whatever their names are.
func TestMailboxes(t *testing.T) {
	r, err := Read([]byte("To: \"Doe, John\" <john@example.com>, =?UTF-8?Q?Zo=C3=AB=2C_A?= <zoe@example.com>, bo@example.com\r\nCc: nobody at all\r\n\r\nx"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := mail.ParseAddressList(strings.Join(r.Mailboxes("To"), ", "))
	if err != nil || len(list) != 3 || list[0].Name != "Doe, John" || list[1].Name != "Zoë, A" || list[2].Address != "bo@example.com" {
		t.Errorf("%q: %v, %v", r.Mailboxes("To"), list, err)
	}
	if got := r.Mailboxes("Cc"); len(got) != 1 || got[0] != "nobody at all" || r.Mailboxes("Bcc") != nil {
		t.Errorf("%q, %q", got, r.Mailboxes("Bcc"))
	}
}
