package pebblekv

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// versionBlock is how many versions are reserved at a time. A crash skips what
// is left of the block; there are enough blocks for 500,000 years at 100,000
// commits a second and a crash an hour.
const versionBlock = 1 << 20

// reservedKey holds the version up to which versions may have been used.
// Writing the version itself with every commit would cost a row each; a
// reservation is in the log before the commits that use it.
func reservedKey() []byte { return []byte("\xffversions") }

// readReserved returns a version that no commit has gone beyond.
func readReserved(db *pebble.DB) (uint64, error) {
	v, closer, err := db.Get(reservedKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, errors.New(err.Error())
	}
	defer closer.Close()
	if len(v) != 8 {
		return 0, fmt.Errorf("the row of reserved versions has %d bytes", len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// reserveLocked adds to pb a reservation for the versions that it uses, if need
// be.
func (e *Engine) reserveLocked(pb *pebble.Batch) error {
	if e.version <= e.reserved {
		return nil
	}
	e.reserved = e.version + versionBlock
	return pb.Set(reservedKey(), binary.BigEndian.AppendUint64(nil, e.reserved), nil)
}

// releaseVersionsLocked gives back the versions reserved and not used.
func (e *Engine) releaseVersionsLocked() error {
	if e.reserved == e.version {
		return nil
	}
	err := e.db.Set(reservedKey(), binary.BigEndian.AppendUint64(nil, e.version), pebble.Sync)
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return e.fail("close", err)
	}
	return nil
}
