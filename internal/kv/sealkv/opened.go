package sealkv

import (
	"bytes"
	"context"
	"sync"

	"github.com/nube-run/nube/internal/kv/driver"
)

// opened is the values that were opened last. A request to a function reads the
// same two or three each time, and opening them would cost more than reading.
type opened struct {
	mu sync.RWMutex
	of map[string]openedValue
}

// openedValue is a value as it lies and as it was before it was sealed.
type openedValue struct{ sealed, text []byte }

const (
	openedMost    = 128     // values; then all are forgotten
	openedLargest = 4 << 10 // bytes of one
)

// open is the function open for a value that may have been opened already. It
// was if it lies as it did: what is sealed again has another nonce.
func (o *opened) open(ctx context.Context, s Sealer, k driver.Key, v []byte) ([]byte, error) {
	if len(v) < smallest || v[0] != mark || len(v) > openedLargest {
		return open(ctx, s, k, v)
	}
	o.mu.RLock()
	was, ok := o.of[string(k)]
	o.mu.RUnlock()
	if ok && bytes.Equal(was.sealed, v) {
		return was.text, nil
	}
	text, err := open(ctx, s, k, v)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil || len(o.of) >= openedMost {
		o.of = make(map[string]openedValue)
	}
	o.of[string(k)] = openedValue{bytes.Clone(v), text}
	return text, nil
}
