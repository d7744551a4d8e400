package sqs

import (
	"strings"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/fault"
)

// maxBatch is how many entries a batch can have.
const maxBatch = 10

// checkBatch checks the ids of a batch's entries.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
func checkBatch(entry string, ids []*string) error {
	switch {
	case len(ids) == 0:
		return fault.New("EmptyBatchRequest", "There should be at least one %s in the request.", entry)
	case len(ids) > maxBatch:
		return fault.New("TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))
	}
	seen := make(map[string]bool, len(ids))
	for _, p := range ids {
		id := value(p)
		if id == "" || len(id) > 80 || strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return fault.New("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return fault.New("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// failed is what the answer to a batch says of an entry that was refused.
func failed(id *string, err error) shapes.BatchResultErrorEntry {
	code, message := "InternalError", "The request processing has failed because of an unknown error, exception or failure."
	if e, ok := fault.As(err); ok {
		code, _ = queryError(e.Code)
		message = e.Message
	}
	return shapes.BatchResultErrorEntry{Id: id, Code: &code, Message: &message, SenderFault: ptr(code != "InternalError")}
}
