package ses

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/email"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// LinkPath is where the links in verification mails lie, on the AWS endpoint.
// Whoever has one needs no signature: it carries the identity's token.
const LinkPath = "/_nube/ses/verify"

// postmaster sends the platform's own mail.
const postmaster = "no-reply@nube.invalid" // RFC 2606: a name that nobody can have

// invitation is the mail with which an address is verified.
func (s *Service) invitation(ctx context.Context, name, token, id string, now clock.Instant) *letter {
	c := cell(ctx)
	q := url.Values{"account": {c.Account}, "region": {c.Region}, "identity": {name}, "token": {token}}
	link := strings.TrimSuffix(s.Endpoint, "/") + LinkPath + "?" + q.Encode()
	m := email.Message{
		From: "Amazon SES at nube <" + postmaster + ">", To: []string{name}, Date: now.Time(), ID: messageIDField(id, c.Region),
		Subject: fmt.Sprintf("Email Address Verification Request in region %s", c.Region),
		Text: fmt.Sprintf(`Somebody has asked to send mail from this address, %s, with account %s in region %s.

To confirm that the address may be used, open this link:

%s

It can be opened more than once. If you did not ask for it, there is nothing to do.
`, name, c.Account, c.Region, link),
	}
	l := &letter{raw: m.Bytes(), Mail: Mail{
		ID: id, At: now, From: m.From, Sender: postmaster, To: m.To, Subject: m.Subject, Recipients: []Recipient{{Address: name}},
	}}
	l.caused(ctx)
	return l
}

// ServeLink answers the links in verification mails.
func (s *Service) ServeLink(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	q := r.URL.Query()
	name := q.Get("identity")
	say := func(status int, text string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<!doctype html>\n<title>nube</title>\n<p>%s</p>\n", html.EscapeString(text))
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		say(http.StatusMethodNotAllowed, "A verification link is opened, nothing else.")
		return
	}
	err := s.confirm(r.Context(), keyspace.Cell{Account: q.Get("account"), Region: q.Get("region")}, name, q.Get("token"))
	switch {
	case err == nil:
		say(http.StatusOK, fmt.Sprintf("Congratulations! %s is verified: mail can be sent from it.", name))
	case errors.Is(err, errLink):
		say(http.StatusBadRequest, "This link does not belong to an address that waits to be verified, or not any more. Ask for a new one.")
	default:
		say(http.StatusInternalServerError, "The address could not be verified; the log says why.")
	}
}

// errLink is returned for a link that nobody was given.
var errLink = errors.New("ses: the link is not valid")

// confirm verifies an identity whose token somebody has.
func (s *Service) confirm(ctx context.Context, c keyspace.Cell, name, token string) error {
	k := spaceOf(c).identity(normal(name))
	now := s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var id identity
		ok, err := jsonrow.Get(tx, k, &id)
		if err != nil {
			return err
		}
		if !ok || subtle.ConstantTimeCompare([]byte(id.Token), []byte(token)) != 1 {
			return errLink
		}
		if !id.Verified.IsZero() {
			return nil
		}
		id.Verified = now
		return jsonrow.Set(tx, k, &id)
	})
	return err
}
