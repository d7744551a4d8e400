package sns

import (
	"context"
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
)

// maxBatch is how many messages a batch may have.
const maxBatch = 10

// publishBatch accepts several messages, all of them in one transaction.
//
// https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
func (s *Service) publishBatch(ctx context.Context, in *shapes.PublishBatchInput) (*shapes.PublishBatchResponse, error) {
	n, err := topicName(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	entries := in.PublishBatchRequestEntries
	l, err := s.load(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(entries, l.topic.maxSize(n)); err != nil {
		return nil, err
	}
	ms := make([]*message, len(entries))
	for i := range entries {
		// What is wrong with one of them is wrong with the request.
		if ms[i], err = newMessage(n, &entries[i]); err != nil {
			return nil, err
		}
		if err := ms[i].identify(&l.topic); err != nil {
			return nil, err
		}
	}
	if err := s.send(ctx, n, ms); err != nil {
		return nil, err
	}
	out := &shapes.PublishBatchResponse{Successful: []shapes.PublishBatchResultEntry{}, Failed: []shapes.BatchResultErrorEntry{}}
	for i, m := range ms {
		r := shapes.PublishBatchResultEntry{Id: entries[i].Id, MessageId: m.messageID()}
		if m.sequence != "" {
			r.SequenceNumber = &m.sequence
		}
		out.Successful = append(out.Successful, r)
	}
	return out, nil
}

func checkBatch(entries []shapes.PublishBatchRequestEntry, most int) *fault.Error {
	switch {
	case len(entries) == 0:
		return fault.New("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(entries) > maxBatch:
		return fault.New("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	seen := make(map[string]bool, len(entries))
	size := 0
	for i := range entries {
		e := &entries[i]
		id := value(e.Id)
		switch {
		case id == "" || len(id) > 80 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "":
			return fault.New("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		case seen[id]:
			return fault.New("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		size += (&message{text: value(e.Message), attributes: e.MessageAttributes}).size()
	}
	if size > most {
		return fault.New("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	return nil
}
