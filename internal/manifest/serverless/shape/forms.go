package shape

import (
	"strings"

	"github.com/nube-run/nube/internal/manifest/schema"
)

// only returns a predicate: a text of the characters of a class, at least one.
func only(class func(byte) bool) func(string) bool {
	return func(s string) bool {
		for i := range len(s) {
			if !class(s[i]) {
				return false
			}
		}
		return s != ""
	}
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// plus widens a class by some characters.
func plus(class func(byte) bool, more string) func(byte) bool {
	return func(c byte) bool { return class(c) || strings.IndexByte(more, c) >= 0 }
}

func isServiceName(s string) bool {
	return len(s) > 1 && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') && only(plus(isAlphanumeric, "-"))(s)
}

func isStackName(s string) bool {
	return s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z') && only(plus(isAlphanumeric, "-"))(s)
}

// IsStage reports whether a text may be the name of a stage.
func IsStage(s string) bool { return only(plus(isAlphanumeric, "-"))(s) }

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") }

// isVariableName matches the names of environment variables, [A-Za-z_][A-Za-z0-9_]*.
func isVariableName(s string) bool {
	return only(plus(isAlphanumeric, "_"))(s) && !(s[0] >= '0' && s[0] <= '9')
}

// isLogicalResource matches what IAM statements may name besides ARNs, [#A-Za-z0-9-_./]+[*]?.
func isLogicalResource(s string) bool {
	return only(plus(isAlphanumeric, "#-_./"))(strings.TrimSuffix(s, "*"))
}

func isTagKey(s string) bool {
	return len(s) <= 128 && !strings.HasPrefix(s, "aws:") && only(plus(isAlphanumeric, "_./=+:- "))(s)
}

func isLogGroup(s string) bool { return only(plus(isAlphanumeric, "/#-_."))(s) }

// isBucketName follows the naming rules of S3 buckets, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func isBucketName(s string) bool {
	if len(s) < 3 || len(s) > 63 {
		return false
	}
	numbers := 0
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		digits := len(label) <= 3
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
				return false
			}
			digits = digits && c >= '0' && c <= '9'
		}
		if digits {
			numbers++
		}
	}
	return !(numbers == 4 && strings.Count(s, ".") == 3)
}

// IsSchedule reports whether a text is a rate or cron expression.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func IsSchedule(s string) bool {
	if body, ok := strings.CutPrefix(s, "cron("); ok && strings.HasSuffix(body, ")") {
		return len(strings.Split(strings.TrimSuffix(body, ")"), " ")) == 6 && len(strings.Fields(body)) == 6
	}
	body, ok := strings.CutPrefix(s, "rate(")
	if !ok || !strings.HasSuffix(body, ")") {
		return false
	}
	count, unit, ok := strings.Cut(strings.TrimSuffix(body, ")"), " ")
	if !ok || count == "" || count[0] == '0' || !only(func(c byte) bool { return c >= '0' && c <= '9' })(count) {
		return false
	}
	if count != "1" {
		if unit, ok = strings.CutSuffix(unit, "s"); !ok {
			return false
		}
	}
	return unit == "minute" || unit == "hour" || unit == "day"
}

// methods are the methods that an HTTP event may have.
func methods() []string {
	return []string{"GET", "POST", "PUT", "PATCH", "OPTIONS", "HEAD", "DELETE", "ANY"}
}

func isMethod(s string) bool {
	for _, m := range methods() {
		if strings.EqualFold(s, m) {
			return true
		}
	}
	return s == "*"
}

// isMethodAndPath matches the short form of HTTP events: GET /users/{id}.
func isMethodAndPath(s string) bool {
	method, path, ok := strings.Cut(s, " ")
	return ok && method != "*" && isMethod(method) && strings.HasPrefix(path, "/") && noSpace(path)
}

func noSpace(s string) bool { return !strings.ContainsAny(s, " \t\r\n") }

// text is a text of a form.
func text(match func(string) bool, form string) schema.String {
	return schema.String{Match: match, Form: form}
}
