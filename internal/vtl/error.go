package vtl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong with a template, and where.
type Error struct {
	Line, Column int // from 1; columns count characters
	Message      string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func errorAt(src string, at int, message string) *Error {
	before := src[:min(at, len(src))]
	start := strings.LastIndexByte(before, '\n') + 1
	return &Error{Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[start:]) + 1, Message: message}
}

// place gives an error of an execution its place, unless it has one.
func place(src string, at int, err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return errorAt(src, at, err.Error())
}
