package policy

import (
	"strings"

	"github.com/nube-run/nube/internal/arn"
)

// A principalSet is the Principal element of a resource-based policy.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
type principalSet struct {
	everyone  bool
	accounts  []string
	arns      []arn.ARN
	services  []string // in lower case
	anySvc    bool
	federated []string
	canonical []string
}

// A grip is how a policy names the principal, which decides what may still
// limit the permission. Stronger ones are greater.
type grip uint8

const (
	gripNone    grip = iota
	gripAccount      // the account: delegates to its identity policies
	gripIssuer       // the role of a session: limited by boundary and session policy
	gripDirect       // the user, the session, the service, or everyone
)

func (s *principalSet) addAWS(v string) error {
	switch {
	case v == "*":
		s.everyone = true
	case len(v) == 12 && digits(v):
		s.accounts = append(s.accounts, v)
	case arn.IsARN(v) && !strings.ContainsAny(v, "*?"):
		a := arn.ARN(v)
		if a.Service() == "iam" && a.Resource() == "root" {
			s.accounts = append(s.accounts, a.Account())
			return nil
		}
		s.arns = append(s.arns, a)
	case uniqueID(v):
		// What IAM stores in place of a deleted user or role. It stays in the
		// policy and matches nobody.
	default:
		return &Error{Message: `Invalid principal in policy: "AWS":"` + v + `"`}
	}
	return nil
}

func (s *principalSet) addService(v string) {
	if v == "*" {
		s.anySvc = true
		return
	}
	v = strings.ToLower(v)
	// CloudWatch Logs is named with its region or without.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
	if region, ok := strings.CutSuffix(v, ".amazonaws.com"); ok && strings.HasPrefix(region, "logs.") {
		v = "logs.amazonaws.com"
	}
	s.services = append(s.services, v)
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// uniqueID reports whether v is an identifier such as AIDACKCEVSQ6C2EXAMPLE.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func uniqueID(v string) bool {
	if len(v) < 16 || len(v) > 128 || v[0] != 'A' {
		return false
	}
	for i := 0; i < len(v); i++ {
		if c := v[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// grip returns how the set names p, the strongest way there is.
func (s *principalSet) grip(p *Principal) grip {
	if s.everyone {
		return gripDirect
	}
	switch {
	case p.ARN != "":
		return s.gripARN(p)
	case p.Service != "":
		if s.anySvc {
			return gripDirect
		}
		for _, v := range s.services {
			if compareLower(v, p.Service) == 0 {
				return gripDirect
			}
		}
	case p.Federated != "":
		for _, v := range s.federated {
			if v == p.Federated {
				return gripDirect
			}
		}
	}
	return gripNone
}

func (s *principalSet) gripARN(p *Principal) grip {
	g := gripNone
	for _, a := range s.arns {
		switch {
		case a == p.ARN:
			return gripDirect
		case p.Issuer != "" && a == p.Issuer:
			g = gripIssuer
		}
	}
	if g == gripNone && len(s.accounts) > 0 {
		account := p.Account()
		for _, a := range s.accounts {
			if a != account {
				continue
			}
			if p.IsRoot() {
				return gripDirect
			}
			g = gripAccount
		}
	}
	if g == gripNone && p.CanonicalUser != "" {
		for _, c := range s.canonical {
			if c == p.CanonicalUser {
				return gripAccount
			}
		}
	}
	return g
}

// excepts reports whether a NotPrincipal element with this set spares p. AWS
// looks at the account, the role and the session in turn, so that all that
// the principal is must be listed.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (s *principalSet) excepts(p *Principal) bool {
	if s.everyone {
		return true
	}
	if p.ARN == "" {
		return s.grip(p) != gripNone
	}
	return s.listsAccount(p.Account()) &&
		(p.IsRoot() || s.lists(p.ARN)) &&
		(p.Issuer == "" || s.lists(p.Issuer))
}

func (s *principalSet) lists(a arn.ARN) bool {
	for _, l := range s.arns {
		if l == a {
			return true
		}
	}
	return false
}

func (s *principalSet) listsAccount(account string) bool {
	for _, a := range s.accounts {
		if a == account {
			return true
		}
	}
	return false
}
