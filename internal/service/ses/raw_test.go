package ses

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRawNames: names in a raw message's fields may have commas and letters that are
// not ASCII; the addresses are those of the fields all the same.
func TestRawNames(t *testing.T) {
	b := newBed(t, Options{})
	raw := "From: \"Foo, Inc.\" <info@shop.example>\r\nTo: \"Doe, John\" <john@example.com>, =?UTF-8?Q?Zo=C3=AB=2C_A?= <zoe@example.com>\r\n" +
		"Cc: \"a@b\" <cy@example.com>\r\nSubject: x\r\n\r\nhello"
	for _, request := range []string{
		`v1.SendRawEmail {"RawMessage":{"Data":"` + base64.StdEncoding.EncodeToString([]byte(raw)) + `"}}`,
		`v2.SendEmail {"Content":{"Raw":{"Data":"` + base64.StdEncoding.EncodeToString([]byte(raw)) + `"}}}`,
	} {
		operation, in := request[:len("v1.SendRawEmail")], request[len("v1.SendRawEmail "):]
		if request[:2] == "v2" {
			operation, in = request[:len("v2.SendEmail")], request[len("v2.SendEmail "):]
		}
		b.do(operation, in, nil)
		all := b.mails(Query{})
		m := all[len(all)-1]
		got := append([]string{m.From, m.Sender}, append(m.To, m.Cc...)...)
		for _, r := range m.Recipients {
			got = append(got, r.Address)
		}
		want := []string{
			"Foo, Inc. <info@shop.example>", "info@shop.example", "Doe, John <john@example.com>", "Zoë, A <zoe@example.com>", "a@b <cy@example.com>",
			"john@example.com", "zoe@example.com", "cy@example.com",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", operation, d)
		}
	}
	if len(b.mails(Query{To: "zoe"})) != 2 {
		t.Error("it is not found by its recipient")
	}
}
