package seal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	formatShort = 1 // read, and not written any more
	format      = 2
	headSize    = 1 + len(ID{})
	shortNonce  = 12
	nonceSize   = 24
	tagSize     = 16
)

// ErrDamaged says that an envelope is not one, was changed, or is not of the
// place where it lay.
var ErrDamaged = errors.New("seal: the envelope does not open: it is damaged, or of another place")

// KeyError says that the key of an envelope is not there.
type KeyError struct {
	Want ID
	Have []ID
}

// Error implements error.
func (e *KeyError) Error() string {
	if len(e.Have) == 0 {
		return fmt.Sprintf("sealed under key %s, and there is no key", e.Want)
	}
	have := make([]string, len(e.Have))
	for i, id := range e.Have {
		have[i] = id.String()
	}
	return fmt.Sprintf("sealed under key %s, not under %s", e.Want, strings.Join(have, " or "))
}

// Keys are keys that are used together: the first seals, all open.
type Keys []Key

// Seal returns the envelope of a text. It opens only together with the same
// associated data, which says what it is and where it lies.
func (ks Keys) Seal(text, associated []byte) []byte { return ks.AppendSealed(nil, text, associated) }

// AppendSealed appends the envelope of a text, which must not overlap with what
// dst has room for.
func (ks Keys) AppendSealed(dst, text, associated []byte) []byte {
	k := ks[0]
	dst = slices.Grow(dst, headSize+nonceSize+len(text)+tagSize)
	at := len(dst)
	dst = append(append(dst, format), k.id[:]...)
	bound := bind(dst[at:], associated)
	aead, nonce := k.extended.next()
	return aead.Seal(append(dst, nonce[:]...), nonce[nonceSize/2:], text, bound)
}

// Open returns the text of an envelope.
func (ks Keys) Open(envelope, associated []byte) ([]byte, error) {
	id, err := SealedUnder(envelope)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(ks, func(k Key) bool { return k.id == id })
	if i < 0 {
		e := &KeyError{Want: id}
		for _, k := range ks {
			e.Have = append(e.Have, k.id)
		}
		return nil, e
	}
	head, rest := envelope[:headSize], envelope[headSize:]
	var text []byte
	if head[0] == formatShort {
		text, err = ks[i].aead.Open(nil, rest[:shortNonce], rest[shortNonce:], bind(head, associated))
	} else {
		nonce := rest[:nonceSize]
		text, err = ks[i].extended.opener(nonce).Open(nil, nonce[nonceSize/2:], rest[nonceSize:], bind(head, associated))
	}
	if err != nil {
		return nil, ErrDamaged
	}
	return text, nil
}

// SealedUnder returns the id of the key under which an envelope is.
func SealedUnder(envelope []byte) (ID, error) {
	least := headSize + tagSize
	switch {
	case len(envelope) == 0:
		return ID{}, ErrDamaged
	case envelope[0] == format:
		least += nonceSize
	case envelope[0] == formatShort:
		least += shortNonce
	default:
		return ID{}, ErrDamaged
	}
	if len(envelope) < least {
		return ID{}, ErrDamaged
	}
	return ID(envelope[1:headSize]), nil
}

// bind is what is authenticated besides the text.
func bind(head, associated []byte) []byte {
	return append(append(make([]byte, 0, len(head)+len(associated)), head...), associated...)
}
