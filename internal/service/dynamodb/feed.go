package dynamodb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// feed describes one stream of a table: the one it has, or one that it had until a day ago. It outlives the stream's end
// and the table, because what was written can be read for a day after that.
//
// It has one shard, for as long as it lives. DynamoDB's has one for each of the table's partitions, and promises order only
// for changes of the same item; one shard keeps the promise and more: changes are in the order of their commits, those of a
// transaction side by side, and a reader that has read up to a record has read all that came before it. Readers in parallel
// need no shards: an event source mapping takes the shard apart by item (its parallelization factor), each as many ways as
// it likes. Several shards would have made no write cheaper, and given each reader several places to keep.
type feed struct {
	Table   string
	Label   string
	ID      uint64 // the generation of its keys
	View    string
	Hash    string // names of the table's key attributes
	Range   string `json:",omitempty"`
	Created instant
	Closed  instant `json:",omitempty"` // when it was disabled, or its table deleted
	Start   uint64  // no record has a smaller commit version

	trim   instant // when there may be something to trim next
	layout layout
}

// retention is for how long a record can be read, and a stream that is closed.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
const retention = 24 * time.Hour

// labelFormat is what labels look like: the time at which a stream was enabled.
const labelFormat = "2006-01-02T15:04:05.000"

func (f *feed) arn(scope arn.Scope) arn.ARN { return scope.TableStream(f.Table, f.Label) }

func (f *feed) closed() bool { return !f.Closed.IsZero() }

// shard is the id of the stream's only shard.
func (f *feed) shard() string {
	return fmt.Sprintf("shardId-%020d-%08x", f.Created.Time().UnixMilli(), uint32(f.ID))
}

// The row of a feed begins with its id and the time of its next trimming.
const feedHeader = 16

func (f *feed) encode() ([]byte, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("dynamodb: encode the stream %s of %s: %w", f.Label, f.Table, err)
	}
	row := binary.BigEndian.AppendUint64(make([]byte, 0, feedHeader+len(body)), f.ID)
	row = binary.BigEndian.AppendUint64(row, uint64(f.trim))
	return append(row, body...), nil
}

// trimTime is when the feed of this row may have something to trim next.
func trimTime(row []byte) (instant, error) {
	if len(row) < feedHeader {
		return 0, fmt.Errorf("dynamodb: row of a stream of %d bytes", len(row))
	}
	return instant(binary.BigEndian.Uint64(row[8:])), nil
}

func decodeFeed(c keyspace.Cell, row []byte) (*feed, error) {
	trim, err := trimTime(row)
	if err != nil {
		return nil, err
	}
	f := &feed{trim: trim}
	if err := json.Unmarshal(row[feedHeader:], f); err != nil {
		return nil, fmt.Errorf("dynamodb: row of a stream: %w", err)
	}
	f.layout = layoutOf(c, f.ID)
	return f, nil
}

// readFeed reads a stream's description, nil when there is none.
func readFeed(r reader, c keyspace.Cell, table, label string) (*feed, error) {
	row, err := r.Get(catalogOf(c).stream(table, label))
	if err != nil || row == nil {
		return nil, err
	}
	return decodeFeed(c, row)
}

func (f *feed) save(tx *kv.Tx, c keyspace.Cell) error {
	row, err := f.encode()
	if err != nil {
		return err
	}
	tx.Set(catalogOf(c).stream(f.Table, f.Label), row)
	return nil
}

// openStream gives the table the stream that its description asks for.
func (s *Service) openStream(tx *kv.Tx, c keyspace.Cell, t *table, now instant) error {
	id, err := newID(tx, catalogOf(c))
	if err != nil {
		return err
	}
	f := &feed{
		Table: t.Name, ID: id, View: t.Stream.View, Hash: t.Hash, Range: t.Range, Created: now,
		// This commit comes after everything that it sees.
		Start: tx.Peek().Stamp().Version() + 1,
		trim:  now.Add(retention), layout: layoutOf(c, id),
	}
	// The label is the time, and names the stream: one that began in the same millisecond keeps its own.
	for at := now.Time(); ; at = at.Add(time.Millisecond) {
		f.Label = at.Format(labelFormat)
		had, err := tx.Get(catalogOf(c).stream(t.Name, f.Label))
		if err != nil {
			return err
		}
		if had == nil {
			break
		}
	}
	t.Stream.ID, t.Stream.Label = f.ID, f.Label
	if s.wakeTrim != nil {
		tx.After(s.wakeTrim)
	}
	return f.save(tx, c)
}

// closeStream ends the table's stream, in a commit that changes the table's row too: a write that is under way either comes
// before, or sees that there is no stream any more. Whoever sees the stream closed sees all of it.
func closeStream(tx *kv.Tx, c keyspace.Cell, t *table, now instant) error {
	f, err := readFeed(tx, c, t.Name, t.Stream.Label)
	if err != nil {
		return err
	}
	if f == nil {
		return fmt.Errorf("dynamodb: table %s: its stream %s is not there", t.Name, t.Stream.Label)
	}
	f.Closed = now
	tx.Signal(f.layout.log())
	return f.save(tx, c)
}
