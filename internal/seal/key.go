package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a key.
const KeySize = 32

// ID names a key without telling it.
type ID [8]byte

// String returns the id in hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Key is a key of 256 bits.
type Key struct {
	id       ID
	aead     cipher.AEAD // of envelopes with a short nonce
	extended *extended
	bytes    [KeySize]byte
}

// NewKey returns the key of 32 bytes.
func NewKey(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(b))
	}
	k := Key{bytes: [KeySize]byte(b)}
	block, err := aes.NewCipher(b)
	if err != nil {
		return Key{}, err
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return Key{}, err
	}
	id, err := hkdf.Key(sha256.New, b, nil, "nube key id", len(k.id))
	if err != nil {
		return Key{}, err
	}
	k.id = ID(id)
	// No key is used for two things.
	other, err := hkdf.Key(sha256.New, b, nil, "nube extended nonces", KeySize)
	if err != nil {
		return Key{}, err
	}
	if k.extended, err = extend(other); err != nil {
		return Key{}, err
	}
	return k, nil
}

// Generate returns a new key.
func Generate() (Key, error) {
	var b [KeySize]byte
	rand.Read(b[:])
	return NewKey(b[:])
}

// ID returns the key's name.
func (k Key) ID() ID { return k.id }

// Bytes returns the key itself, to seal it or to write it into a key file.
func (k Key) Bytes() []byte { return k.bytes[:] }

// Format keeps the key out of everything that is printed.
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "key %s", k.id) }

// Text returns the key as key files have it.
func (k Key) Text() string { return base64.StdEncoding.EncodeToString(k.bytes[:]) }

// ParseKeys reads the text of a key file: keys, one a line, of 32 bytes in
// hexadecimal digits or in base 64, or age identities. The first seals; the
// others, former ones, only open. Empty lines, and such as begin with a #, do
// not count.
func ParseKeys(text string) (Keys, error) {
	var ks Keys
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		ks = append(ks, k)
	}
	if len(ks) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return ks, nil
}

// parseKey reads one key. Its text is never part of the error.
func parseKey(text string) (Key, error) {
	if strings.HasPrefix(strings.ToUpper(text), identityPrefix) {
		return identity(text)
	}
	if b, err := hex.DecodeString(text); err == nil && len(b) == KeySize {
		return NewKey(b)
	}
	if b, err := base64.StdEncoding.DecodeString(text); err == nil && len(b) == KeySize {
		return NewKey(b)
	}
	return Key{}, errors.New("a key is 32 bytes in hexadecimal digits (64 of them) or in base 64 (44 characters), or an age identity (AGE-SECRET-KEY-1…)")
}
