package sqs

import "hash/fnv"

// lane is a part of a queue's index. Lanes are served in turn, so that what lies in
// one does not hold up the others.
type lane uint8

// The lanes of a queue.
const (
	plain   lane = 0  // messages without a group; the groups of a FIFO queue
	fair    lane = 1  // to 16: messages of a standard queue with a group
	delayed lane = 17 // messages that nobody has received, as they were delayed
	held    lane = 18 // what a mapping holds
	lanes        = 19
)

const fairLanes = delayed - fair

// laneOf is the lane of a message of a standard queue. Its group, the tenant, is
// one of many that share a lane: however many messages one tenant has waiting, it
// is at most the tenants of its own lane that wait behind them.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
func laneOf(group string) lane {
	if group == "" {
		return plain
	}
	h := fnv.New32a()
	h.Write([]byte(group))
	return fair + lane(h.Sum32()%uint32(fairLanes))
}
