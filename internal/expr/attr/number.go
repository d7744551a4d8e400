package attr

import "strings"

// Limits of a number, from
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// The messages with which DynamoDB refuses a number.
const (
	msgNotNumeric    = "The parameter cannot be converted to a numeric value"
	msgOverflow      = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	msgUnderflow     = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	msgTooManyDigits = "Attempting to store more than 38 significant digits in a Number"
)

// Number is a decimal of up to 38 significant digits between 1E-130 and 9.99…E125, or zero, of either sign. It holds
// the order-preserving encoding that keys use too, so that == is numeric equality and comparing two numbers is comparing
// two short strings:
//
//	zero:     0x20
//	positive: 0x30, exponent+130, digit pairs + 1
//	negative: 0x10, complement of both, 0xFE
//
// Digits are in pairs from the first significant one, trailing zeros dropped; 0xFE ends a negative number so that a
// longer magnitude sorts before its own prefix.
type Number struct{ enc string }

const (
	signNegative = 0x10
	signZero     = 0x20
	signPositive = 0x30

	negativePair = 0xFD
	negativeEnd  = 0xFE
)

// decimal is a number taken apart: digits d[:n] with an implied point after the first, times 10^exp. n == 0 is zero;
// otherwise neither the first nor the last digit is 0.
type decimal struct {
	neg bool
	exp int
	n   int
	d   [maxDigits]byte
}

// ParseNumber reads a number as DynamoDB does: an optional sign, digits with an optional point, an optional exponent.
// The error is DynamoDB's message.
func ParseNumber(s string) (Number, error) {
	var d decimal
	if msg := d.parse(s); msg != "" {
		return Number{}, Error(msg)
	}
	return d.number(), nil
}

// IntNumber is the number n.
func IntNumber(n int64) Number {
	var d decimal
	d.setInt(n)
	return d.number()
}

// IsZero reports whether the number is absent; the number 0 is not.
func (n Number) IsZero() bool { return n.enc == "" }

// Cmp compares by numeric value.
func (n Number) Cmp(m Number) int { return strings.Compare(n.enc, m.enc) }

// String is the number in plain notation, as DynamoDB returns it: never an exponent, no needless zeros.
func (n Number) String() string { return string(n.Append(nil)) }

// Append appends [Number.String] to dst.
func (n Number) Append(dst []byte) []byte {
	d := n.decimal()
	if d.n == 0 {
		return append(dst, '0')
	}
	if d.neg {
		dst = append(dst, '-')
	}
	if d.exp < 0 {
		dst = append(dst, '0', '.')
		for range -d.exp - 1 {
			dst = append(dst, '0')
		}
		return appendDigits(dst, d.d[:d.n])
	}
	whole := d.exp + 1
	if d.n <= whole {
		dst = appendDigits(dst, d.d[:d.n])
		for range whole - d.n {
			dst = append(dst, '0')
		}
		return dst
	}
	dst = appendDigits(dst, d.d[:whole])
	dst = append(dst, '.')
	return appendDigits(dst, d.d[whole:d.n])
}

func appendDigits(dst, digits []byte) []byte {
	for _, d := range digits {
		dst = append(dst, '0'+d)
	}
	return dst
}

// size is what the number adds to an item's size: one byte, one for each pair of digits aligned on the decimal point,
// one for a minus sign.
func (n Number) size() int {
	if len(n.enc) < 3 {
		return 1
	}
	pairs, exp, last := len(n.enc)-2, int(n.enc[1]), n.enc[len(n.enc)-1]-1
	size := 1
	if n.enc[0] == signNegative {
		pairs--
		exp = 255 - exp
		last = negativePair - 1 - n.enc[len(n.enc)-2]
		size++
	}
	if last%10 != 0 && exp%2 == 0 { // digits in pairs, and the point between two of a pair: one more pair
		size++
	}
	return size + pairs
}

// parse reads s and returns DynamoDB's message when it is refused.
func (d *decimal) parse(s string) string {
	if s == "" {
		return msgNotNumeric
	}
	i := 0
	if s[0] == '-' || s[0] == '+' {
		d.neg = s[0] == '-'
		i++
	}
	var (
		seen, point bool
		pointAt     int // digits before the point, counted from the first significant one; negative for leading zeros after it
		count       int // significant digits so far, with trailing zeros
		excess      bool
	)
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if point {
				return msgNotNumeric + ": " + s
			}
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen = true
		if count == 0 && c == '0' {
			if point {
				pointAt--
			}
			continue
		}
		if count < maxDigits {
			d.d[count] = c - '0'
			if c != '0' {
				d.n = count + 1
			}
		} else if c != '0' {
			excess = true
		}
		count++
		if !point {
			pointAt++
		}
	}
	if !seen {
		return msgNotNumeric + ": " + s
	}
	exp, ok := parseExponent(s[i:])
	if !ok {
		return msgNotNumeric + ": " + s
	}
	if count == 0 {
		*d = decimal{}
		return ""
	}
	d.exp = pointAt - 1 + exp
	switch {
	case d.exp > maxExponent:
		return msgOverflow
	case d.exp < minExponent:
		return msgUnderflow
	case excess:
		return msgTooManyDigits
	}
	return ""
}

// parseExponent reads "", "e5", "E+5" or "E-5". Exponents beyond any valid number are cut short, not overflowed.
func parseExponent(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	const enough = 1 << 24 // more than any request has digits
	exp := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if exp < enough {
			exp = exp*10 + int(s[i]-'0')
		}
	}
	if neg {
		exp = -exp
	}
	return exp, true
}

func (d *decimal) setInt(n int64) {
	*d = decimal{neg: n < 0}
	u := uint64(n)
	if d.neg {
		u = -u
	}
	var buf [20]byte
	i := len(buf)
	for ; u > 0; u /= 10 {
		i--
		buf[i] = byte(u % 10)
	}
	d.setDigits(buf[i:], len(buf)-i-1)
}

// setDigits takes the digits of an integer or of a sum, the first of which is worth 10^exp, and normalises them. It
// reports whether they fit.
func (d *decimal) setDigits(digits []byte, exp int) bool {
	for len(digits) > 0 && digits[0] == 0 {
		digits, exp = digits[1:], exp-1
	}
	for len(digits) > 0 && digits[len(digits)-1] == 0 {
		digits = digits[:len(digits)-1]
	}
	if len(digits) > maxDigits {
		return false
	}
	d.n = copy(d.d[:], digits)
	d.exp = exp
	if d.n == 0 {
		d.neg, d.exp = false, 0
	}
	return true
}

// append appends the order-preserving encoding.
func (d *decimal) append(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, signZero)
	}
	if d.neg {
		dst = append(dst, signNegative, 255-byte(d.exp-minExponent))
	} else {
		dst = append(dst, signPositive, byte(d.exp-minExponent))
	}
	for i := 0; i < d.n; i += 2 {
		pair := 10 * d.d[i]
		if i+1 < d.n {
			pair += d.d[i+1]
		}
		if d.neg {
			dst = append(dst, negativePair-pair-1)
		} else {
			dst = append(dst, pair+1)
		}
	}
	if d.neg {
		dst = append(dst, negativeEnd)
	}
	return dst
}

func (d *decimal) number() Number {
	var buf [2 + maxDigits/2 + 1]byte
	return Number{string(d.append(buf[:0]))}
}

// decimal takes the encoding apart.
func (n Number) decimal() (d decimal) {
	s := n.enc
	if len(s) < 3 { // zero, or absent
		return d
	}
	pairs := s[2:]
	d.exp = int(s[1]) + minExponent
	if s[0] == signNegative {
		d.neg = true
		d.exp = 255 - int(s[1]) + minExponent
		pairs = pairs[:len(pairs)-1]
	}
	for i := range len(pairs) {
		pair := pairs[i] - 1
		if d.neg {
			pair = negativePair - 1 - pairs[i]
		}
		d.d[d.n], d.d[d.n+1] = pair/10, pair%10
		d.n += 2
	}
	if d.n > 0 && d.d[d.n-1] == 0 {
		d.n--
	}
	return d
}

// validNumber reports whether s is an encoding that number would produce.
func validNumber(s string) bool {
	if s == "" || len(s) > 2+maxDigits/2+1 {
		return false
	}
	if s[0] == signZero {
		return len(s) == 1
	}
	neg := s[0] == signNegative
	if !neg && s[0] != signPositive || len(s) < 3 {
		return false
	}
	digits := s[2:]
	if neg {
		if digits[len(digits)-1] != negativeEnd {
			return false
		}
		digits = digits[:len(digits)-1]
	}
	if digits == "" {
		return false
	}
	if len(digits) > maxDigits/2 {
		return false
	}
	for i := range len(digits) {
		pair := digits[i] - 1
		if neg {
			pair = negativePair - 1 - digits[i]
		}
		if pair > 99 || i == 0 && pair < 10 || i == len(digits)-1 && pair == 0 {
			return false
		}
	}
	return true
}
