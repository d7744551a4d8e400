package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// extended is XAES-256-GCM: AES-256-GCM with nonces of 24 bytes, of which the
// first half derives a key for the message (NIST SP 800-108 with CMAC) and the
// second is its nonce. Random ones do not meet, however many messages there are.
//
// https://c2sp.org/XAES-256-GCM
type extended struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // of CMAC, for whole blocks
}

func extend(key []byte) (*extended, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	x := &extended{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	var carry byte
	for i := len(x.k1) - 1; i >= 0; i-- {
		x.k1[i], carry = x.k1[i]<<1|carry, x.k1[i]>>7
	}
	x.k1[len(x.k1)-1] ^= carry * 0b1000_0111
	return x, nil
}

// message returns what seals and opens the message with a nonce, and the rest of
// the nonce.
func (x *extended) message(nonce []byte) (cipher.AEAD, []byte) {
	var key [KeySize]byte
	for i := range 2 {
		half := key[i*aes.BlockSize:][:aes.BlockSize]
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, x.k1[:])
		x.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of 32 bytes is one
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return aead, nonce[12:]
}
