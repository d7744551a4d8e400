package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"
)

// terminal is where the program writes: results to out, everything else to err.
type terminal struct {
	out, err io.Writer
}

// colour reports whether w is a terminal whose user did not ask for plain text.
// https://no-color.org
func colour(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

func paint(w io.Writer, code, s string) string {
	if !colour(w) {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// json writes a result as one JSON object.
func (t terminal) json(v any) error {
	e := json.NewEncoder(t.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// line writes one line of JSON, for streams.
func (t terminal) line(v any) error { return json.NewEncoder(t.out).Encode(v) }

// table writes rows in aligned columns.
func (t terminal) table(rows [][]string) {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.TrimRight(strings.Join(r, "\t"), "\t"))
	}
	w.Flush()
}

// note tells of progress.
func (t terminal) note(format string, args ...any) {
	fmt.Fprintf(t.err, format+"\n", args...)
}

// fail tells of the error that ends the program.
func (a *app) fail(err error) {
	if a.output == "json" {
		a.json(struct {
			Error string `json:"error"`
		}{err.Error()})
		return
	}
	fmt.Fprintln(a.err, paint(a.err, "31", "error:"), err)
}
