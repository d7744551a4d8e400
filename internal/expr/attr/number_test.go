package attr

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func number(t testing.TB, s string) Number {
	t.Helper()
	n, err := ParseNumber(s)
	if err != nil {
		t.Fatalf("ParseNumber(%q): %v", s, err)
	}
	return n
}

func TestParseNumber(t *testing.T) {
	nines := strings.Repeat("9", 38)
	tests := []struct{ in, want string }{
		{"0", "0"},
		{"-0", "0"},
		{"0.000", "0"},
		{"0e500", "0"},
		{"00042", "42"},
		{"0042.1200", "42.12"},
		{"+7", "7"},
		{"1.0", "1"},
		{"3.1400", "3.14"},
		{"1.5E2", "150"},
		{"1E2", "100"},
		{"-1.5e-3", "-0.0015"},
		{".5", "0.5"},
		{"5.", "5"},
		{"1E125", "1" + strings.Repeat("0", 125)},
		{"1E-130", "0." + strings.Repeat("0", 129) + "1"},
		{nines, nines},
		{"9." + nines[1:] + "E+125", nines + strings.Repeat("0", 88)},
		{"1" + strings.Repeat("0", 60), "1" + strings.Repeat("0", 60)},
	}
	for _, tt := range tests {
		if got := number(t, tt.in).String(); got != tt.want {
			t.Errorf("ParseNumber(%q) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParseNumberRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", msgNotNumeric},
		{"abc", msgNotNumeric + ": abc"},
		{" 1", msgNotNumeric + ":  1"},
		{"1 ", msgNotNumeric + ": 1 "},
		{"-", msgNotNumeric + ": -"},
		{".", msgNotNumeric + ": ."},
		{"1.2.3", msgNotNumeric + ": 1.2.3"},
		{"1e", msgNotNumeric + ": 1e"},
		{"1e+", msgNotNumeric + ": 1e+"},
		{"0x10", msgNotNumeric + ": 0x10"},
		{"NaN", msgNotNumeric + ": NaN"},
		{"1e126", msgOverflow},
		{"-1e126", msgOverflow},
		{"1e99999999999999999999", msgOverflow},
		{"1e-131", msgUnderflow},
		{"0.1e-99999999999999999999", msgUnderflow},
		{"123456789012345678901234567890123456789", msgTooManyDigits},
		{"0." + strings.Repeat("1", 39), msgTooManyDigits},
	}
	for _, tt := range tests {
		if n, err := ParseNumber(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("ParseNumber(%q) = %v, %v, want %q", tt.in, n, err, tt.want)
		}
	}
}

// The sizes are those of real tables, measured at the 400 KB limit; see Number.size.
func TestNumberSize(t *testing.T) {
	tests := []struct {
		in   string
		want int
	}{
		{"0", 1}, {"-0", 1}, {"1", 2}, {"12", 2}, {"123", 3}, {"1234", 3},
		{"12345678901234567890123456789012345678", 20},
		{"0042", 2}, {"100", 2}, {"1010", 3}, {"0.0000001", 2}, {"1E125", 2}, {"1E-100", 2},
		{"1.5", 3}, {"15", 2}, {"1.2", 3}, {"1.200", 3}, {"1.234", 4}, {"3.14159", 5}, {"123456", 4}, {"100.5", 4},
		{"0.15", 2}, {"-42", 3},
	}
	for _, tt := range tests {
		if got := number(t, tt.in).size(); got != tt.want {
			t.Errorf("size of %s = %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestIntNumber(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 10, 99, 100, -1234567890, 1<<63 - 1, -1 << 63} {
		if got, want := IntNumber(n).String(), big.NewInt(n).String(); got != want {
			t.Errorf("IntNumber(%d) = %s", n, got)
		}
	}
}

// randomNumber favours the values at which digits, pairs, signs and carries meet.
func randomNumber(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteByte('-')
	}
	digits := "0123456789"
	switch r.IntN(3) {
	case 0:
		digits = "09"
	case 1:
		digits = "01"
	}
	for range 1 + r.IntN(20) {
		b.WriteByte(digits[r.IntN(len(digits))])
	}
	if r.IntN(2) == 0 {
		b.WriteByte('.')
		for range 1 + r.IntN(17) {
			b.WriteByte(digits[r.IntN(len(digits))])
		}
	}
	if r.IntN(3) == 0 {
		b.WriteString("e")
		b.WriteString(big.NewInt(int64(r.IntN(200) - 100)).String())
	}
	return b.String()
}

func rat(t testing.TB, s string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("big.Rat cannot read %q", s)
	}
	return r
}

func TestNumberAgreesWithBig(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 20000 {
		as, bs := randomNumber(r), randomNumber(r)
		a, b := number(t, as), number(t, bs)
		ra, rb := rat(t, as), rat(t, bs)
		if rat(t, a.String()).Cmp(ra) != 0 {
			t.Fatalf("seed %d: %s became %s", seed, as, a)
		}
		if !validNumber(a.enc) {
			t.Fatalf("seed %d: encoding of %s is not valid: %x", seed, as, a.enc)
		}
		if got, want := a.Cmp(b), ra.Cmp(rb); got != want {
			t.Fatalf("seed %d: cmp(%s, %s) = %d, want %d", seed, as, bs, got, want)
		}
		checkSum(t, seed, a, b, new(big.Rat).Add(ra, rb), Number.Add)
		checkSum(t, seed, a, b, new(big.Rat).Sub(ra, rb), Number.Sub)
	}
}

func checkSum(t *testing.T, seed uint64, a, b Number, want *big.Rat, op func(Number, Number) (Number, error)) {
	t.Helper()
	got, err := op(a, b)
	exact, wantErr := ParseNumber(want.FloatString(300))
	if (err == nil) != (wantErr == nil) || err == nil && got != exact {
		t.Fatalf("seed %d: %s and %s: %v, %v, want %v, %v", seed, a, b, got, err, exact, wantErr)
	}
	if err == nil && !validNumber(got.enc) {
		t.Fatalf("seed %d: %s and %s: result %x is not canonical", seed, a, b, got.enc)
	}
}

func TestSumLimits(t *testing.T) {
	tests := []struct {
		a, b string
		want string
	}{
		{"9.9e125", "9.9e125", msgOverflow},
		{"1", "1e-130", msgTooManyDigits},
		{"1.1e-130", "-1e-130", msgUnderflow},
		{"12345678901234567890123456789012345678", "0.1", msgTooManyDigits},
	}
	for _, tt := range tests {
		if n, err := number(t, tt.a).Add(number(t, tt.b)); err == nil || err.Error() != tt.want {
			t.Errorf("%s + %s = %v, %v, want %q", tt.a, tt.b, n, err, tt.want)
		}
	}
	if n, err := number(t, strings.Repeat("9", 38)).Add(number(t, "1")); err != nil || n.String() != "1"+strings.Repeat("0", 38) {
		t.Errorf("38 nines + 1 = %v, %v", n, err)
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e-3", "1e126", "1e-130", "..", "+", "99999999999999999999999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		again, err := ParseNumber(n.String())
		if err != nil || again != n || !validNumber(n.enc) {
			t.Errorf("%q: %s read again is %v, %v", s, n, again, err)
		}
	})
}
