package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"
	"sync"
)

// A key is a signing key: the secret bound to a day, a region and a service.
type key [sha256.Size]byte

// deriveKey chains the four hashes that bind a secret to a scope.
func deriveKey(secret string, a *Auth) (k key) {
	sum := mac([]byte("AWS4"+secret), a.Day)
	sum = mac(sum, a.Region)
	sum = mac(sum, a.Service)
	copy(k[:], mac(sum, terminator))
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign computes HMAC-SHA256 of text. It is crypto/hmac without its
// allocations: a signing key is shorter than a block, so the definition of
// RFC 2104 is two hashes over buffers.
func (k *key) sign(text []byte) (sum [sha256.Size]byte) {
	var stack [768]byte
	inner := append(stack[:0], make([]byte, sha256.BlockSize)...)
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, b := range k {
		inner[i] ^= b
		outer[i] ^= b
	}
	sum = sha256.Sum256(append(inner, text...))
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

// A keyCache remembers the keys that were derived last. A day's key of a
// client is asked for with every request; deriving it costs as much as the
// rest of the verification.
type keyCache struct {
	mu   sync.RWMutex
	max  int
	keys map[scopeID]cachedKey
}

type scopeID struct{ accessKey, day, region, service string }

type cachedKey struct {
	secret string // a changed secret makes the entry stale
	key    key
}

// get returns the key of a scope, and whether it was remembered.
func (c *keyCache) get(secret string, a *Auth) (k key, cached bool) {
	c.mu.RLock()
	e, ok := c.keys[scopeID{a.AccessKey, a.Day, a.Region, a.Service}]
	c.mu.RUnlock()
	if ok && e.secret == secret {
		return e.key, true
	}
	return deriveKey(secret, a), false
}

// put remembers a key. Only keys that verified a signature come here, so that
// nobody without a secret can push others out.
func (c *keyCache) put(secret string, a *Auth, k key) {
	if c.max <= 0 {
		return
	}
	// The strings are parts of a header: keeping them would keep all of it.
	id := scopeID{strings.Clone(a.AccessKey), strings.Clone(a.Day), strings.Clone(a.Region), strings.Clone(a.Service)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.keys[id]; !ok && len(c.keys) >= c.max {
		c.evict(id.day)
	}
	if c.keys == nil {
		c.keys = make(map[scopeID]cachedKey)
	}
	c.keys[id] = cachedKey{secret, k}
}

// evict makes room: keys of other days go first, and if that is not enough,
// any one, which map iteration picks at random.
func (c *keyCache) evict(day string) {
	for id := range c.keys {
		if id.day != day {
			delete(c.keys, id)
		}
	}
	for id := range c.keys {
		if len(c.keys) < c.max {
			return
		}
		delete(c.keys, id)
	}
}
