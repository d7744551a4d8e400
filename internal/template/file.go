package template

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// File is a text that positions point into. Name is what diagnostics print; Text may be nil for a synthetic file, of which
// nothing can be quoted.
type File struct {
	Name string
	Text []byte
}

// line returns the text of the one-based line, without its line break.
func (f *File) line(n int) (string, bool) {
	if f == nil || n < 1 {
		return "", false
	}
	rest := f.Text
	for ; n > 1; n-- {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return "", false
		}
		rest = rest[i+1:]
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	rest = bytes.TrimSuffix(rest, []byte{'\r'})
	return string(rest), len(rest) > 0
}

// at converts a byte offset into a position.
func (f *File) at(offset int) Pos {
	offset = min(offset, len(f.Text))
	before := f.Text[:offset]
	line := 1 + bytes.Count(before, []byte{'\n'})
	start := bytes.LastIndexByte(before, '\n') + 1
	return Pos{File: f, Line: line, Column: 1 + utf8.RuneCount(before[start:])}
}

// Pos is a place in a file. Line and Column count from one, columns in characters. The zero Pos is "nowhere": the place of
// values that no one wrote.
type Pos struct {
	File         *File
	Line, Column int
}

// IsValid reports whether p points somewhere.
func (p Pos) IsValid() bool { return p.File != nil && p.Line > 0 }

// String formats p as file:line:column, the form that editors and terminals turn into links.
func (p Pos) String() string {
	switch {
	case p.File == nil:
		return "-"
	case p.Line == 0:
		return p.File.Name
	}
	return fmt.Sprintf("%s:%d:%d", p.File.Name, p.Line, p.Column)
}

// Shift returns the place n characters further in the same line: the place of something inside a one-line scalar.
func (p Pos) Shift(n int) Pos {
	if p.IsValid() {
		p.Column += n
	}
	return p
}

// Rest returns the text of the line of p from its column on: what a reader sees there.
func (p Pos) Rest() (string, bool) {
	text, ok := p.File.line(p.Line)
	if !ok {
		return "", false
	}
	col := 1
	for i := range text {
		if col == p.Column {
			return text[i:], true
		}
		col++
	}
	return "", false
}
