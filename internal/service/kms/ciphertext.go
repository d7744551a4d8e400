package kms

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
)

// The parts of a ciphertext; see the package's documentation.
const (
	cipherFormat = 1
	accountAt    = 1
	idAt         = accountAt + 6
	materialAt   = idAt + 16
	saltAt       = materialAt + 4
	headSize     = saltAt + saltSize
	saltSize     = 16
	smallestBlob = headSize + 16
	maxContext   = 8192
)

// encryptWith encrypts with a material of a symmetric key.
func encryptWith(n name, number uint32, material, plaintext []byte, context map[string]string) ([]byte, error) {
	account, err := strconv.ParseUint(n.scope.Account, 10, 64)
	if err != nil {
		return nil, err
	}
	id, err := idBytes(n.id)
	if err != nil {
		return nil, err
	}
	var b8 [8]byte
	binary.BigEndian.PutUint64(b8[:], account)
	head := append([]byte{cipherFormat}, b8[2:]...)
	head = append(head, id...)
	head = binary.BigEndian.AppendUint32(head, number)
	head = append(head, random(saltSize)...)
	aead, err := messageKey(material, head[saltAt:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(head, make([]byte, aead.NonceSize()), plaintext, authenticated(head, context)), nil
}

// decryptWith is the way back.
func decryptWith(material, blob []byte, context map[string]string) ([]byte, error) {
	aead, err := messageKey(material, blob[saltAt:headSize])
	if err != nil {
		return nil, err
	}
	text, err := aead.Open([]byte{}, make([]byte, aead.NonceSize()), blob[headSize:], authenticated(blob[:headSize], context))
	if err != nil {
		return nil, invalidCiphertext()
	}
	return text, nil
}

// messageKey is the key of one message: with a salt of its own no two messages
// have the same, so that the nonce can be.
func messageKey(material, salt []byte) (cipher.AEAD, error) {
	k, err := hkdf.Key(sha256.New, material, salt, "nube kms message", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// authenticated is the head of a ciphertext with its encryption context, whose
// pairs have no order.
func authenticated(head []byte, context map[string]string) []byte {
	out := slices.Clone(head)
	for _, k := range slices.Sorted(maps.Keys(context)) {
		for _, part := range []string{k, context[k]} {
			out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
			out = append(out, part...)
		}
	}
	return out
}

// checkContext checks the size of an encryption context.
func checkContext(context map[string]string) error {
	n := 0
	for k, v := range context {
		n += len(k) + len(v)
	}
	if n > maxContext {
		return fault.Validation("The encryption context is longer than %d bytes", maxContext)
	}
	return nil
}

func idBytes(id string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fault.New("NotFoundException", "Invalid keyId %s", id)
	}
	return b, nil
}

// readBlob reads which key and material made a ciphertext.
func readBlob(ctx context.Context, blob []byte) (n name, material uint32, ok bool) {
	if len(blob) < smallestBlob || blob[0] != cipherFormat {
		return name{}, 0, false
	}
	var b8 [8]byte
	copy(b8[2:], blob[accountAt:idAt])
	account := strconv.FormatUint(binary.BigEndian.Uint64(b8[:]), 10)
	if len(account) > 12 {
		return name{}, 0, false
	}
	n.scope = awsapi.From(ctx).Scope
	n.scope.Account = strings.Repeat("0", 12-len(account)) + account
	id := hex.EncodeToString(blob[idAt:materialAt])
	n.id = strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
	return n, binary.BigEndian.Uint32(blob[materialAt:]), true
}

// source is the key that is to decrypt: the one that the call names, or else the
// one that the ciphertext does. Asymmetric ciphertexts name none.
func (s *Service) source(ctx context.Context, id *string, blob []byte) (name, error) {
	if id != nil {
		return s.resolve(ctx, id)
	}
	n, _, ok := readBlob(ctx, blob)
	if !ok {
		return name{}, invalidCiphertext()
	}
	return n, nil
}
