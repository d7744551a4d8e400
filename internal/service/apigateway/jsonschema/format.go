package jsonschema

import (
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/regex"
)

// fits checks the formats of draft 4. A format that it does not define is no
// constraint.
func fits(format, v string) bool {
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, v)
		return err == nil
	case "email":
		a, err := mail.ParseAddress(v)
		return err == nil && a.Address == v
	case "hostname":
		return hostname(v)
	case "ipv4":
		a, err := netip.ParseAddr(v)
		return err == nil && a.Is4()
	case "ipv6":
		a, err := netip.ParseAddr(v)
		return err == nil && a.Is6() && a.Zone() == ""
	case "uri":
		_, err := url.Parse(v)
		return err == nil
	case "regex":
		_, err := regex.Compile(v)
		return err == nil
	}
	return true
}

// hostname checks a name as RFC 1034 has it.
func hostname(v string) bool {
	if len(v) == 0 || len(v) > 255 {
		return false
	}
	for label := range strings.SplitSeq(v, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
				return false
			}
		}
	}
	return true
}
