// Package logs is Amazon CloudWatch Logs: an API over record.Logs, where the
// output of functions is as well.
//
// What exists, groups and streams with their retention and tags, is in the
// store; the events are telemetry and live in package record, which also says
// how long they are kept beyond what a group's retention says. Events of a
// group that was deleted are gone at once and for good.
//
// It has no metric filters, subscription filters, queries or exports. The
// operations that would make them answer that they are not implemented; those
// that list them list none.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs
