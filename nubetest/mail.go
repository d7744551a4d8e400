package nubetest

import (
	"testing"
	"time"

	"github.com/nube-run/nube/internal/control"
)

// Mail is a message that the application has sent.
type Mail struct {
	ID      string
	Time    time.Time // of the cloud's clock
	From    string
	To      []string
	Cc, Bcc []string
	Subject string
	Text    string
	HTML    string
}

// Mail returns what was sent, the oldest first. Nothing of it has left the
// machine. Settle first: mail that follows from a stream is then there.
func (c *Cloud) Mail(t testing.TB) []Mail {
	t.Helper()
	api := c.api()
	list, err := api.Mailbox.Mails(t.Context(), api.Account, c.Region(), control.MailQuery{})
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	out := make([]Mail, len(list))
	for i, m := range list {
		l, err := api.Mailbox.Mail(t.Context(), api.Account, c.Region(), m.ID)
		if err != nil {
			t.Fatalf("nubetest: %v", err)
		}
		out[i] = Mail{ID: m.ID, Time: m.Time, From: m.From, To: m.To, Cc: m.Cc, Bcc: m.Bcc, Subject: m.Subject, Text: l.Text, HTML: l.HTML}
	}
	return out
}
