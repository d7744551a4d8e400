package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
)

// md5Of is the digest of a body, by which clients see that it arrived as it was
// sent.
func md5Of(body string) *string {
	sum := md5.Sum([]byte(body))
	return ptr(hex.EncodeToString(sum[:]))
}

// The transport types in a digest of attributes.
const (
	transportText   = 1
	transportBinary = 2
)

// md5OfAttributes is the digest of message attributes, which are sorted by name;
// nil without any.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
func md5OfAttributes(as []attribute) *string {
	if len(as) == 0 {
		return nil
	}
	var b []byte
	add := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for i := range as {
		a := &as[i]
		add(a.name)
		add(a.kind)
		if a.isBinary() {
			b = append(b, transportBinary)
			add(string(a.binary))
		} else {
			b = append(b, transportText)
			add(a.text)
		}
	}
	sum := md5.Sum(b)
	return ptr(hex.EncodeToString(sum[:]))
}
