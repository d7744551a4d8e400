package message

import (
	"encoding/binary"
	"math"
)

// AppendBytes appends a field of bytes, a string or a message.
func AppendBytes[S string | []byte](b []byte, num int, s S) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|bytesType)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// AppendText appends a field of a string, unless it is empty.
func AppendText[S string | []byte](b []byte, num int, s S) []byte {
	if len(s) == 0 {
		return b
	}
	return AppendBytes(b, num, s)
}

// AppendUint appends a field of a varint.
func AppendUint(b []byte, num int, v uint64) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|varintType)
	return binary.AppendUvarint(b, v)
}

// AppendFixed64 appends a field of eight bytes.
func AppendFixed64(b []byte, num int, v uint64) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|fixed64Type)
	return binary.LittleEndian.AppendUint64(b, v)
}

// AppendFixed32 appends a field of four bytes.
func AppendFixed32(b []byte, num int, v uint32) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|fixed32Type)
	return binary.LittleEndian.AppendUint32(b, v)
}

// AppendFloat appends a field of a double.
func AppendFloat(b []byte, num int, v float64) []byte {
	return AppendFixed64(b, num, math.Float64bits(v))
}

// AppendMessage appends a field of a message that write appends.
func AppendMessage(b []byte, num int, write func([]byte) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(num)<<3|bytesType)
	start := len(b)
	b = write(b)
	// The length stands before it: most are shorter than 128 bytes.
	size := len(b) - start
	var head [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(head[:], uint64(size))
	b = append(b, head[:n]...)
	copy(b[start+n:], b[start:start+size])
	copy(b[start:], head[:n])
	return b
}

// AppendAttr appends an attribute whose value is a string, unless it is empty.
func AppendAttr(b []byte, num int, key, value string) []byte {
	if value == "" {
		return b
	}
	return AppendMessage(b, num, func(b []byte) []byte {
		b = AppendBytes(b, 1, key)
		return AppendMessage(b, 2, func(b []byte) []byte { return AppendBytes(b, 1, value) })
	})
}

// AppendNumber appends an attribute whose value is an integer.
func AppendNumber(b []byte, num int, key string, value int64) []byte {
	return AppendMessage(b, num, func(b []byte) []byte {
		b = AppendBytes(b, 1, key)
		return AppendMessage(b, 2, func(b []byte) []byte { return AppendUint(b, 3, uint64(value)) })
	})
}

// AppendTrue appends an attribute whose value is true.
func AppendTrue(b []byte, num int, key string) []byte {
	return AppendMessage(b, num, func(b []byte) []byte {
		b = AppendBytes(b, 1, key)
		return AppendMessage(b, 2, func(b []byte) []byte { return AppendUint(b, 2, 1) })
	})
}

// AppendAttrs appends an attribute whose value is a list of one string, unless
// that is empty.
func AppendAttrs(b []byte, num int, key, value string) []byte {
	if value == "" {
		return b
	}
	return AppendMessage(b, num, func(b []byte) []byte {
		b = AppendBytes(b, 1, key)
		return AppendMessage(b, 2, func(b []byte) []byte {
			return AppendMessage(b, 5, func(b []byte) []byte {
				return AppendMessage(b, 1, func(b []byte) []byte { return AppendBytes(b, 1, value) })
			})
		})
	})
}
