package events

import (
	"bytes"
	"context"
	"slices"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/awsapi/wire"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// The states of a replay.
const (
	starting  = "STARTING"
	running   = "RUNNING"
	completed = "COMPLETED"
	cancelled = "CANCELLED"
)

// replayRow is the row of a replay.
type replayRow struct {
	Archive, Bus string   // by their ARNs
	Rules        []string `json:",omitempty"`
	From, To     clock.Instant
	Description  string `json:",omitempty"`
	State        string
	Started      clock.Instant
	Ended        clock.Instant `json:",omitempty"`
	Last         clock.Instant `json:",omitempty"` // of what was replayed
	Cursor       []byte        `json:",omitempty"` // key of the event that was replayed last
}

// kindReplay is that of the timers of replays: each firing replays some events.
const kindReplay = "events.replay"

// replayed is how many events one transaction replays, and how many bytes.
const (
	replayed      = 32
	replayedBytes = 1 << 20
)

func accessReplay(ctx context.Context, in *shapes.StartReplayRequest) ([]awsapi.Access, error) {
	if _, ok := archiveOfARN(value(in.EventSourceArn)); !ok {
		return nil, notOfArchive()
	}
	needs := need("StartReplay", named(ctx, in.ReplayName).other("replay"), nil)
	needs = append(needs, need("StartReplay", value(in.EventSourceArn), nil)...)
	if d := in.Destination; d != nil {
		if _, ok := busOfARN(value(d.Arn)); !ok {
			return nil, notToBus()
		}
		needs = append(needs, need("StartReplay", value(d.Arn), nil)...)
	}
	return needs, nil
}

func notOfArchive() *fault.Error {
	return invalid("Parameter EventSourceArn is not valid. Reason: Must contain an archive ARN.")
}

func notToBus() *fault.Error {
	return invalid("Parameter Destination.Arn is not valid. Reason: Must contain an event bus ARN.")
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html
func (s *Service) startReplay(ctx context.Context, in *shapes.StartReplayRequest) (*shapes.StartReplayResponse, error) {
	n := named(ctx, in.ReplayName)
	archive, ok := archiveOfARN(value(in.EventSourceArn))
	if !ok {
		return nil, notOfArchive()
	}
	now := s.Clock.Now()
	row := replayRow{
		Archive: *in.EventSourceArn, Bus: value(in.Destination.Arn), Rules: in.Destination.FilterArns, From: *in.EventStartTime, To: *in.EventEndTime,
		Description: value(in.Description), State: starting, Started: now,
	}
	if _, ok := busOfARN(row.Bus); !ok {
		return nil, notToBus()
	}
	if row.To <= row.From {
		return nil, invalid("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	for _, f := range row.Rules {
		if r, ok := ruleOfARN(f); !ok || r.bus.arn() != row.Bus {
			return nil, invalid("Parameter Destination.FilterArns is not valid. Reason: %s is no rule of %s.", f, row.Bus)
		}
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("replay", n.name)
		switch old, err := tx.Get(k); {
		case err != nil:
			return err
		case old != nil:
			return alreadyThere("Replay %s already exists.", n.name)
		}
		from, err := loadArchive(tx, archive)
		if fault.Is(err, "ResourceNotFoundException") {
			return invalid("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", archive.name)
		}
		if err != nil {
			return err
		}
		if from.Bus != row.Bus {
			return invalid("Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
		}
		if err := jsonrow.Set(tx, k, &row); err != nil {
			return err
		}
		return s.goOn(tx, n, now)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.StartReplayResponse{ReplayArn: ptr(n.other("replay")), State: ptr(starting), ReplayStartTime: &row.Started}, nil
}

func (s *Service) goOn(tx *kv.Tx, n bus, now clock.Instant) error {
	return s.Timers.Set(tx, timer.T{Cell: n.cell(), Kind: kindReplay, ID: n.name, Due: now, OneShot: true})
}

// fireReplay replays the next events of a replay.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
func (s *Service) fireReplay(tx *kv.Tx, now clock.Instant, t timer.T) error {
	n := bus{scopeOf(t.Cell), t.ID}
	sp := n.space()
	k := sp.named("replay", n.name)
	var row replayRow
	if ok, err := jsonrow.Get(tx, k, &row); err != nil || !ok || row.State != starting && row.State != running {
		return err
	}
	more, err := s.replaySome(tx, n, &row, now)
	if err != nil {
		return err
	}
	row.State = running
	if !more {
		row.State, row.Ended = completed, now
	} else if err := s.goOn(tx, n, now); err != nil {
		return err
	}
	return jsonrow.Set(tx, k, &row)
}

// replaySome replays events from where a replay has got to, and reports whether
// there are more.
func (s *Service) replaySome(tx *kv.Tx, n bus, row *replayRow, now clock.Instant) (more bool, err error) {
	archive, _ := archiveOfARN(row.Archive)
	from, err := loadArchive(tx, archive)
	if err != nil {
		if fault.Is(err, "ResourceNotFoundException") {
			err = nil // it has been deleted with its events
		}
		return false, err
	}
	asp := archive.space()
	// What is kept no longer, and has not gone yet, is not replayed.
	begin := max(row.From, from.oldest(now))
	r := kv.Range{Start: asp.archivedUntil(from.ID, begin).End, End: asp.archivedUntil(from.ID, row.To).End}
	if row.Cursor != nil {
		r.Start = kv.Next(row.Cursor)
	}
	to, _ := busOfARN(row.Bus)
	count, size := 0, 0
	for p, err := range tx.Scan(r, kv.ScanOptions{Limit: replayed + 1}) {
		if err != nil {
			return false, err
		}
		if count == replayed || count > 0 && size+len(p.Value) > replayedBytes {
			return true, nil
		}
		d := asp.Decode(p.Key)
		d.Str()
		d.Str()
		at, id := clock.Instant(d.Int()), d.Str()
		if err := d.Done(); err != nil {
			return false, err
		}
		if err := s.replayOne(tx, n, row, to, id, p.Value, now); err != nil {
			return false, err
		}
		row.Cursor, row.Last = slices.Clone(p.Key), at
		count, size = count+1, size+len(p.Value)
	}
	return false, nil
}

// replayOne emits the effects of one event.
func (s *Service) replayOne(tx *kv.Tx, n bus, row *replayRow, to bus, id string, event []byte, now clock.Instant) error {
	e := &eventAgain{name: n.name, json: event}
	again := e.make(to, id, now)
	rules, err := s.matchIn(tx, to, again)
	if err != nil {
		return err
	}
	if len(row.Rules) > 0 {
		rules = slices.DeleteFunc(rules, func(r *indexed) bool { return !slices.Contains(row.Rules, r.arn()) })
	}
	effects, err := appendEffects(nil, again, rules)
	if err != nil {
		return err
	}
	for i := range effects {
		// Of the same event before, and of another replay of it, they are not.
		effects[i].ID = idOf(effects[i].ID, n.other("replay"))
	}
	tx.After(func(kv.Stamp) { s.measure(rules) })
	return s.Emit.Emit(tx, effects...)
}

// eventAgain is an archived event, with the name of the replay in it.
type eventAgain struct {
	name string
	json []byte
}

func (e *eventAgain) make(to bus, id string, now clock.Instant) *event {
	name := wire.AppendString([]byte(`,"replay-name":`), e.name)
	out := slices.Clone(e.json)
	if i := bytes.Index(out, []byte(`,"detail":`)); i >= 0 {
		out = slices.Insert(out, i, name...)
	} else {
		out = slices.Insert(out, len(out)-1, name...)
	}
	return &event{bus: to, id: id, json: out, at: now, cause: causeOf(idOf(id, e.name), now)}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html
func (s *Service) cancelReplay(ctx context.Context, in *shapes.CancelReplayRequest) (*shapes.CancelReplayResponse, error) {
	n := named(ctx, in.ReplayName)
	now := s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		row, err := loadReplay(tx, n)
		if err != nil {
			return err
		}
		if row.State != starting && row.State != running {
			return fault.New("IllegalStatusException", "Replay %s is not in a valid state for this operation.", n.name)
		}
		row.State, row.Ended = cancelled, now
		if err := s.Timers.Cancel(tx, n.cell(), kindReplay, n.name); err != nil {
			return err
		}
		return jsonrow.Set(tx, n.space().named("replay", n.name), &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CancelReplayResponse{ReplayArn: ptr(n.other("replay")), State: ptr("CANCELLING")}, nil
}

func loadReplay(r reader, n bus) (row replayRow, err error) {
	ok, err := jsonrow.Get(r, n.space().named("replay", n.name), &row)
	if err == nil && !ok {
		err = notFound("Replay %s does not exist.", n.name)
	}
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html
func (s *Service) describeReplay(ctx context.Context, in *shapes.DescribeReplayRequest) (*shapes.DescribeReplayResponse, error) {
	n := named(ctx, in.ReplayName)
	var row replayRow
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		row, err = loadReplay(snap, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeReplayResponse{
		ReplayName: &n.name, ReplayArn: ptr(n.other("replay")), Description: given(row.Description), State: &row.State, EventSourceArn: &row.Archive,
		Destination: &shapes.ReplayDestination{Arn: &row.Bus, FilterArns: row.Rules}, EventStartTime: &row.From, EventEndTime: &row.To,
		EventLastReplayedTime: given(row.Last), ReplayStartTime: &row.Started, ReplayEndTime: given(row.Ended),
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListReplays.html
func (s *Service) listReplays(ctx context.Context, in *shapes.ListReplaysRequest) (*shapes.ListReplaysResponse, error) {
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	sp := bus{scope: awsapi.From(ctx).Scope}.space()
	out := &shapes.ListReplaysResponse{Replays: []shapes.Replay{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		out.NextToken, err = p.list(snap, sp.Subspace, sp.all("replay"), 1, value(in.NamePrefix), func(name string, kvs kv.Pair) (bool, error) {
			var row replayRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, err
			}
			if in.EventSourceArn != nil && *in.EventSourceArn != row.Archive || in.State != nil && *in.State != row.State {
				return false, nil
			}
			out.Replays = append(out.Replays, shapes.Replay{
				ReplayName: &name, EventSourceArn: &row.Archive, State: &row.State, EventStartTime: &row.From, EventEndTime: &row.To,
				EventLastReplayedTime: given(row.Last), ReplayStartTime: &row.Started, ReplayEndTime: given(row.Ended),
			})
			return true, nil
		})
		return err
	})
	return out, err
}
