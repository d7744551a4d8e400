package logs

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/record"
)

// Clients must not look into tokens; they look like AWS's where clients are
// known to look all the same: those of GetLogEvents begin with f/ and b/, and
// the ids of events and sequence tokens are 56 digits.

func badToken() *fault.Error { return invalid("The specified nextToken is invalid.") }

// encodeName is the token after a name.
func encodeName(name string) *string {
	return ptr(base64.RawURLEncoding.EncodeToString([]byte(name)))
}

func decodeName(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(b) == 0 {
		return "", badToken()
	}
	return string(b), nil
}

// place is a place in a list of streams.
type place struct {
	at   clock.Instant
	name string
}

func encodePlace(p place) *string {
	return encodeName(strconv.FormatInt(int64(p.at), 10) + "/" + p.name)
}

func decodePlace(token *string) (*place, error) {
	s, err := decodeName(token)
	if err != nil || s == "" {
		return nil, err
	}
	at, name, ok := strings.Cut(s, "/")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return nil, badToken()
	}
	return &place{clock.Instant(n), name}, nil
}

// digits is the length of ids and tokens.
const digits = 56

// eventID is the place of an event as 56 digits, in the same order: a 3, as
// AWS's begin, 19 digits of time, 20 of position, and zeros.
func eventID(c record.Cursor) string {
	return fmt.Sprintf("3%019d%020d%016d", max(0, int64(c.At)), c.Pos.Uint64(), 0)
}

func parseEventID(s string) (record.Cursor, bool) {
	if len(s) != digits || s[0] != '3' {
		return record.Cursor{}, false
	}
	at, err := strconv.ParseInt(s[1:20], 10, 64)
	if err != nil {
		return record.Cursor{}, false
	}
	pos, err := strconv.ParseUint(s[20:40], 10, 64)
	if err != nil {
		return record.Cursor{}, false
	}
	return record.Cursor{At: clock.Instant(at), Pos: record.PosOf(pos)}, true
}

// sequenceToken is the token that PutLogEvents once wanted in order, and has
// ignored since 2023.
func sequenceToken(at clock.Instant) string {
	return fmt.Sprintf("49%054d", max(0, int64(at)))
}
