package sqs

import (
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// message is what lies in a queue. It is never changed; what happens to it stands
// elsewhere.
type message struct {
	id     string // a UUID
	sent   millis // when it was, from which it is kept for the queue's retention period
	lane   lane   // where it was first in the index
	after  millis // and when: before that nobody gets it
	sender string
	group  string
	dedup  string
	source string // ARN of the queue that gave it up
	trace  string // AWSTraceHeader
	cause  record.Cause

	attributes []attribute // by name
	body       string
}

// attribute is a message attribute.
type attribute struct {
	name, kind string
	text       string
	binary     []byte
}

// isBinary reports whether its value is bytes.
func (a *attribute) isBinary() bool { return strings.HasPrefix(a.kind, "Binary") }

// size is how much of the limit a message takes.
func (m *message) size() int {
	n := len(m.body)
	for i := range m.attributes {
		a := &m.attributes[i]
		n += len(a.name) + len(a.kind) + len(a.text) + len(a.binary)
	}
	return n
}

// maxAttributes is how many message attributes a message can have.
const maxAttributes = 10

// checkContent checks what a message may hold.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
func (m *message) checkContent() error {
	if m.body == "" {
		return missing("MessageBody")
	}
	if !isText(m.body) {
		return fault.New("InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	if len(m.attributes) > maxAttributes {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(m.attributes), maxAttributes)
	}
	for i := range m.attributes {
		if err := m.attributes[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// isText reports whether s has none but the characters of XML.
func isText(s string) bool {
	for i, r := range s {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0x10000:
		case r == 0xfffd:
			if !strings.HasPrefix(s[i:], "\uFFFD") {
				return false // not UTF-8
			}
		case r >= 0xe000 && r < 0xfffd:
		default:
			return false
		}
	}
	return true
}

// check checks one attribute.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func (a *attribute) check() error {
	if !isAttributeName(a.name) {
		return invalid("The message attribute name '%s' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.), must not begin with AWS. or Amazon., must not begin or end with a period or have two in a row, and can be up to 256 characters long.", a.name)
	}
	kind, label, _ := strings.Cut(a.kind, ".")
	switch {
	case a.kind == "":
		return invalid("The message attribute '%s' must contain a non-empty message attribute type.", a.name)
	case kind != "String" && kind != "Number" && kind != "Binary" || len(a.kind) > 256 || strings.Contains(a.kind, ".") && label == "":
		return invalid("The type of message attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", a.name)
	case a.isBinary() && len(a.binary) == 0 || !a.isBinary() && a.text == "":
		return invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", a.name, a.kind)
	case kind == "Number" && !isNumber(a.text):
		return invalid("Could not cast message attribute '%s' value to number.", a.name)
	case !a.isBinary() && !isText(a.text):
		return fault.New("InvalidMessageContents", "Message attribute value '%s' must contain only valid unicode characters #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", a.name)
	}
	return nil
}

func isAttributeName(s string) bool {
	lower := strings.ToLower(s)
	return s != "" && len(s) <= 256 && !strings.HasPrefix(lower, "aws.") && !strings.HasPrefix(lower, "amazon.") &&
		s[0] != '.' && s[len(s)-1] != '.' && !strings.Contains(s, "..") &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// isNumber reports whether a text is a decimal number.
func isNumber(s string) bool {
	digits := strings.TrimLeft(strings.TrimSpace(s), "+-")
	mantissa, exponent, has := strings.Cut(strings.ToLower(digits), "e")
	whole, part, _ := strings.Cut(mantissa, ".")
	if has && (strings.TrimLeft(exponent, "+-") == "" || strings.Trim(strings.TrimLeft(exponent, "+-"), "0123456789") != "") {
		return false
	}
	return whole+part != "" && strings.Trim(whole+part, "0123456789") == ""
}

// isIdentifier checks a group or a deduplication id: up to 128 letters, digits and
// punctuation.
func isIdentifier(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
