package sqs

import (
	"context"
	"sync"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/timer"
)

// Permits judges permissions with the policies of resources. It is the front.
type Permits interface {
	PermitOn(ctx context.Context, m *schema.Model, needs ...awsapi.Access) error
}

// Meter is told what calls would be billed, what they and mappings do, and what queues
// hold. It must not block.
type Meter interface {
	// Requested is told of requests: each 64 KiB of what a call sends or gets is
	// one.
	Requested(ctx context.Context, queue arn.ARN, requests float64)
	// Received is told of each receive: how many messages there were.
	Received(queue arn.ARN, messages int)
	// Deleted is told of messages that were deleted.
	Deleted(queue arn.ARN, messages int)
	// Depth is told what a queue held at the end of a minute, once for each minute in
	// which it was active, at the latest when [Service.Look] returns.
	Depth(queue arn.ARN, minute clock.Instant, d Depth)
}

// Disturber makes queues go wrong on purpose.
type Disturber interface {
	// Again reports whether a message of a standard queue that is being received
	// stays visible, so that it is received once more.
	Again(ctx context.Context, queue string) bool
}

// Options says what the service needs. Meter and Disturb may be nil.
type Options struct {
	DB      *kv.DB
	Clock   *clock.Model
	Machine clock.Machine
	Timers  *timer.Timers
	// Endpoint is the URL of the AWS endpoint, of which queues' URLs are made where
	// the caller's own is not known.
	Endpoint string
	Permits  Permits
	// Caller asks KMS for the keys of queues, with the rights of who calls; nil asks
	// nobody.
	Caller  awsapi.Caller
	Meter   Meter
	Disturb Disturber
	// InFlight is how many messages of a queue can be in flight; 0 is what AWS
	// allows.
	InFlight int
}

// Service is SQS.
type Service struct {
	Options
	api *awsapi.Service

	queues   sync.Map   // name → *queue
	learning sync.Mutex // held while queues gets one
	policies sync.Map   // name → *parsed
	cells    cells
	uses     uses
	wakes    wakes
	sweepAt  func(clock.Instant)

	stopped chan struct{} // closed when the service stops: nobody waits any more
	stop    sync.Once
}

// New returns the service.
func New(o Options) *Service {
	s := &Service{Options: o, api: awsapi.NewService(&shapes.Model), stopped: make(chan struct{})}
	s.api.Policies = s
	s.api.Invalid = unmet
	s.api.QueryError = queryError
	s.api.Form = pathQueue
	s.registerQueues()
	s.registerMessages()
	if o.Timers != nil {
		s.wakes.wake = o.Timers.RegisterLocal("sqs: long polls", &s.wakes)
		s.sweepAt = o.Timers.RegisterEarliest("sqs: retention", &sweeper{s})
		o.Timers.Handle(moveTimer, s.moveSome)
	}
	return s
}

// API returns the service for the front.
func (s *Service) API() *awsapi.Service { return s.api }

// Stop ends all long polls: their callers get what there is, which is nothing.
func (s *Service) Stop() { s.stop.Do(func() { close(s.stopped) }) }

// now is model time.
func (s *Service) now() millis { return millis(s.Clock.Now().UnixMilli()) }

func (s *Service) limit() int {
	if s.InFlight > 0 {
		return s.InFlight
	}
	return inFlightMax
}

// billed is how much of a message one request pays for.
//
// https://aws.amazon.com/sqs/pricing/
const billed = 64 << 10

// meter reports a call on a queue that carried so many bytes.
func (s *Service) meter(ctx context.Context, n name, bytes int) {
	if s.Meter != nil {
		s.Meter.Requested(ctx, n.arn(), float64(max(1, (bytes+billed-1)/billed)))
	}
}

// received reports a receive.
func (s *Service) received(n name, messages int) {
	if s.Meter != nil {
		s.Meter.Received(n.arn(), messages)
	}
}

// deleted reports messages that were deleted: those without an error.
func (s *Service) deleted(n name, errs []error) {
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		}
	}
	if s.Meter != nil && done > 0 {
		s.Meter.Deleted(n.arn(), done)
	}
}

func (s *Service) registerQueues() {
	awsapi.Handle(s.api, shapes.CreateQueue, accessCreate, s.createQueue)
	awsapi.Handle(s.api, shapes.DeleteQueue, own("DeleteQueue", func(in *shapes.DeleteQueueRequest) *string { return in.QueueUrl }), s.deleteQueue)
	awsapi.Handle(s.api, shapes.GetQueueUrl, accessURL, s.getQueueURL)
	awsapi.Handle(s.api, shapes.ListQueues, nil, s.listQueues)
	awsapi.Handle(s.api, shapes.PurgeQueue, on("PurgeQueue", func(in *shapes.PurgeQueueRequest) *string { return in.QueueUrl }), s.purgeQueue)
	awsapi.Handle(s.api, shapes.GetQueueAttributes, on("GetQueueAttributes", func(in *shapes.GetQueueAttributesRequest) *string { return in.QueueUrl }), s.getQueueAttributes)
	awsapi.Handle(s.api, shapes.SetQueueAttributes, own("SetQueueAttributes", func(in *shapes.SetQueueAttributesRequest) *string { return in.QueueUrl }), s.setQueueAttributes)
	awsapi.Handle(s.api, shapes.ListDeadLetterSourceQueues, on("ListDeadLetterSourceQueues", func(in *shapes.ListDeadLetterSourceQueuesRequest) *string { return in.QueueUrl }), s.listDeadLetterSourceQueues)
	awsapi.Handle(s.api, shapes.AddPermission, own("AddPermission", func(in *shapes.AddPermissionRequest) *string { return in.QueueUrl }), s.addPermission)
	awsapi.Handle(s.api, shapes.RemovePermission, own("RemovePermission", func(in *shapes.RemovePermissionRequest) *string { return in.QueueUrl }), s.removePermission)
	awsapi.Handle(s.api, shapes.TagQueue, accessTag, s.tagQueue)
	awsapi.Handle(s.api, shapes.UntagQueue, accessUntag, s.untagQueue)
	awsapi.Handle(s.api, shapes.ListQueueTags, own("ListQueueTags", func(in *shapes.ListQueueTagsRequest) *string { return in.QueueUrl }), s.listQueueTags)
	awsapi.Handle(s.api, shapes.StartMessageMoveTask, accessStartMove, s.startMove)
	awsapi.Handle(s.api, shapes.ListMessageMoveTasks, onSource("ListMessageMoveTasks", func(in *shapes.ListMessageMoveTasksRequest) *string { return in.SourceArn }), s.listMoves)
	awsapi.Handle(s.api, shapes.CancelMessageMoveTask, accessCancelMove, s.cancelMove)
}

func (s *Service) registerMessages() {
	awsapi.Handle(s.api, shapes.SendMessage, on("SendMessage", func(in *shapes.SendMessageRequest) *string { return in.QueueUrl }), s.sendMessage)
	awsapi.Handle(s.api, shapes.SendMessageBatch, on("SendMessage", func(in *shapes.SendMessageBatchRequest) *string { return in.QueueUrl }), s.sendMessageBatch)
	awsapi.Handle(s.api, shapes.ReceiveMessage, on("ReceiveMessage", func(in *shapes.ReceiveMessageRequest) *string { return in.QueueUrl }), s.receiveMessage)
	awsapi.Handle(s.api, shapes.DeleteMessage, on("DeleteMessage", func(in *shapes.DeleteMessageRequest) *string { return in.QueueUrl }), s.deleteMessage)
	awsapi.Handle(s.api, shapes.DeleteMessageBatch, on("DeleteMessage", func(in *shapes.DeleteMessageBatchRequest) *string { return in.QueueUrl }), s.deleteMessageBatch)
	awsapi.Handle(s.api, shapes.ChangeMessageVisibility, on("ChangeMessageVisibility", func(in *shapes.ChangeMessageVisibilityRequest) *string { return in.QueueUrl }), s.changeVisibility)
	awsapi.Handle(s.api, shapes.ChangeMessageVisibilityBatch, on("ChangeMessageVisibility", func(in *shapes.ChangeMessageVisibilityBatchRequest) *string { return in.QueueUrl }), s.changeVisibilityBatch)
}
