// Package logs is Amazon CloudWatch Logs: an API over record.Logs, where the
// output of functions is as well.
//
// What exists, groups and streams with their retention and tags, is in the
// store; the events are telemetry and live in package record, which also says
// how long they are kept beyond what a group's retention says. Events of a
// group that was deleted are gone at once and for good.
//
// What follows of events that are written follows at once ([Service.Derive]): the
// metrics that they hold in the embedded format, those of metric filters, and the
// calls of subscribed functions, which are effects. It passes events on to functions
// alone, and has no exports. Queries of Insights are answered when they are asked,
// and their answers kept in memory.
//
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
package logs
