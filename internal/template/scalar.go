package template

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// AsString returns the text of a scalar as it was written: CloudFormation takes 5, true and "5" alike where it expects a
// string, and an account id keeps its leading zeros.
func (v *Value) AsString() (string, bool) {
	if !v.IsScalar() {
		return "", false
	}
	return v.Text, true
}

// AsBool returns a boolean: true and false, the same words in quotes, and YAML 1.1's yes, no, on and off where they were
// written without quotes, as CloudFormation reads them.
func (v *Value) AsBool() (b, ok bool) {
	if !v.IsScalar() {
		return false, false
	}
	switch strings.ToLower(v.Text) {
	case "true":
		return true, true
	case "false":
		return false, true
	case "yes", "on", "y":
		return true, v.Plain
	case "no", "off", "n":
		return false, v.Plain
	}
	return false, false
}

// AsInt returns a whole number, written as a number or as a string.
func (v *Value) AsInt() (int64, bool) {
	if !v.IsScalar() || v.Kind == Bool {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
		return n, true
	}
	if v.Kind != Number {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.canonical(), 10, 64); err == nil {
		return n, true
	}
	return 0, false
}

// AsFloat returns a number, written as a number or as a string.
func (v *Value) AsFloat() (float64, bool) {
	if !v.IsScalar() || v.Kind == Bool {
		return 0, false
	}
	if f, ok := parseNumber(v.Text); ok {
		return f, true
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// Literal returns a scalar as JavaScript prints it: 0x10 is 16, 1.50 is 1.5 and a string is itself. Lists and maps have none.
func (v *Value) Literal() (string, bool) {
	if !v.IsScalar() {
		return "", false
	}
	return v.canonical(), true
}

// canonical returns a boolean or number as JSON spells it.
func (v *Value) canonical() string {
	switch v.Kind {
	case Bool:
		return strings.ToLower(v.Text)
	case Number:
		if isDecimal(v.Text) {
			return v.Text
		}
		f, _ := parseNumber(v.Text)
		return formatNumber(f)
	}
	return v.Text
}

// isDecimal reports whether s is already a JSON integer in its only spelling, which keeps integers beyond 2^53 exact.
func isDecimal(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] == '0' && (len(digits) > 1 || len(s) > 1) {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// formatNumber spells a number the way ECMAScript's Number::toString does, which is what JSON.stringify writes.
func formatNumber(f float64) string {
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "null"
	case f == 0:
		return "0"
	case math.Abs(f) >= 1e21 || math.Abs(f) < 1e-6:
		s := strconv.FormatFloat(f, 'e', -1, 64)
		mant, exp, _ := strings.Cut(s, "e")
		sign, digits := exp[:1], strings.TrimLeft(exp[1:], "0")
		return mant + "e" + sign + digits
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// resolve returns the kind that YAML's core schema gives to a scalar without quotes.
// https://yaml.org/spec/1.2.2/#103-core-schema
func resolve(text string) Kind {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return Null
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return Bool
	}
	if _, ok := parseNumber(text); ok {
		return Number
	}
	return String
}

// parseNumber reads the number forms of YAML's core schema and 0b, with which JavaScript's readers extend it.
func parseNumber(s string) (float64, bool) {
	body, neg := s, false
	if body != "" && (body[0] == '-' || body[0] == '+') {
		neg, body = body[0] == '-', body[1:]
	}
	if body == "" {
		return 0, false
	}
	if len(body) > 2 && body[0] == '0' {
		base := 0
		switch body[1] {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		if base != 0 {
			if body[2] == '-' || body[2] == '+' {
				return 0, false
			}
			n, ok := new(big.Int).SetString(body[2:], base)
			if !ok {
				return 0, false
			}
			f, _ := new(big.Float).SetInt(n).Float64()
			return signed(f, neg), true
		}
	}
	switch body {
	case ".inf", ".Inf", ".INF":
		return signed(math.Inf(1), neg), true
	case ".nan", ".NaN", ".NAN":
		return math.NaN(), body == s
	}
	if !isFloatForm(body) {
		return 0, false
	}
	f, err := strconv.ParseFloat(body, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return signed(f, neg), true
}

func signed(f float64, neg bool) float64 {
	if neg {
		return -f
	}
	return f
}

// isFloatForm matches [0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)? and \.[0-9]+([eE][-+]?[0-9]+)?.
func isFloatForm(s string) bool {
	digits := func() int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n
	}
	whole := digits()
	if s != "" && s[0] == '.' {
		s = s[1:]
		if digits() == 0 && whole == 0 {
			return false
		}
	} else if whole == 0 {
		return false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '-' || s[0] == '+') {
			s = s[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return s == ""
}
