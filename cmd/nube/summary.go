package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/nube-run/nube/internal/control"
)

// deployed prints what runs: the functions, each with what calls it, and what the
// application has beside them.
func (a *app) deployed(d *control.Deployment) {
	state := "unchanged"
	if d.Changed {
		state = "deployed"
	}
	lines := []shown{{kind: "stack", name: d.Stack + " (" + d.Region + ", " + state + ")"}}
	for _, f := range d.Functions {
		lines = append(lines, shown{kind: "function", name: f.Name, detail: f.Runtime})
		for _, r := range f.Routes {
			method, url, _ := strings.Cut(r, " ")
			lines = append(lines, shown{caller: true, kind: method, name: url})
		}
		for _, c := range f.Callers {
			lines = append(lines, shown{caller: true, kind: c.Kind, name: c.Name, detail: c.Detail})
		}
		if len(f.Routes)+len(f.Callers) == 0 {
			lines = append(lines, shown{caller: true, kind: "nothing", name: "but nube invoke " + f.Name})
		}
	}
	for _, r := range d.Beside {
		lines = append(lines, shown{kind: r.Kind, name: r.Name, detail: r.Detail})
	}
	a.listing(lines)
}

// shown is a line of a listing: something, or what calls the one above.
type shown struct {
	caller             bool
	kind, name, detail string
}

// listing writes lines in columns. A name that is longer than its column moves what
// follows in its own line, and no other.
func (a *app) listing(lines []shown) {
	const kindWidth, callerWidth, nameWidth, detailWidth = 8, 10, 40, 80
	names := map[bool]int{}
	for _, l := range lines {
		if l.detail != "" {
			names[l.caller] = min(nameWidth, max(names[l.caller], width(l.name)))
		}
	}
	cell := func(text, colour string, to int) string {
		return paint(a.out, colour, text) + strings.Repeat(" ", max(0, to-width(text))+2)
	}
	for _, l := range lines {
		line := cell(l.kind, "2", kindWidth) + cell(l.name, "1", names[false])
		if l.caller {
			line = strings.Repeat(" ", kindWidth+2) + cell(l.kind, "36", callerWidth) + cell(l.name, "", names[true])
		}
		if l.detail == "" {
			line = strings.TrimRight(line, " ")
		} else {
			line += paint(a.out, "2", short(l.detail, detailWidth))
		}
		fmt.Fprintln(a.out, line)
	}
}

func width(s string) int { return utf8.RuneCountInString(s) }

// short is a text that is no longer than most.
func short(s string, most int) string {
	if width(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
