package policy

import (
	"slices"
	"strings"
)

// An actionSet is a list of action patterns, such as "s3:Get*". Service and
// name are compared without regard to case.
//
// AWS's own managed policies list a thousand actions and more, so a look-up
// goes by halves: to the actions that are spelled out, and to the patterns of
// one service.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
type actionSet struct {
	any      bool
	exact    []string // in lower case, sorted
	services []servicePatterns
}

// servicePatterns are the patterns of one service, in lower case.
type servicePatterns struct {
	service  string // with its colon
	all      bool   // one of them is "*"
	patterns []action
}

// An action is a pattern of the name behind the colon.
type action struct {
	pattern string // compiled; for shapePrefix the prefix alone
	shape   shape
}

func newActionSet(list []string) (a actionSet) {
	for _, s := range list {
		s = strings.ToLower(s)
		service, name, ok := strings.Cut(s, ":")
		if !ok || service == "*" && name != "" && strings.Trim(name, "*") == "" {
			a.any = true // "*" and "*:*"
			continue
		}
		p := parseTemplate(name, false, true).text
		sh, p := shapeOf(p)
		switch {
		case sh == shapeExact && service != "*":
			a.exact = append(a.exact, s)
		case service == "*":
			a.group("").patterns = append(a.group("").patterns, action{p, sh})
		case sh == shapeAny:
			a.group(service + ":").all = true
		default:
			g := a.group(service + ":")
			g.patterns = append(g.patterns, action{p, sh})
		}
	}
	slices.Sort(a.exact)
	a.exact = slices.Compact(a.exact)
	return a
}

// group returns the patterns of a service, whose slot it makes when there is
// none. The empty service stands for all of them.
func (a *actionSet) group(service string) *servicePatterns {
	i, ok := slices.BinarySearchFunc(a.services, service, func(g servicePatterns, s string) int { return strings.Compare(g.service, s) })
	if !ok {
		a.services = slices.Insert(a.services, i, servicePatterns{service: service})
	}
	return &a.services[i]
}

func (a *actionSet) has(name string) bool {
	if a.any {
		return true
	}
	for lo, hi := 0, len(a.exact); lo < hi; {
		mid := (lo + hi) / 2
		switch c := compareLower(a.exact[mid], name); {
		case c == 0:
			return true
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	if len(a.services) == 0 {
		return false
	}
	colon := strings.IndexByte(name, ':') + 1
	service, name := name[:colon], name[colon:]
	first := 0
	if a.services[0].service == "" {
		if a.services[0].has(name) {
			return true
		}
		first = 1
	}
	for lo, hi := first, len(a.services); lo < hi; {
		mid := (lo + hi) / 2
		switch c := compareLower(a.services[mid].service, service); {
		case c == 0:
			return a.services[mid].has(name)
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return false
}

func (g *servicePatterns) has(name string) bool {
	if g.all {
		return true
	}
	for i := range g.patterns {
		p := &g.patterns[i]
		switch p.shape {
		case shapeAny:
			return true
		case shapeGlob:
			if glob(p.pattern, name, true) {
				return true
			}
		case shapePrefix:
			if len(name) >= len(p.pattern) && compareLower(p.pattern, name[:len(p.pattern)]) == 0 {
				return true
			}
		case shapeExact: // "*:name"
			if compareLower(p.pattern, name) == 0 {
				return true
			}
		}
	}
	return false
}

// compareLower compares low with s in lower case. Names of actions and
// services are ASCII.
func compareLower(low, s string) int {
	n := min(len(low), len(s))
	for i := range n {
		if a, b := low[i], lower(s[i]); a != b {
			return int(a) - int(b)
		}
	}
	return len(low) - len(s)
}
