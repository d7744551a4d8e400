package ses

import (
	"context"
	"crypto/rand"
	"net/mail"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// identity is the row of an address or a domain from which mail may be sent.
type identity struct {
	Created  clock.Instant
	Verified clock.Instant     `json:",omitempty"` // zero: not yet
	Token    string            // of the link, or of the record that AWS would look up
	Dkim     []string          `json:",omitempty"` // tokens, of a domain
	Selector string            `json:",omitempty"` // of a key that the owner signs with himself
	Set      string            `json:",omitempty"` // configuration set of mail that names none
	Policies map[string]string `json:",omitempty"`

	Unsigned    bool   `json:",omitempty"` // DKIM is switched off
	NoFeedback  bool   `json:",omitempty"` // bounces are not forwarded
	MailFrom    string `json:",omitempty"` // domain to which bounces go
	OnMxFailure string `json:",omitempty"`

	Tags map[string]string `json:",omitempty"`
}

// normal is an identity's name as it is kept: of an address the domain alone is
// written in any case.
//
// https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html
func normal(name string) string {
	local, domain, ok := cutLast(name, "@")
	if !ok {
		return strings.ToLower(name)
	}
	return local + "@" + strings.ToLower(domain)
}

func isAddress(name string) bool { return strings.Contains(name, "@") }

// domainOf is the domain of an address, or the domain itself.
func domainOf(name string) string {
	if _, domain, ok := cutLast(name, "@"); ok {
		return domain
	}
	return name
}

// cutLast cuts s around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// checkIdentity refuses what is neither an address nor a domain.
func checkIdentity(name string) error {
	if isAddress(name) {
		if a, err := mail.ParseAddress(name); err != nil || a.Address != name || a.Name != "" {
			return invalid("Invalid email address<%s>.", name)
		}
		return nil
	}
	return checkDomain(name)
}

func checkDomain(name string) error {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		ok := l != "" && len(l) <= 63 && !strings.HasPrefix(l, "-") && !strings.HasSuffix(l, "-")
		for _, c := range strings.ToLower(l) {
			ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
		}
		if !ok || len(labels) < 2 || len(name) > 253 {
			return invalid("Invalid domain name <%s>.", name)
		}
	}
	return nil
}

// secrets are the random parts of an identity, made outside of transactions.
type secrets struct {
	token string
	dkim  []string
}

func newSecrets() secrets {
	text := func() string { return strings.ToLower(rand.Text() + rand.Text()[:6]) }
	return secrets{token: text() + text(), dkim: []string{text(), text(), text()}}
}

// begin is a new identity. An address is verified by its link where senders are
// checked; everything else at once.
func (s *Service) begin(name string, r secrets, now clock.Instant) identity {
	id := identity{Created: now, Token: r.token}
	if !isAddress(name) {
		id.Dkim = r.dkim
	}
	if !s.Verify || !isAddress(name) {
		id.Verified = now
	}
	return id
}

// candidates are the identities that cover an address, the nearest first: itself,
// its domain and the domains above that.
func candidates(address string) []string {
	name := normal(address)
	out := []string{name}
	for domain := domainOf(name); strings.Contains(domain, "."); _, domain, _ = strings.Cut(domain, ".") {
		if domain != name {
			out = append(out, domain)
		}
	}
	return out
}

// covering is the nearest identity that covers an address; a verified one comes
// before one that is not.
func covering(g jsonrow.Getter, sp space, address string) (name string, id identity, found bool, err error) {
	for _, c := range candidates(address) {
		var row identity
		ok, err := jsonrow.Get(g, sp.identity(c), &row)
		if err != nil {
			return "", identity{}, false, err
		}
		if ok && !row.Verified.IsZero() {
			return c, row, true, nil
		}
		if ok && !found {
			name, id, found = c, row, true
		}
	}
	return name, id, found, nil
}

// identityOf is the identity as which IAM sees a sender: the nearest that was
// registered, and of those that nobody registered the address itself.
func (s *Service) identityOf(ctx context.Context, address string) (name string, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		found := false
		name, _, found, err = covering(snap, spaceOf(cell(ctx)), address)
		if err == nil && !found {
			name = normal(address)
		}
		return err
	})
	return name, err
}

// changeIdentity changes the row of an identity, which must exist.
func (s *Service) changeIdentity(ctx context.Context, name string, change func(*kv.Tx, *identity) error) error {
	k := spaceOf(cell(ctx)).identity(normal(name))
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var id identity
		ok, err := jsonrow.Get(tx, k, &id)
		if err != nil {
			return err
		}
		if !ok {
			return noIdentity(name)
		}
		if err := change(tx, &id); err != nil {
			return err
		}
		return jsonrow.Set(tx, k, &id)
	})
	return err
}

// viewIdentity reads the row of an identity, which must exist.
func (s *Service) viewIdentity(ctx context.Context, name string) (id identity, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, spaceOf(cell(ctx)).identity(normal(name)), &id)
		if err == nil && !ok {
			err = noIdentity(name)
		}
		return err
	})
	return id, err
}
