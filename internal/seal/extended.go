package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"sync/atomic"
)

// extended is XAES-256-GCM: AES-256-GCM with nonces of 24 bytes, of which the
// first half derives a key for the message (NIST SP 800-108 with CMAC) and the
// second is its nonce.
//
// The first half is random once in a process, and again after so many messages
// that a key should not seal more; the second counts. So nonces do not meet,
// however many messages and processes there are, and deriving, which costs more
// than sealing a short message, is done once.
//
// https://c2sp.org/XAES-256-GCM
type extended struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // of CMAC, for whole blocks

	sealing atomic.Pointer[run]
	opened  atomic.Pointer[run] // the last that was opened by
}

// run is the messages whose nonces have the first half in common.
type run struct {
	first [nonceSize / 2]byte
	aead  cipher.AEAD
	count atomic.Uint64 // of those that were sealed
}

// runLength is how many messages one derived key seals: by far fewer than AES-GCM
// allows.
const runLength = 1 << 32

// next returns what seals the next message, and its whole nonce.
func (x *extended) next() (cipher.AEAD, [nonceSize]byte) {
	for {
		r := x.sealing.Load()
		if r != nil {
			if n := r.count.Add(1); n <= runLength {
				var nonce [nonceSize]byte
				copy(nonce[:], r.first[:])
				binary.BigEndian.PutUint64(nonce[nonceSize-8:], n)
				return r.aead, nonce
			}
		}
		var first [nonceSize / 2]byte
		rand.Read(first[:])
		x.sealing.CompareAndSwap(r, x.derive(first))
	}
}

// opener returns what opens a message that was sealed with a nonce.
func (x *extended) opener(nonce []byte) cipher.AEAD {
	first := [nonceSize / 2]byte(nonce)
	for _, r := range []*run{x.sealing.Load(), x.opened.Load()} {
		if r != nil && r.first == first {
			return r.aead
		}
	}
	r := x.derive(first)
	x.opened.Store(r)
	return r.aead
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

// derive returns a run with the key that the first half of its nonces gives.
func (x *extended) derive(first [nonceSize / 2]byte) *run {
	var key [KeySize]byte
	for i := range 2 {
		half := key[i*aes.BlockSize:][:aes.BlockSize]
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], first[:])
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
	return &run{first: first, aead: aead}
}
