package kv

import (
	"errors"

	"github.com/nube-run/nube/internal/kv/driver"
)

var (
	// ErrTooLarge says that a key, a value or a transaction exceeds its limit.
	ErrTooLarge = errors.New("kv: too large")
	// ErrBadKey says that a key is empty or begins with 0xff.
	ErrBadKey = errors.New("kv: bad key")
	// ErrTooSlow says that a body took longer than MaxBody.
	ErrTooSlow = errors.New("kv: transaction took too long")
	// ErrClosed says that the store is closed.
	ErrClosed = driver.ErrClosed
	// ErrBroken says that the storage below failed. It is final: nothing is
	// acknowledged any more until the store is opened again.
	ErrBroken = driver.ErrBroken
	// ErrNotCounter says that Add met a value that is not a counter.
	ErrNotCounter = driver.ErrNotCounter
)
