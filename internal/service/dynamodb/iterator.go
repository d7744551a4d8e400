package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodbstreams"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// iteratorValid is for how long an iterator can be used.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
const iteratorValid = 15 * time.Minute

// iterator is a place in a shard that a reader was given. Its text begins with the ARN of the stream, as those of AWS do:
// what the caller may read is judged, and read, by it.
type iterator struct {
	stream arn.ARN
	after  kv.Stamp
	issued instant
}

const iteratorVersion = "|1|"

func (it iterator) String() string {
	b := append(make([]byte, 0, len(it.after)+8), it.after[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(it.issued))
	return it.stream.String() + iteratorVersion + base64.StdEncoding.EncodeToString(b)
}

func parseIterator(s string) (it iterator, err error) {
	stream, text, ok := strings.Cut(s, iteratorVersion)
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) != len(it.after)+8 {
		return iterator{}, validation("Invalid ShardIterator")
	}
	it.stream = arn.ARN(stream)
	n := copy(it.after[:], b)
	it.issued = instant(binary.BigEndian.Uint64(b[n:]))
	return it, nil
}

// expired is the error about an iterator that is too old.
func (it iterator) expired(now instant) error {
	if now.Sub(it.issued) <= iteratorValid {
		return nil
	}
	return fault.New("ExpiredIteratorException", "The provided iterator exceeds the maximum age allowed.")
}

func trimmed() *fault.Error {
	return fault.New("TrimmedDataAccessException", "The data you are trying to access has been trimmed")
}

// getShardIterator: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
func (s *Service) getShardIterator(ctx context.Context, in *shapes.GetShardIteratorInput) (*shapes.GetShardIteratorOutput, error) {
	it := iterator{stream: arn.ARN(value(in.StreamArn)), issued: s.clock.Now()}
	err := s.lookStream(ctx, it.stream, func(sn *kv.Snap, f *feed) error {
		if value(in.ShardId) != f.shard() {
			return fault.New("ResourceNotFoundException", "Requested resource not found: Shard does not exist")
		}
		var err error
		it.after, err = f.place(sn, value(in.ShardIteratorType), in.SequenceNumber)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &shapes.GetShardIteratorOutput{ShardIterator: ptr(it.String())}, nil
}

// place is where an iterator of this type begins.
func (f *feed) place(sn *kv.Snap, kind string, number *string) (kv.Stamp, error) {
	horizon, err := f.horizon(sn)
	if err != nil {
		return kv.Stamp{}, err
	}
	switch kind {
	case "TRIM_HORIZON":
		return horizon, nil
	case "LATEST":
		return sn.Stamp().At(0xffff), nil
	}
	if number == nil {
		return kv.Stamp{}, validation("SequenceNumber must be specified when ShardIteratorType is %s", kind)
	}
	at, err := parseSequence(*number)
	if err != nil {
		return kv.Stamp{}, err
	}
	switch {
	case at.Compare(keyspace.NewStamp(f.Start, 0)) < 0 || at.Compare(sn.Stamp().At(0xffff)) > 0:
		return kv.Stamp{}, validation("Invalid SequenceNumber: %s is not of this shard", *number)
	case at.Compare(horizon) <= 0 && !horizon.IsZero():
		return kv.Stamp{}, trimmed()
	case kind == "AT_SEQUENCE_NUMBER":
		return before(at), nil
	}
	return at, nil
}
