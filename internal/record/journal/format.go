package journal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/packed"
)

const (
	magic     = "nubeseg\x01"
	frameSize = 8 // length and checksum

	typeDefine = 1
	typeData   = 2
	typeDrop   = 3
)

// appendFrame appends one record to b, whose body fill appends.
func appendFrame(b []byte, castagnoli *crc32.Table, fill func([]byte) []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = fill(b)
	body := b[start+frameSize:]
	binary.BigEndian.PutUint32(b[start:], uint32(len(body)))
	binary.BigEndian.PutUint32(b[start+4:], crc32.Checksum(body, castagnoli))
	return b
}

func appendDefine(b []byte, id uint32, key string) []byte {
	b = append(b, typeDefine)
	b = binary.AppendUvarint(b, uint64(id))
	return append(b, key...)
}

func appendData(b []byte, id uint32, at, seen clock.Instant, payload []byte) []byte {
	b = append(b, typeData)
	b = binary.AppendUvarint(b, uint64(id))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.AppendVarint(b, int64(seen-at))
	return append(b, payload...)
}

func appendDrop(b []byte, prefix string) []byte {
	return append(append(b, typeDrop), prefix...)
}

// frame is a decoded record. Its bytes are part of what it was decoded from.
type frame struct {
	kind     byte
	id       uint32 // of define and data
	at, seen clock.Instant
	body     []byte // a key, bytes, or a prefix
}

// cutFrame decodes the record at the start of b and returns its size, which is
// zero if there is no whole and sound record.
func cutFrame(b []byte, castagnoli *crc32.Table) (f frame, size int) {
	if len(b) < frameSize {
		return frame{}, 0
	}
	n := int(binary.BigEndian.Uint32(b))
	if n == 0 || n > len(b)-frameSize {
		return frame{}, 0
	}
	body := b[frameSize : frameSize+n]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(b[4:]) {
		return frame{}, 0
	}
	r := packed.Read(body)
	f.kind = r.Byte()
	switch f.kind {
	case typeDefine, typeData:
		if f.id = uint32(r.Uint(1 << 31)); f.id == 0 {
			return frame{}, 0
		}
	case typeDrop:
	default:
		return frame{}, 0
	}
	if f.kind == typeData {
		f.at = clock.Instant(r.Fixed())
		f.seen = f.at + clock.Instant(r.Int())
	}
	if r.Err() != nil {
		return frame{}, 0
	}
	f.body = r.Rest()
	return f, frameSize + n
}
