package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"strings"
)

// identityPrefix is what an age identity of X25519 begins with.
const identityPrefix = "AGE-SECRET-KEY-1"

// identity is the key that is derived from an age identity: the identity's 32
// bytes go through HKDF (RFC 5869), so that what nube seals says nothing about
// files that are encrypted to it.
//
// https://age-encryption.org/v1#the-x25519-recipient-type
func identity(text string) (Key, error) {
	hrp, b, err := bech32(text)
	if err != nil || hrp != "age-secret-key-" || len(b) != KeySize {
		return Key{}, errors.New("malformed age identity")
	}
	key, err := hkdf.Key(sha256.New, b, nil, "nube master key", KeySize)
	if err != nil {
		return Key{}, err
	}
	return NewKey(key)
}

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 takes a text of BIP 173 apart: what stands before the last 1, in lower
// case, and the bytes after it.
//
// https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki
func bech32(text string) (hrp string, data []byte, err error) {
	bad := errors.New("malformed")
	if lower := strings.ToLower(text); text != lower && text != strings.ToUpper(text) {
		return "", nil, bad // of two cases
	} else {
		text = lower
	}
	at := strings.LastIndexByte(text, '1')
	if at < 1 || len(text)-at-1 < 6 {
		return "", nil, bad
	}
	hrp = text[:at]
	var values []byte
	for _, c := range []byte(text[at+1:]) {
		v := strings.IndexByte(bech32Alphabet, c)
		if v < 0 {
			return "", nil, bad
		}
		values = append(values, byte(v))
	}
	if bech32Sum(hrp, values) != 1 {
		return "", nil, bad
	}
	// Groups of five bits become bytes; what is left over must be nothing.
	acc, bits := uint32(0), 0
	for _, v := range values[:len(values)-6] {
		acc = acc<<5 | uint32(v)
		if bits += 5; bits >= 8 {
			bits -= 8
			data = append(data, byte(acc>>bits))
			acc &= 1<<bits - 1
		}
	}
	if bits >= 5 || acc != 0 {
		return "", nil, bad
	}
	return hrp, data, nil
}

// bech32Sum is the checksum, 1 for a text that has the right one.
func bech32Sum(hrp string, values []byte) uint32 {
	sum := uint32(1)
	add := func(v byte) {
		top := sum >> 25
		sum = (sum&0x1ffffff)<<5 ^ uint32(v)
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				sum ^= g
			}
		}
	}
	for _, c := range []byte(hrp) {
		add(c >> 5)
	}
	add(0)
	for _, c := range []byte(hrp) {
		add(c & 31)
	}
	for _, v := range values {
		add(v)
	}
	return sum
}
