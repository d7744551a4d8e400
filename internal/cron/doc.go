// Package cron reads the schedule expressions of EventBridge rules and of
// EventBridge Scheduler, and says when they are due.
//
//	rate(5 minutes)          every so often since a beginning
//	cron(0 10 ? * MON-FRI *) minutes hours day-of-month month day-of-week year
//	at(2027-01-31T08:30:00)  once; of Scheduler alone
//
// One of the two day fields must be "?". Next to lists, ranges and increments
// the day of the month knows L (the last day), LW (the last weekday) and 15W
// (the weekday that is closest to the 15th, of the same month), and the day of
// the week L (Saturday), 6L (the last Friday) and 3#2 (the second Tuesday). A
// range may go over the end: 22-2 are the hours about midnight. A month that
// does not have a day is left out: 31W is in no February.
//
// Rules are evaluated in UTC, schedules in their time zone. A wall-clock time
// that a zone skips has no occurrence; one that it repeats has one, the first.
// Rates are lengths of time and know no zones: a day is 24 hours.
//
// It has no clock and starts nothing: whoever asks brings the time.
//
// Invariants: what is parsed is immutable and safe for concurrent use; what Next
// returns is after what it was given, and nothing that the expression names lies
// in between; years end with 2199.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
package cron
