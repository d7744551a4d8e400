package kv

import "fmt"

// checkKey returns an error if k may not be a key.
func checkKey(k Key) error {
	switch {
	case len(k) == 0:
		return fmt.Errorf("%w: empty", ErrBadKey)
	case k[0] == 0xff:
		return fmt.Errorf("%w: begins with 0xff", ErrBadKey)
	case len(k) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes", ErrTooLarge, len(k))
	}
	return nil
}

// fail notes the error that the transaction will end with, and returns it.
func (s *txState) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return s.err
}

// read prepares for reading k.
func (s *txState) read(k Key) error {
	if s.err != nil {
		return s.err
	}
	if err := checkKey(k); err != nil {
		return s.fail(err)
	}
	// A look at the clock costs as much as a small read.
	if s.reads++; s.reads%64 == 0 {
		s.checkTime()
	}
	return s.err
}

// checkTime fails the transaction if its body has taken too long.
func (s *txState) checkTime() {
	if d := s.machine.Since(s.start); d > MaxBody {
		s.fail(fmt.Errorf("%w: %v, limit %v", ErrTooSlow, d, MaxBody))
	}
}

// checkWrite reports whether the transaction may set k to v.
func (s *txState) checkWrite(k Key, v []byte) bool {
	if s.err != nil {
		return false
	}
	if err := checkKey(k); err != nil {
		s.fail(err)
		return false
	}
	if len(v) > MaxValue {
		s.fail(fmt.Errorf("%w: value of %d bytes, limit %d", ErrTooLarge, len(v), MaxValue))
		return false
	}
	return true
}

// checkRange reports whether r is one of keys: its start may be empty, its end
// is exclusive and may be 0xff.
func (s *txState) checkRange(r Range) bool {
	if s.err == nil && (len(r.Start) > MaxKey+1 || len(r.End) > MaxKey+1) {
		s.fail(fmt.Errorf("%w: bound of a range", ErrTooLarge))
	}
	if s.err == nil && (len(r.End) == 0 || r.End[0] == 0xff && len(r.End) > 1) {
		s.fail(fmt.Errorf("%w: range from %v to %v", ErrBadKey, r.Start, r.End))
	}
	return s.err == nil
}

// account charges the transaction for a write that is about to hold size bytes.
func (s *txState) account(w *write, fresh bool, size int) {
	if fresh {
		s.grow(len(w.key) + size)
		return
	}
	s.grow(size - len(w.value))
}

func (s *txState) grow(n int) {
	if s.size += n; s.size > MaxTx {
		s.fail(fmt.Errorf("%w: transaction of more than %d bytes", ErrTooLarge, MaxTx))
	}
}
