package cloudformation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/template"
)

func invalid(format string, args ...any) *fault.Error {
	return fault.New("ValidationError", format, args...)
}

// unsupported names a parameter that is refused, and what would work.
func unsupported(what, instead string) error {
	return invalid("%s is not supported. %s", what, instead)
}

// shown turns the complaints about a template into the API's error: each
// message as CloudFormation words it, with its place and what would work.
func shown(err error) error {
	var ds template.Diagnostics
	if !errors.As(err, &ds) {
		return err
	}
	var lines []string
	for _, d := range ds {
		if d.Severity == template.Error {
			lines = append(lines, sentence(d))
		}
	}
	return invalid("%s", strings.Join(lines, "\n"))
}

func sentence(d template.Diagnostic) string {
	msg := d.Message
	for _, format := range []string{"YAML", "JSON"} {
		if detail, ok := strings.CutPrefix(msg, "not valid "+format+": "); ok {
			msg = fmt.Sprintf("Template format error: %s not well-formed. %s", format, detail)
		}
	}
	if !worded(msg) {
		msg = "Template format error: " + msg
	}
	var more []string
	if d.Pos.IsValid() {
		more = append(more, fmt.Sprintf("line %d, column %d", d.Pos.Line, d.Pos.Column))
	}
	if d.Hint != "" {
		more = append(more, d.Hint)
	}
	if more != nil {
		msg += " (" + strings.Join(more, "; ") + ")"
	}
	return msg
}

// worded reports whether a message begins as CloudFormation's own do.
func worded(msg string) bool {
	for _, p := range []string{
		"Template ", "Parameter", "Circular dependency", "No export named", "Encountered unsupported property", "Value of property",
		"Property ", "'null' values",
	} {
		if strings.HasPrefix(msg, p) {
			return true
		}
	}
	return false
}
