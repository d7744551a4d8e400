package cloud

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/record"
	"github.com/nube-run/nube/internal/service/sqs"
)

// meters turns what services report into the records' meters.
type meters struct {
	recorder *record.Recorder
	model    *clock.Model
	platform *platform
}

// Consumed implements dynamodb.Meter.
func (m *meters) Consumed(_ context.Context, table arn.ARN, read, write float64) {
	p, now := table.Parts(), m.model.Now()
	m.platform.consumed(table, read, write)
	if read > 0 {
		m.recorder.Metrics.Meter(p.Account, p.Region, string(table), record.ReadUnits).Observe(now, read)
	}
	if write > 0 {
		m.recorder.Metrics.Meter(p.Account, p.Region, string(table), record.WriteUnits).Observe(now, write)
	}
}

// Mailed implements ses.Meter.
func (m *meters) Mailed(_ context.Context, identity arn.ARN, recipients int) {
	p := identity.Parts()
	m.recorder.Metrics.Meter(p.Account, p.Region, string(identity), record.Emails).Observe(m.model.Now(), float64(recipients))
}

// Requested implements sqs.Meter.
func (m *meters) Requested(_ context.Context, queue arn.ARN, requests float64) {
	p := queue.Parts()
	m.recorder.Metrics.Meter(p.Account, p.Region, string(queue), record.Requests).Observe(m.model.Now(), requests)
}

// Received implements sqs.Meter.
func (m *meters) Received(queue arn.ARN, messages int) { m.platform.received(queue, messages) }

// Deleted implements sqs.Meter.
func (m *meters) Deleted(queue arn.ARN, messages int) { m.platform.deleted(queue, messages) }

// Depth implements sqs.Meter.
func (m *meters) Depth(queue arn.ARN, minute clock.Instant, d sqs.Depth) {
	m.platform.depth(queue, minute, d)
}
