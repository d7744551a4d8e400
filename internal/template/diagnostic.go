package template

import (
	"fmt"
	"io"
	"strings"
)

// Severity says whether a diagnostic stops the work.
type Severity uint8

const (
	Error   Severity = iota // the file cannot be used
	Warning                 // the file can be used, but not as its author may think
)

// String returns the word that diagnostics begin with.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is a complaint about a place in a file.
type Diagnostic struct {
	Severity Severity
	Pos      Pos
	Message  string // what is wrong, one sentence without a final full stop
	Hint     string // what would work, or empty
	Notes    []Note // other places that explain it, such as the steps of a cycle
}

// Note is a further place that explains a diagnostic.
type Note struct {
	Pos     Pos
	Message string
}

// Errorf returns an error at a position.
func Errorf(pos Pos, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Pos: pos, Message: fmt.Sprintf(format, args...)}
}

// Warningf returns a warning at a position.
func Warningf(pos Pos, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: Warning, Pos: pos, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns d with the sentence that says what would work.
func (d Diagnostic) WithHint(format string, args ...any) Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// WithNote returns d with one more explaining place.
func (d Diagnostic) WithNote(pos Pos, format string, args ...any) Diagnostic {
	d.Notes = append(d.Notes[:len(d.Notes):len(d.Notes)], Note{Pos: pos, Message: fmt.Sprintf(format, args...)})
	return d
}

// Error returns the one-line form, "file:line:column: message (hint)". The form with the excerpt is [Diagnostic.Render].
func (d Diagnostic) Error() string {
	var b strings.Builder
	if d.Pos.File != nil {
		b.WriteString(d.Pos.String())
		b.WriteString(": ")
	}
	if d.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(d.Message)
	if d.Hint != "" {
		fmt.Fprintf(&b, " (%s)", d.Hint)
	}
	return b.String()
}

// Render returns the form for people: the message, the line it is about with a caret under the place, the hint and the
// notes.
//
//	serverless.yml:12:7: error: unknown key "evnts"
//	   12 |       evnts:
//	      |       ^
//	  hint: did you mean "events"?
func (d Diagnostic) Render() string {
	var b strings.Builder
	if d.Pos.File != nil {
		b.WriteString(d.Pos.String())
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Message)
	excerpt(&b, d.Pos)
	if d.Hint != "" {
		fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
	}
	for _, n := range d.Notes {
		if n.Pos.File != nil {
			fmt.Fprintf(&b, "  %s: %s\n", n.Pos, n.Message)
		} else {
			fmt.Fprintf(&b, "  %s\n", n.Message)
		}
		excerpt(&b, n.Pos)
	}
	return b.String()
}

// widest is how much of a long line an excerpt shows.
const widest = 110

// excerpt writes the line of a position and a caret under its column. A long line is cut around the column.
func excerpt(b *strings.Builder, p Pos) {
	text, ok := p.File.line(p.Line)
	if !ok {
		return
	}
	line := []rune(text)
	col := min(max(p.Column-1, 0), len(line))
	if start := col - widest*3/4; len(line) > widest && start > 0 {
		line, col = append([]rune{'…'}, line[start:]...), col-start+1
	}
	if len(line) > widest {
		line = append(line[:widest:widest], '…')
		col = min(col, widest)
	}
	pad := make([]rune, col)
	for i := range pad {
		pad[i] = ' '
		if line[i] == '\t' {
			pad[i] = '\t'
		}
	}
	fmt.Fprintf(b, "%5d | %s\n      | %s^\n", p.Line, string(line), string(pad))
}

// Diagnostics are the complaints about one set of files, in the order in which they were found.
type Diagnostics []Diagnostic

// HasErrors reports whether any diagnostic is an error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Err returns ds as an error when it holds one, and nil when there are only warnings or nothing.
func (ds Diagnostics) Err() error {
	if !ds.HasErrors() {
		return nil
	}
	return ds
}

// Error returns the one-line forms of the errors, one a line.
func (ds Diagnostics) Error() string {
	var b strings.Builder
	for _, d := range ds {
		if d.Severity != Error {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}

// Unwrap lets errors.As find a single [Diagnostic].
func (ds Diagnostics) Unwrap() []error {
	errs := make([]error, 0, len(ds))
	for _, d := range ds {
		if d.Severity == Error {
			errs = append(errs, d)
		}
	}
	return errs
}

// WriteTo writes the rendered forms of all diagnostics.
func (ds Diagnostics) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for _, d := range ds {
		m, err := io.WriteString(w, d.Render())
		n += int64(m)
		if err != nil {
			return n, fmt.Errorf("write diagnostics: %w", err)
		}
	}
	return n, nil
}
