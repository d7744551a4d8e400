package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/control"
)

// linesOf is an answer as lines of text.
func linesOf(a *control.Answer) []string {
	var out []string
	if a.Error != "" {
		out = append(out, "error "+a.Error)
	}
	if a.Payload != nil {
		return append(out, jsonLines(a.Payload)...)
	}
	if a.Status == 0 {
		return out
	}
	out = append(out, fmt.Sprintf("status %d", a.Status))
	var heads []string
	for name, values := range control.Stable(a.Header) {
		if name == "Content-Length" { // the body tells
			continue
		}
		for _, v := range values {
			heads = append(heads, name+": "+v)
		}
	}
	slices.Sort(heads)
	out = append(out, heads...)
	switch {
	case a.Body == "":
	case !a.Base64 && json.Valid([]byte(a.Body)):
		out = append(out, jsonLines([]byte(a.Body))...)
	default:
		out = append(out, strings.Split(strings.TrimSuffix(a.Body, "\n"), "\n")...)
	}
	return out
}

// jsonLines is JSON with a member a line, in order. The body of what a function
// answers to an API is a string; where it is JSON it is shown as such.
func jsonLines(b []byte) []string {
	v, ok := decoded(b)
	if answer, is := v.(map[string]any); is && answer["statusCode"] != nil {
		if body, is := answer["body"].(string); is {
			if v, ok := decoded([]byte(body)); ok {
				answer["body"] = v
			}
		}
	}
	text, err := indented(v)
	if err != nil || !ok {
		return []string{string(b)}
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// decoded is a value of JSON, with its numbers as they are written.
func decoded(b []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	ok = json.Valid(b) && d.Decode(&v) == nil
	return v, ok
}

// diffMax is up to how many pairs of lines are compared; beyond it, all that
// differs is shown as one change.
const diffMax = 4 << 20

// marked is two texts as one: with "- " before the lines that only was has, "+ "
// before those that only is has, and indented those of both.
func (a *app) marked(was, is []string) string {
	var b strings.Builder
	both := func(lines []string) {
		for _, l := range lines {
			b.WriteString("  " + l + "\n")
		}
	}
	change := func(old, new []string) {
		for _, l := range old {
			b.WriteString(paint(a.out, "31", "- "+l) + "\n")
		}
		for _, l := range new {
			b.WriteString(paint(a.out, "32", "+ "+l) + "\n")
		}
	}
	head := 0
	for head < min(len(was), len(is)) && was[head] == is[head] {
		head++
	}
	tail := 0
	for tail < min(len(was), len(is))-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
		tail++
	}
	both(was[:head])
	rest := was[len(was)-tail:]
	was, is = was[head:len(was)-tail], is[head:len(is)-tail]
	for _, step := range edits(was, is) {
		change(was[:step.old], is[:step.new])
		was, is = was[step.old:], is[step.new:]
		both(was[:step.same])
		was, is = was[step.same:], is[step.same:]
	}
	both(rest)
	return b.String()
}

// edit is so many lines less, so many more, and then so many that stay.
type edit struct{ old, new, same int }

// edits are the fewest that make is of was: by their longest common subsequence.
func edits(was, is []string) (out []edit) {
	n, m := len(was), len(is)
	if n*m > diffMax {
		return []edit{{old: n, new: m}}
	}
	// common[i*(m+1)+j] is the length of that of was[i:] and is[j:].
	common := make([]int32, (n+1)*(m+1))
	at := func(i, j int) *int32 { return &common[i*(m+1)+j] }
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if was[i] == is[j] {
				*at(i, j) = *at(i+1, j+1) + 1
			} else {
				*at(i, j) = max(*at(i+1, j), *at(i, j+1))
			}
		}
	}
	var e edit
	for i, j := 0, 0; i < n || j < m; {
		switch {
		case i < n && j < m && was[i] == is[j]:
			e.same++
			i, j = i+1, j+1
			continue
		case e.same > 0:
			out = append(out, e)
			e = edit{}
		}
		if j == m || i < n && *at(i+1, j) >= *at(i, j+1) {
			e.old++
			i++
		} else {
			e.new++
			j++
		}
	}
	return append(out, e)
}
