package dynamodb

import (
	"fmt"
	"math/bits"
	"strconv"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// The sequence number of a record is its stamp, eighty bits, as a decimal number behind a one: numbers of one length,
// which compare as text and as numbers in the order of the commits, and which are, as the API wants it, from 21 to 40
// digits long.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
const (
	sequenceDigits = 26
	tenTo19        = 1e19 // the largest power of ten in 64 bits
)

func sequence(s kv.Stamp) string {
	version := s.Version()
	high, low := bits.Div64(version>>48, version<<16|uint64(s.Op()), tenTo19)
	b := append(make([]byte, 0, sequenceDigits), '1')
	b = appendPadded(b, high, 6)
	return string(appendPadded(b, low, 19))
}

func appendPadded(b []byte, n uint64, digits int) []byte {
	at := len(b)
	for range digits {
		b = append(b, '0')
	}
	for i := at + digits - 1; n > 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return b
}

// parseSequence reads a sequence number.
func parseSequence(s string) (kv.Stamp, error) {
	bad := validation("Invalid SequenceNumber: %s", s)
	if len(s) != sequenceDigits || s[0] != '1' {
		return kv.Stamp{}, bad
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return kv.Stamp{}, bad
		}
	}
	high, err := strconv.ParseUint(s[1:7], 10, 64)
	if err != nil {
		return kv.Stamp{}, fmt.Errorf("sequence number %s: %w", s, err)
	}
	rest, err := strconv.ParseUint(s[7:], 10, 64)
	if err != nil {
		return kv.Stamp{}, fmt.Errorf("sequence number %s: %w", s, err)
	}
	over, low := bits.Mul64(high, tenTo19)
	low, carry := bits.Add64(low, rest, 0)
	if over += carry; over >= 1<<16 {
		return kv.Stamp{}, bad
	}
	return keyspace.NewStamp(over<<48|low>>16, uint16(low)), nil
}

// before is the stamp that comes before s.
func before(s kv.Stamp) kv.Stamp {
	if s.Op() > 0 {
		return s.At(s.Op() - 1)
	}
	return keyspace.NewStamp(s.Version()-1, 0xffff)
}
