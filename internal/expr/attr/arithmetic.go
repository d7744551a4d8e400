package attr

// Add is n + m, exact or an error: DynamoDB never rounds. The error is DynamoDB's message.
func (n Number) Add(m Number) (Number, error) { return sum(n.decimal(), m.decimal()) }

// Sub is n - m, exact or an error.
func (n Number) Sub(m Number) (Number, error) {
	d := m.decimal()
	d.neg = !d.neg
	return sum(n.decimal(), d)
}

// sum lays both numbers out in one row of digits, from the higher exponent down to the lower last digit, and adds or
// subtracts column by column.
func sum(a, b decimal) (Number, error) {
	switch {
	case b.n == 0:
		return a.number(), nil
	case a.n == 0:
		return b.number(), nil
	}
	high := max(a.exp, b.exp) + 1 // one column for the carry
	low := min(a.exp-a.n, b.exp-b.n) + 1
	width := high - low + 1
	if smallerMagnitude(&a, &b) {
		a, b = b, a
	}
	var row [maxExponent - minExponent + maxDigits + 2]byte
	columns := row[:width]
	copy(columns[high-a.exp:], a.d[:a.n])
	at := high - b.exp
	carry := byte(0)
	for i := width - 1; i >= 0; i-- {
		digit := carry
		if j := i - at; j >= 0 && j < b.n {
			digit += b.d[j]
		}
		if a.neg == b.neg {
			digit += columns[i]
			carry = digit / 10
			columns[i] = digit % 10
			continue
		}
		carry = 0
		if columns[i] < digit {
			columns[i] += 10
			carry = 1
		}
		columns[i] -= digit
	}
	r := decimal{neg: a.neg}
	if !r.setDigits(columns, high) {
		return Number{}, Error(msgTooManyDigits)
	}
	switch {
	case r.n == 0:
	case r.exp > maxExponent:
		return Number{}, Error(msgOverflow)
	case r.exp < minExponent:
		return Number{}, Error(msgUnderflow)
	}
	return r.number(), nil
}

func smallerMagnitude(a, b *decimal) bool {
	if a.exp != b.exp {
		return a.exp < b.exp
	}
	for i := range maxDigits {
		if a.d[i] != b.d[i] {
			return a.d[i] < b.d[i]
		}
	}
	return false
}
