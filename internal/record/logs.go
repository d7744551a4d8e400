package record

import (
	"context"
	"iter"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record/journal"
)

// Stream names a log stream: the output of one instance of a function, or
// whatever a client writes under a name. None of the names contains a zero
// byte.
type Stream struct{ Account, Region, Group, Name string }

// key is the stream's key in the journal. It sorts by group, then name, and is
// no prefix of another's.
func (s Stream) key() string { return s.groupKey() + s.Name + "\x00" }

func (s Stream) groupKey() string { return s.Account + "\x00" + s.Region + "\x00" + s.Group + "\x00" }

func streamOf(key string) Stream {
	account, rest, _ := strings.Cut(key, "\x00")
	region, rest, _ := strings.Cut(rest, "\x00")
	group, name, _ := strings.Cut(rest, "\x00")
	return Stream{account, region, group, strings.TrimSuffix(name, "\x00")}
}

// LogEvent is one event of a log.
type LogEvent struct {
	Stream   Stream
	Time     clock.Instant // that its writer gave it
	Ingested clock.Instant // when it came
	Message  string
	Pos      Pos
}

// Cursor returns the place of e in the order of time.
func (e *LogEvent) Cursor() Cursor { return Cursor{At: e.Time, Pos: e.Pos} }

// Logs is what functions and clients wrote. It knows streams by name, as they
// are written to: whether one exists, in the sense of CloudWatch Logs, is for
// service/logs to say.
type Logs struct{ j *journal.Journal }

// LogWriter writes to one stream. It is safe for concurrent use.
type LogWriter struct {
	j   *journal.Journal
	key string
}

// Writer returns a writer to a stream. It costs nothing to have and needs no
// closing.
func (l *Logs) Writer(s Stream) *LogWriter { return &LogWriter{l.j, s.key()} }

// Append appends one event and returns its place. It can be read at once.
// Message is copied.
func (w *LogWriter) Append(at, ingested clock.Instant, message []byte) (Pos, error) {
	return w.j.Append(w.key, at, ingested, message)
}

// LogQuery says which events of a group to read.
type LogQuery struct {
	Group    Stream                 // whose Name is not looked at
	Stream   string                 // one stream; empty: those of Match
	Match    func(name string) bool // which streams; nil: all
	From, To clock.Instant          // From ≤ time < To; zero: no bound
	Reverse  bool                   // newest first
	After    *Cursor                // only what comes after it, in the direction of reading
}

func (q *LogQuery) query() journal.Query {
	jq := journal.Query{Prefix: q.Group.groupKey(), From: q.From, To: q.To, Reverse: q.Reverse, After: q.After}
	group := len(jq.Prefix)
	switch {
	case q.Stream != "":
		jq.Prefix += q.Stream + "\x00"
	case q.Match != nil:
		jq.Match = func(key string) bool { return q.Match(key[group : len(key)-1]) }
	}
	return jq
}

// Read yields events in order of time; those of the same time in the order in
// which they came.
func (l *Logs) Read(ctx context.Context, q LogQuery) iter.Seq2[LogEvent, error] {
	return events(l.j.Read(ctx, q.query()))
}

// Follow yields events in the order in which they come, from a place on, and
// waits for more. It ends with ctx. Times and direction are not looked at.
func (l *Logs) Follow(ctx context.Context, q LogQuery, from Pos) iter.Seq2[LogEvent, error] {
	return events(l.j.Follow(ctx, q.query(), from))
}

// FollowAll yields the events of all groups of all accounts as they come, from
// now on. It ends with ctx, once it has yielded what was there then.
func (l *Logs) FollowAll(ctx context.Context) iter.Seq2[LogEvent, error] {
	return events(l.j.Follow(ctx, journal.Query{}, l.j.End()))
}

func events(rs iter.Seq2[journal.Record, error]) iter.Seq2[LogEvent, error] {
	return func(yield func(LogEvent, error) bool) {
		for r, err := range rs {
			if err != nil {
				yield(LogEvent{}, err)
				return
			}
			e := LogEvent{Stream: streamOf(r.Key), Time: r.At, Ingested: r.Seen, Message: string(r.Body), Pos: r.Pos}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// End returns the place after the last event: where to follow from to see only
// what is new.
func (l *Logs) End() Pos { return l.j.End() }

// StreamStats is what is held of a stream.
type StreamStats struct {
	Stream       Stream
	Events       uint64
	Bytes        uint64 // of the messages
	First, Last  clock.Instant
	LastIngested clock.Instant
}

// Streams returns the streams of a group that hold events, by name.
func (l *Logs) Streams(ctx context.Context, group Stream) ([]StreamStats, error) {
	keys, err := l.j.Keys(ctx, group.groupKey())
	if err != nil {
		return nil, err
	}
	out := make([]StreamStats, len(keys))
	for i, k := range keys {
		out[i] = StreamStats{Stream: streamOf(k.Key), Events: k.Count, Bytes: k.Bytes, First: k.First, Last: k.Last, LastIngested: k.Seen}
	}
	return out, nil
}

// GroupStats is what is held of all streams of a group.
type GroupStats struct {
	Events uint64
	Bytes  uint64 // of the messages
}

// Groups returns the groups of an account and region that hold events.
func (l *Logs) Groups(ctx context.Context, account, region string) (map[string]GroupStats, error) {
	keys, err := l.j.Keys(ctx, account+"\x00"+region+"\x00")
	if err != nil {
		return nil, err
	}
	groups := make(map[string]GroupStats)
	for _, k := range keys {
		name := streamOf(k.Key).Group
		g := groups[name]
		g.Events += k.Count
		g.Bytes += k.Bytes
		groups[name] = g
	}
	return groups, nil
}

// DropGroup makes the events that a group has now unreadable, for good.
func (l *Logs) DropGroup(group Stream) error { return l.j.Drop(group.groupKey()) }

// DropStream makes the events that a stream has now unreadable, for good.
func (l *Logs) DropStream(s Stream) error { return l.j.Drop(s.key()) }
