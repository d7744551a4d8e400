package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// move is the row of a message move task.
type move struct {
	Task        string
	Source      string
	Destination string `json:",omitempty"` // empty: where each message came from
	Rate        int32  `json:",omitempty"` // messages a second, at most; 0: as fast as it goes
	Status      string
	Started     millis
	Moved       int64
	ToMove      int64
	Failure     string `json:",omitempty"`
}

// The states of a task.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasksResultEntry.html
const (
	running    = "RUNNING"
	completed  = "COMPLETED"
	cancelling = "CANCELLING"
	cancelled  = "CANCELLED"
	failedTask = "FAILED"
)

// moveTimer is the kind of the timers that move messages, a part at a time.
const moveTimer = "sqs: message move tasks"

// task is what a task's handle says.
type task struct {
	source  name
	started millis
	id      string
}

type taskHandle struct {
	Task    string `json:"taskId"`
	Source  string `json:"sourceArn"`
	Started millis `json:"started"`
}

func (m *move) handle() (*string, error) {
	b, err := json.Marshal(taskHandle{m.Task, m.Source, m.Started})
	return ptr(base64.StdEncoding.EncodeToString(b)), err
}

func parseTask(handle string) (task, bool) {
	var h taskHandle
	b, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(b, &h) != nil {
		return task{}, false
	}
	n, ok := queueByARN(h.Source)
	return task{n, h.Started, h.Task}, ok && h.Task != ""
}

func noTask() *fault.Error {
	return fault.New("ResourceNotFoundException", "Task does not exist.")
}

func badSource(text string) *fault.Error {
	return badValue(text, "SourceArn", "You must use this format to specify the SourceArn: arn:<partition>:sqs:<region>:<account-id>:<queue-name>")
}

func badDestination(text string) *fault.Error {
	return badValue(text, "DestinationArn", "You must use this format to specify the DestinationArn: arn:<partition>:sqs:<region>:<account-id>:<queue-name>")
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
func (s *Service) startMove(ctx context.Context, in *shapes.StartMessageMoveTaskRequest) (*shapes.StartMessageMoveTaskResult, error) {
	source, _ := queueByARN(value(in.SourceArn))
	m := &move{
		Task: awsapi.NewID(), Source: string(source.arn()), Destination: value(in.DestinationArn), Rate: value32(in.MaxNumberOfMessagesPerSecond),
		Status: running, Started: s.now(),
	}
	if in.MaxNumberOfMessagesPerSecond != nil && (m.Rate < 1 || m.Rate > 500) {
		return nil, badValue(fmt.Sprint(m.Rate), "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	cat := catalogOf(source.cell())
	_, q, err := s.update(ctx, source, func(tx *kv.Tx, q *queue) error {
		dead, err := s.isDeadLetterQueue(tx, q)
		if err != nil {
			return err
		}
		if !dead {
			return invalid("Source queue must be configured as a Dead Letter Queue.")
		}
		if m.Destination != "" {
			target, ok := queueByARN(m.Destination)
			if !ok {
				return badDestination(m.Destination)
			}
			if target.cell() != q.cell() || target.fifo() != q.fifo() || target.queue == q.queue {
				return badValue(m.Destination, "DestinationArn", "The destination must be another queue of the same type, account and region as the source.")
			}
			if to, err := s.within(tx, target); err != nil || to == nil {
				return orElse(err, fault.New("ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist."))
			}
		}
		if err := s.others(tx, cat, m); err != nil {
			return err
		}
		v, err := tx.Get(q.space.count())
		if err != nil {
			return err
		}
		if m.ToMove, err = kv.Int64(v); err != nil {
			return err
		}
		if err := saveMove(tx, cat, m); err != nil {
			return err
		}
		return s.setMove(tx, q.name, m, m.Started)
	})
	if err != nil {
		if fault.Is(err, "QueueDoesNotExist") {
			err = fault.New("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
		}
		return nil, err
	}
	s.meter(ctx, q.name, 0)
	handle, err := m.handle()
	return &shapes.StartMessageMoveTaskResult{TaskHandle: handle}, err
}

// maxTasks is how many tasks of a queue are kept, and listed.
const maxTasks = 10

// others refuses a task where another of its queue is under way, and takes away
// those that nobody can list any more.
func (s *Service) others(tx *kv.Tx, cat catalog, m *move) error {
	kept := 1
	for _, other := range readMoves(tx, cat) {
		if other.err != nil {
			return other.err
		}
		under := other.Status == running || other.Status == cancelling
		switch {
		case other.Source == m.Source && under:
			return fault.New("UnsupportedOperation", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		case under:
		case other.Source == m.Source:
			if kept++; kept > maxTasks {
				tx.Delete(cat.move(other.Started, other.Task))
			}
		default:
			n, _ := queueByARN(other.Source)
			if q, err := tx.Get(cat.queue(n.queue)); err != nil {
				return err
			} else if q == nil {
				tx.Delete(cat.move(other.Started, other.Task))
			}
		}
	}
	return nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// isDeadLetterQueue reports whether another queue gives its messages up to this one.
func (s *Service) isDeadLetterQueue(tx *kv.Tx, q *queue) (bool, error) {
	cat := catalogOf(q.cell())
	for p, err := range tx.Peek().Scan(cat.queues(), kv.ScanOptions{}) {
		if err != nil {
			return false, err
		}
		d := cat.Sub("queue").Decode(p.Key)
		other, err := s.known(name{q.scope, d.Str()}, p.Value)
		if err != nil {
			return false, err
		}
		if r := other.settings.redrive; r != nil && r.Target == string(q.arn()) {
			return true, nil
		}
	}
	return false, nil
}

// setMove sets the timer of a task.
func (s *Service) setMove(tx *kv.Tx, n name, m *move, due millis) error {
	return s.Timers.Set(tx, timer.T{
		Cell: n.cell(), Kind: moveTimer, ID: m.Task, Due: clock.UnixMilli(int64(due)), OneShot: true, Payload: kv.Counter(int64(m.Started)),
	})
}

func saveMove(tx *kv.Tx, cat catalog, m *move) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("sqs: move task: %w", err)
	}
	tx.Set(cat.move(m.Started, m.Task), b)
	return nil
}

type moveOrError struct {
	move
	err error
}

func decodeMove(b []byte) (m move, err error) {
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("sqs: row of a move task: %w", err)
	}
	return m, nil
}

// readMoves are the tasks of a cell, the newest first.
func readMoves(tx *kv.Tx, cat catalog) (all []moveOrError) {
	for p, err := range tx.Scan(cat.moves(), kv.ScanOptions{Reverse: true}) {
		x := moveOrError{err: err}
		if err == nil {
			x.move, x.err = decodeMove(p.Value)
		}
		all = append(all, x)
	}
	return all
}

// Limits of one step of a task: how many messages move that has no rate, and about
// how many bytes, of which a transaction takes no more than [kv.MaxTx].
const (
	moveStep  = 100
	moveBytes = 4 << 20
)

// moveSome is one step of a task.
func (s *Service) moveSome(tx *kv.Tx, now clock.Instant, t timer.T) error {
	started, err := kv.Int64(t.Payload)
	if err != nil {
		return err
	}
	cat := catalogOf(t.Cell)
	b, err := tx.Get(cat.move(millis(started), t.ID))
	if err != nil || b == nil {
		return err
	}
	m, err := decodeMove(b)
	if err != nil {
		return err
	}
	again, err := s.step(tx, &m, millis(now.UnixMilli()))
	if err != nil {
		return err
	}
	if again != 0 {
		n, _ := queueByARN(m.Source)
		if err := s.setMove(tx, n, &m, again); err != nil {
			return err
		}
	}
	return saveMove(tx, cat, &m)
}

// step moves messages, and returns when to go on; zero for never.
func (s *Service) step(tx *kv.Tx, m *move, now millis) (again millis, err error) {
	if m.Status == cancelling {
		m.Status = cancelled
		return 0, nil
	}
	source, _ := queueByARN(m.Source)
	q, err := s.within(tx, source)
	if err != nil {
		return 0, err
	}
	if q == nil {
		m.Status, m.Failure = failedTask, "AWS.SimpleQueueService.NonExistentQueue"
		return 0, nil
	}
	most := moveStep
	if m.Rate > 0 {
		most = int(m.Rate)
	}
	var from [lanes]kv.Key
	for n := range lane(lanes) {
		at, err := readMillis(tx, q.space.cursor(n))
		if err != nil {
			return 0, err
		}
		from[n] = q.space.since(n, at)
	}
	c, err := q.among(tx.Peek(), now, 0, from, most)
	if err != nil {
		return 0, err
	}
	done, bytes := 0, 0
	for ; done < len(c.places) && bytes < moveBytes; done++ {
		moved, err := s.moveOne(tx, q, m, c.places[done], now)
		if err != nil || m.Status != running {
			return 0, err
		}
		if moved != nil {
			m.Moved++
			bytes += moved.size()
		}
	}
	switch {
	case len(c.places) == 0:
		m.Status = completed
		return 0, nil
	case m.Rate > 0:
		return now + millis(done)*millis(time.Second.Milliseconds())/millis(most), nil
	}
	return now, nil
}

// moveOne moves the message at a place, or the first of its group. It returns nil if
// there was none.
func (s *Service) moveOne(tx *kv.Tx, q *queue, m *move, at place, now millis) (*message, error) {
	stamp, key := at.stamp, q.space.body(at.stamp)
	if q.settings.fifo {
		key = nil
		for p, err := range tx.Scan(q.space.Key().Str("f").Str(at.group).Range(), kv.ScanOptions{Limit: 1}) {
			if err != nil {
				return nil, err
			}
			key = p.Key
			if stamp, err = q.space.stampOf(key, at.group); err != nil {
				return nil, err
			}
		}
	}
	if key == nil {
		return nil, nil
	}
	b, err := tx.Get(key)
	if err != nil || b == nil {
		return nil, err
	}
	x, err := q.decode(b)
	if err != nil {
		return nil, err
	}
	to, ok := queueByARN(or(m.Destination, x.source))
	if !ok {
		m.Status, m.Failure = failedTask, "CouldNotDetermineMessageSource"
		return nil, nil
	}
	target, err := s.within(tx, to)
	if err != nil {
		return nil, err
	}
	if target == nil {
		m.Status, m.Failure = failedTask, "AWS.SimpleQueueService.NonExistentQueue"
		return nil, nil
	}
	gone, err := q.take1(tx, at, stamp, x, now)
	if err != nil || !gone {
		return nil, err
	}
	// A message that is redriven is a new one to its queue: its time begins again.
	again := *x
	again.sent, again.after, again.source = now, 0, ""
	_, err = s.put(tx, target, now, []*message{&again})
	return &again, err
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html
func (s *Service) listMoves(ctx context.Context, in *shapes.ListMessageMoveTasksRequest) (*shapes.ListMessageMoveTasksResult, error) {
	n, _ := queueByARN(value(in.SourceArn))
	most := 1
	if in.MaxResults != nil {
		if most = int(*in.MaxResults); most < 1 || most > maxTasks {
			return nil, badValue(fmt.Sprint(most), "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	out := &shapes.ListMessageMoveTasksResult{Results: []shapes.ListMessageMoveTasksResultEntry{}}
	err := s.look(ctx, n, func(snap *kv.Snap, q *queue) error {
		for p, err := range snap.Scan(catalogOf(n.cell()).moves(), kv.ScanOptions{Reverse: true}) {
			if err != nil {
				return err
			}
			m, err := decodeMove(p.Value)
			if err != nil {
				return err
			}
			if m.Source != string(q.arn()) {
				continue
			}
			e, err := m.shape()
			if err != nil {
				return err
			}
			if out.Results = append(out.Results, e); len(out.Results) == most {
				break
			}
		}
		return nil
	})
	if fault.Is(err, "QueueDoesNotExist") {
		err = fault.New("ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	return out, err
}

func (m *move) shape() (e shapes.ListMessageMoveTasksResultEntry, err error) {
	e.Status, e.SourceArn = ptr(m.Status), ptr(m.Source)
	e.ApproximateNumberOfMessagesMoved, e.ApproximateNumberOfMessagesToMove = ptr(m.Moved), ptr(m.ToMove)
	e.StartedTimestamp = ptr(int64(m.Started))
	if m.Destination != "" {
		e.DestinationArn = ptr(m.Destination)
	}
	if m.Rate > 0 {
		e.MaxNumberOfMessagesPerSecond = ptr(m.Rate)
	}
	if m.Failure != "" {
		e.FailureReason = ptr(m.Failure)
	}
	if m.Status == running {
		e.TaskHandle, err = m.handle()
	}
	return e, err
}

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html
func (s *Service) cancelMove(ctx context.Context, in *shapes.CancelMessageMoveTaskRequest) (*shapes.CancelMessageMoveTaskResult, error) {
	t, _ := parseTask(value(in.TaskHandle))
	cat := catalogOf(t.source.cell())
	var m move
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		b, err := tx.Get(cat.move(t.started, t.id))
		if err != nil {
			return err
		}
		if b == nil {
			return noTask()
		}
		if m, err = decodeMove(b); err != nil {
			return err
		}
		if m.Source != string(t.source.arn()) { // of a queue that the caller may not be allowed to touch
			return noTask()
		}
		if m.Status != running {
			return fault.New("UnsupportedOperation", "Only active tasks can be cancelled.")
		}
		m.Status = cancelling
		return saveMove(tx, cat, &m)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CancelMessageMoveTaskResult{ApproximateNumberOfMessagesMoved: &m.Moved}, nil
}
