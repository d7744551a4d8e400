package email

import (
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	raw := "From: a@example.com\r\nbcc: x@example.com,\r\n y@example.com\r\nSubject: hi\r\n there\r\n\r\nBcc: this is text\r\n"
	got := string(Rewrite([]byte(raw), func(name string) bool { return strings.EqualFold(name, "Bcc") }, []Field{{"Message-ID", "<1@b>"}}))
	want := "Message-ID: <1@b>\r\nFrom: a@example.com\r\nSubject: hi\r\n there\r\n\r\nBcc: this is text\r\n"
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	for _, raw := range []string{"", "\n", "A: b", "A: b\n\nx"} {
		if got := string(Rewrite([]byte(raw), func(string) bool { return false }, nil)); got != raw {
			t.Errorf("%q became %q", raw, got)
		}
	}
}
