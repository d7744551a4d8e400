package template

import (
	"slices"
	"strings"
)

// Suggest returns the candidate that name was most likely meant to be, or "" when none is close: the basis of every
// "did you mean". Case is nearly free, so "memorysize" finds "memorySize".
func Suggest(name string, candidates []string) string {
	best, bestCost := "", 2*max(1, min(3, len(name)/3))+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		cost := 2 * distance(strings.ToLower(name), strings.ToLower(c))
		switch {
		case cost == 0 && name != c:
			cost = 1
		case len(name) >= 3 && len(c) > len(name) && strings.EqualFold(name, c[:len(name)]):
			cost = min(cost, 2) // memory, for memorySize
		}
		if cost < bestCost {
			best, bestCost = c, cost
		}
	}
	return best
}

// distance is the number of insertions, deletions, replacements and swaps of neighbours between two words.
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
