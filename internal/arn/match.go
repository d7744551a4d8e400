package arn

import "strings"

// Glob reports whether all of s matches pattern, in which '*' stands for any
// run of characters, the empty one included, and '?' for exactly one character.
// Nothing escapes: IAM has no way to write a literal star here but the policy
// variable ${*}, which package policy resolves.
//
// It takes time O(len(pattern)·len(s)) in the worst case and allocates
// nothing, so a hostile policy cannot make it explode.
func Glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += runeLen(s[i:])
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0: // let the last star take one character more
			mark += runeLen(s[mark:])
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// Match reports whether s matches the ARN pattern as IAM's Resource element
// reads it. The first five parts are compared one by one, so that a wildcard
// does not run over a colon into the next part; the resource, which may hold
// colons itself, is one part. Parts that the pattern leaves out match
// anything: IAM reads "arn:aws:sqs" as "arn:aws:sqs:*:*:*", and "*" is every
// resource.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func Match(pattern, s string) bool {
	for range 5 {
		pp, prest, pmore := strings.Cut(pattern, ":")
		sp, srest, smore := strings.Cut(s, ":")
		switch {
		case !Glob(pp, sp):
			return false
		case !pmore:
			return true
		case !smore:
			return false
		}
		pattern, s = prest, srest
	}
	return Glob(pattern, s)
}

// runeLen is the length of the first character of s, in bytes. A byte that is
// not UTF-8 is a character of its own.
func runeLen(s string) int {
	n := 1
	if s[0] >= 0xC0 {
		for n < len(s) && n < 4 && s[n]&0xC0 == 0x80 {
			n++
		}
	}
	return n
}
