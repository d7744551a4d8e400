package serverless

import "strings"

// isVersionRange reports whether a text is a range of versions as npm writes them,
// https://github.com/npm/node-semver#ranges.
func isVersionRange(s string) bool {
	for alternative := range strings.SplitSeq(s, "||") {
		words := strings.Fields(strings.ReplaceAll(alternative, " - ", " "))
		for i, w := range words {
			w = strings.TrimLeft(w, "<>=~^")
			if w == "" && i+1 < len(words) {
				continue // an operator and a space before its version
			}
			if !isPartialVersion(strings.TrimPrefix(w, "v")) {
				return false
			}
		}
	}
	return true
}

// isPartialVersion matches 3, 3.1, 3.x, * and 3.1.0-beta.1+build.
func isPartialVersion(s string) bool {
	s, _, _ = strings.Cut(s, "+")
	s, _, _ = strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) > 3 {
		return false
	}
	for _, p := range parts {
		if p == "x" || p == "X" || p == "*" {
			continue
		}
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}
