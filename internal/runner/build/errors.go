package build

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// CompileError is a program that does not compile.
type CompileError struct {
	Dir      string
	Problems []Problem
	Output   string // of the go command, whole
}

// Problem is what is wrong, and where.
type Problem struct {
	File         string // absolute
	Line, Column int    // from 1; 0 when it is not known
	Message      string
}

// Error names the first problem.
func (e *CompileError) Error() string {
	if len(e.Problems) == 0 {
		return strings.TrimSpace(e.Output)
	}
	p := e.Problems[0]
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if n := len(e.Problems) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text
}

// compileError reads the go command's output, which is lines of
// file:line:column: message, with further lines of a message indented. What is
// of no such form is an error without a place, such as a module that is missing.
func compileError(dir string, out []byte, err error) error {
	e := &CompileError{Dir: dir, Output: string(out)}
	for _, line := range strings.Split(string(bytes.TrimSpace(out)), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if strings.HasPrefix(line, "\t") && len(e.Problems) > 0 {
			last := &e.Problems[len(e.Problems)-1]
			last.Message += "\n" + line
			continue
		}
		if p, ok := parseProblem(dir, line); ok {
			e.Problems = append(e.Problems, p)
		}
	}
	if len(e.Problems) == 0 && len(bytes.TrimSpace(out)) == 0 {
		return fmt.Errorf("go build: %w", err)
	}
	return e
}

func parseProblem(dir, line string) (Problem, bool) {
	at := strings.Index(line, ".go:")
	if at < 0 {
		return Problem{}, false
	}
	file, rest := line[:at+3], line[at+4:]
	number, rest, ok := strings.Cut(rest, ":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 {
		return Problem{}, false
	}
	p := Problem{File: file, Line: n, Message: strings.TrimSpace(rest)}
	if number, message, ok := strings.Cut(rest, ":"); ok {
		if c, err := strconv.Atoi(number); err == nil {
			p.Column, p.Message = c, strings.TrimSpace(message)
		}
	}
	if !filepath.IsAbs(p.File) {
		p.File = filepath.Join(dir, p.File)
	}
	return p, true
}
