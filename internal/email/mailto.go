package email

import (
	"fmt"
	"net/url"
	"strings"
)

// Scheme is the scheme of URIs that are mail addresses.
const Scheme = "mailto"

// MailTo is the URI of addresses: the target of an effect that sends them mail.
//
// https://www.rfc-editor.org/rfc/rfc6068
func MailTo(addresses ...string) string {
	escaped := make([]string, len(addresses))
	for i, a := range addresses {
		local, domain, _ := cutLast(a, "@")
		escaped[i] = strings.ReplaceAll(url.PathEscape(local), "+", "%2B") + "@" + url.PathEscape(domain)
	}
	return Scheme + ":" + strings.Join(escaped, ",")
}

// Addressees are the addresses of such a URI.
func Addressees(target string) ([]string, error) {
	scheme, rest, _ := strings.Cut(target, ":")
	if !strings.EqualFold(scheme, Scheme) {
		return nil, fmt.Errorf("%q is no mailto URI", target)
	}
	rest, _, _ = strings.Cut(rest, "?") // header fields: the message has its own
	var out []string
	for part := range strings.SplitSeq(rest, ",") {
		a, err := url.PathUnescape(part)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", target, err)
		}
		if local, domain, ok := cutLast(a, "@"); !ok || local == "" || domain == "" {
			return nil, fmt.Errorf("%q: %q is no address", target, a)
		}
		out = append(out, a)
	}
	return out, nil
}

// cutLast cuts s around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
