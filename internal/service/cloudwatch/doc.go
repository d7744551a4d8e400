// Package cloudwatch is Amazon CloudWatch: an API over record.Metrics, where what
// the platform measures of itself is as well, alarms that watch metrics, and
// dashboards.
//
// Points are telemetry: they live in package record, bounded by size, and a power
// cut may take the last moments of them. What must not be lost is in the store:
// alarms with their state and history, and dashboards. A change of an alarm's
// state and the notifications that it causes are one commit.
//
// Percentiles and trimmed statistics come from a sketch of the distribution and are
// right within 1 %; of observations that came as a statistic set there is none, and
// no point. As in CloudWatch, points of a second can be read for three hours, those
// of a minute for 15 days, of five minutes for 63 days and of an hour for 455.
//
// What nobody observes but can be measured, what queues hold, is measured by who has it
// when it is about to be read, listed or watched ([Gauges]).
//
// It has no metric streams, Contributor Insights, anomaly detection and images of
// graphs: those operations are refused.
//
// # Alarms
//
// An alarm is evaluated at whole minutes of model time, one of a period below a
// minute every ten seconds. When which alarm is due is in memory only, behind one
// timer for all: an alarm whose state stays costs a read of its metrics and no write.
// The evaluation range is two periods longer than what is compared, as in the tables of
// AWS's page, whatever the period; missing_test.go plays them.
//
// # Rows
//
// In generation 0 of the service "cloudwatch", in the cell of the alarm:
//
//	"alarm" name            → alarmRow, JSON
//	"history" name stamp    → historyRow, JSON
//	"dashboard" name        → dashboardRow, JSON
//
// and in package timer, "cloudwatch-history" for the histories of alarms that were
// deleted.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/Welcome.html
package cloudwatch
