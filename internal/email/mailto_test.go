package email

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMailTo(t *testing.T) {
	for _, c := range []struct {
		addresses []string
		want      string
	}{
		{[]string{"ana@example.com"}, "mailto:ana@example.com"},
		{[]string{"ana+shop@example.com", "bo@example.com"}, "mailto:ana%2Bshop@example.com,bo@example.com"},
		{[]string{`"a b,c"@example.com`}, "mailto:%22a%20b%2Cc%22@example.com"},
	} {
		got := MailTo(c.addresses...)
		if got != c.want {
			t.Errorf("MailTo(%q) = %s, want %s", c.addresses, got, c.want)
		}
		back, err := Addressees(got)
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(c.addresses, back); d != "" {
			t.Error(d)
		}
	}
	for _, uri := range []string{"", "mailto:", "mailto:ana", "mailto:@x", "mailto:a%zz@x", "https://ana@example.com", "mailto:a@b,,"} {
		if got, err := Addressees(uri); err == nil {
			t.Errorf("%q are the addresses %q", uri, got)
		}
	}
}

func FuzzAddressees(f *testing.F) {
	f.Add("mailto:ana%2Bshop@example.com,bo@example.com?subject=x")
	f.Fuzz(func(t *testing.T, uri string) {
		list, err := Addressees(uri)
		if err != nil {
			return
		}
		again, err := Addressees(MailTo(list...))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(list, again); d != "" {
			t.Fatal(d)
		}
	})
}
