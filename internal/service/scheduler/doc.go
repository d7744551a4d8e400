// Package scheduler is Amazon EventBridge Scheduler: schedules, once or again and
// again, in a time zone, each with a target that is called with a role.
//
// A schedule has one timer (package timer); when it fires, the call of the target
// is emitted as an effect ([delivery.Emit]) in the transaction that sets the next
// one. The call is made with the schedule's role, which must trust Scheduler then,
// with the role's policies, and is tried again as the schedule's retry policy
// says; what is given up goes to its dead-letter queue.
//
// Targets are Lambda functions, SQS queues, SNS topics and event buses, and as
// universal targets all operations that change something of all services of the
// cloud. Others are refused when a schedule is made. KmsKeyArn is kept and
// described; nothing is encrypted with it.
//
// # When
//
// Expressions are package cron's. What a time zone skips is not run; what it
// repeats is run once. A rate begins at StartDate, or at once; a one-time schedule
// knows neither StartDate nor EndDate. With a flexible window a call comes
// somewhere in it: where is made of the schedule's name and the time, so that a
// replay is as the original. A one-time schedule that fell due while the cloud was
// down is run late; of a recurring one, what fell due more than five minutes ago is
// left out.
//
// # Rows
//
// In generation 0 of the service "scheduler":
//
//	"group" name          → group; the default one has a row only once it has tags
//	"schedule" group name → schedule
//
// Values are JSON. Timers of the kind "scheduler" (id: group and name) lie with
// package timer's; their payload is the time that the schedule names, which with a
// flexible window is before they are due.
//
// History: version 1, this one; rows that were written before they had a Token have
// none. testdata/layout.golden holds keys and rows to it.
//
// https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
package scheduler
