package policy

import "strings"

// An actionSet is a list of action patterns, such as "s3:Get*". Service and
// name are compared without regard to case.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
type actionSet struct {
	any   bool
	exact []string // in lower case
	wild  []action
}

type action struct {
	pattern string // compiled, in lower case; the prefix alone for shapePrefix
	shape   shape
}

func (a *actionSet) add(s string) {
	t := parseTemplate(strings.ToLower(s), false, true)
	sh, p := shapeOf(t.text)
	switch {
	case sh == shapeAny, s == "*:*":
		a.any = true
	case sh == shapeExact:
		a.exact = append(a.exact, p)
	default:
		a.wild = append(a.wild, action{p, sh})
	}
}

func (a *actionSet) has(name string) bool {
	if a.any {
		return true
	}
	for _, e := range a.exact {
		if equalLower(e, name) {
			return true
		}
	}
	for i := range a.wild {
		w := &a.wild[i]
		switch {
		case w.shape == shapeGlob:
			if glob(w.pattern, name, true) {
				return true
			}
		case len(name) >= len(w.pattern) && equalLower(w.pattern, name[:len(w.pattern)]):
			return true
		}
	}
	return false
}

// equalLower reports whether s in lower case is low. Actions are ASCII. It
// looks at the end first: the names of a service differ there.
func equalLower(low, s string) bool {
	if len(low) != len(s) {
		return false
	}
	for i := len(s) - 1; i >= 0; i-- {
		if low[i] != lower(s[i]) {
			return false
		}
	}
	return true
}
