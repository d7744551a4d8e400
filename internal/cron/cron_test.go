package cron

import (
	"strings"
	"testing"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func TestNext(t *testing.T) {
	for _, test := range []struct {
		expression, zone, after string
		want                    string // times, separated by spaces; a last "-" is the end
	}{
		{"cron(0 10 * * ? *)", "", "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z 2026-03-03T10:00:00Z"},
		{"cron(15 12 * * ? *)", "", "2026-03-01T12:14:59.9Z", "2026-03-01T12:15:00Z"},
		{"cron(0 18 ? * MON-FRI *)", "", "2026-02-27T18:00:00Z", "2026-03-02T18:00:00Z"},
		{"cron(0 8 1 * ? *)", "", "2026-01-31T00:00:00Z", "2026-02-01T08:00:00Z 2026-03-01T08:00:00Z"},
		{"cron(0/10 * ? * mon-fri *)", "", "2026-02-27T23:50:00Z", "2026-03-02T00:00:00Z 2026-03-02T00:10:00Z"},
		{"cron(0/5 8-17 ? * MON-FRI *)", "", "2026-03-02T17:55:00Z", "2026-03-03T08:00:00Z"},
		{"cron(0/30 20-2 ? * MON-FRI *)", "", "2026-03-03T02:30:00Z", "2026-03-03T20:00:00Z"}, // over midnight
		{"cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", "", "2026-03-02T08:15:00Z", "2026-03-03T08:00:00Z"},
		{"cron(1-31/30 1-1 ? * 1,7 *)", "", "2026-03-01T01:01:00Z", "2026-03-01T01:31:00Z 2026-03-07T01:01:00Z"},
		{"cron(11/10 0 1 1 ? *)", "", "2026-01-01T00:00:00Z", "2026-01-01T00:11:00Z 2026-01-01T00:21:00Z"},
		{"cron(0 0 L * ? *)", "", "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z 2028-03-31T00:00:00Z"},
		{"cron(0 0 LW * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-30T00:00:00Z 2026-02-27T00:00:00Z"},
		{"cron(0 0 3W * ? *)", "", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z 2026-02-03T00:00:00Z 2026-03-03T00:00:00Z"},
		{"cron(0 0 1W * ? *)", "", "2026-07-15T00:00:00Z", "2026-08-03T00:00:00Z"}, // the 1st is a Saturday: not into July
		{"cron(0 0 31W * ? *)", "", "2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z 2026-07-31T00:00:00Z"},
		{"cron(0 0 ? * L *)", "", "2026-03-01T00:00:00Z", "2026-03-07T00:00:00Z"},
		{"cron(0 0 ? * 6L *)", "", "2026-03-01T00:00:00Z", "2026-03-27T00:00:00Z"},
		{"cron(0 0 ? * FRIL *)", "", "2026-03-01T00:00:00Z", "2026-03-27T00:00:00Z"},
		{"cron(0 0 ? * 3#2 *)", "", "2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z 2026-04-14T00:00:00Z"},
		{"cron(0 0 ? * SUN#5 *)", "", "2026-03-01T00:00:00Z", "2026-03-29T00:00:00Z 2026-05-31T00:00:00Z"},
		{"cron(0 0 29 2 ? *)", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"cron(0 0 30 2 ? *)", "", "2026-01-01T00:00:00Z", "-"},
		{"cron(59 23 31 DEC ? 2199)", "", "2026-01-01T00:00:00Z", "2199-12-31T23:59:00Z -"},
		{"cron(0 0 1 1 ? 2025)", "", "2026-01-01T00:00:00Z", "-"},
		{"cron(0 0 1 1 ? 2027-2029/2)", "", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z 2029-01-01T00:00:00Z -"},
		{"cron(0 9 ? * MON *)", "Europe/Berlin", "2026-03-27T00:00:00Z", "2026-03-30T07:00:00Z"},
		// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, daylight savings time
		{"cron(30 2 * * ? *)", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-09T06:30:00Z"},                          // 2:30 on the 8th is skipped
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z 2026-11-02T06:30:00Z"},     // once, though 1:30 is twice
		{"cron(0/30 * * * ? *)", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z 2026-11-01T07:00:00Z"},   // as every time of the hour that is repeated
		{"cron(0 0/1 * * ? *)", "Australia/Lord_Howe", "2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z 2026-10-03T17:00:00Z"}, // half an hour is skipped, with 2:00 in it
		{"at(2026-11-01T01:30:00)", "America/New_York", "2026-01-01T00:00:00Z", "2026-11-01T05:30:00Z -"},
		{"at(2026-03-08T02:30:00)", "America/New_York", "2026-01-01T00:00:00Z", "-"},
		{"rate(1 minute)", "", "2026-01-01T00:00:30Z", "2026-01-01T00:01:00Z"},
		{"rate(7 days)", "America/New_York", "2026-03-05T00:00:00Z", "2026-03-05T00:00:00Z"},
		{"rate(24 hours)", "", "2025-12-30T00:00:00Z", "2026-01-01T00:00:00Z 2026-01-02T00:00:00Z"},
	} {
		e, err := Parse(Scheduler, test.expression)
		if err != nil {
			t.Error(err)
			continue
		}
		zone, err := Zone(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, start := at(t, test.after), at(t, "2026-01-01T00:00:00Z")
		if test.expression == "rate(7 days)" {
			now, start = at(t, "2026-03-04T00:00:00Z"), at(t, "2026-02-26T00:00:00Z")
		}
		for want := range strings.SplitSeq(test.want, " ") {
			got, ok := e.Next(now, start, zone)
			if ok != (want != "-") || ok && !got.Equal(at(t, want)) {
				t.Errorf("%s %s after %s: %v, %v, want %s", test.expression, test.zone, now, got.UTC(), ok, want)
			}
			now = got
		}
	}
}

func TestRefused(t *testing.T) {
	for _, text := range []string{
		"", "rate", "rate(", "rate()", "rate(5)", "rate(0 minutes)", "rate(-1 minutes)", "rate(+5 minutes)", "rate(1.5 hours)", "rate(5 seconds)", "rate(5 weeks)",
		"rate(3 minute)", "rate(1 minutes)", "rate(5minutes)", "Rate(5 minutes)", "rate(5 minutes) ", " rate(10 minutes)", "rate( 10 minutes )", "rate(99999999999 days)", "rate(4000000 days)",
		"at(2026-01-01T00:00:00)", "cron()", "cron(* * * * *)", "cron(* * * * ? * *)", "cron(0/10 * ? * *)",
		"cron(7 20 * * 1-7 *)",    // both days
		"cron(0 0 ? * ? *)",       // neither
		"cron(15 12 ? * -1 *)",    // no day
		"cron(*/60 * * * ? *)",    // minutes are fewer
		"cron(60 * * * ? *)",      // and none is 60
		"cron(0 24 * * ? *)",      // an hour that there is not
		"cron(0 0 0 * ? *)",       // a day
		"cron(0 0 32 * ? *)",      //
		"cron(0 0 1 13 ? *)",      // a month
		"cron(0 0 ? * 0 *)",       // a day of the week
		"cron(0 0 ? * 8 *)",       //
		"cron(0 0 ? * FUN *)",     //
		"cron(0 0 ? * ONT *)",     // letters of two days
		"cron(0 0 ? * 3#6 *)",     //
		"cron(0 0 ? * 3#0 *)",     //
		"cron(0 0 ? * 3#1,6#3 *)", // two expressions
		"cron(0 0 1,L * ? *)",     //
		"cron(0 0 L-3 * ? *)",     //
		"cron(0 0 1W,15W * ? *)",  //
		"cron(0 0 1 1 ? 1969)",    //
		"cron(0 0 1 1 ? 2200)",    //
		"cron(0 0 1 1 ? 2030-2020)",
		"cron(? * * * ? *)", "cron(0 ? 1 * ? *)", "cron(0 0 1 ? ? *)", "cron(L * * * ? *)",
		"cron(0,,1 0 * * ? *)", "cron(1- 0 * * ? *)", "cron(-1 0 * * ? *)", "cron(0/0 0 * * ? *)", "cron(0/ 0 * * ? *)", "cron(0/+5 0 * * ? *)", "cron(+5 0 * * ? *)",
		"cron(0/5, 9-18, ?, *, MON-FRI, *)",
	} {
		if e, err := Parse(Rules, text); err == nil {
			t.Errorf("%q is read as %+v", text, e)
		}
	}
	for _, text := range []string{"at(2026-01-01)", "at(2026-02-30T00:00:00)", "at(2026-01-01T24:00:00)", "at(2026-01-01T00:00:00Z)", "at(2026-1-01T00:00:00)"} {
		if e, err := Parse(Scheduler, text); err == nil {
			t.Errorf("%q is read as %+v", text, e)
		}
	}
	for _, text := range []string{"rate(1 hours)", "rate(2 hour)"} {
		if _, err := Parse(Scheduler, text); err != nil {
			t.Error(err)
		}
	}
}

func TestZone(t *testing.T) {
	for _, name := range []string{"", "UTC", "Europe/Berlin", "America/New_York"} {
		if _, err := Zone(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"Local", "local", "Mars/Olympus", "../etc/passwd"} {
		if z, err := Zone(name); err == nil {
			t.Errorf("%s is %v", name, z)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for _, text := range []string{"cron(0/5 8-17 ? * MON-FRI *)", "cron(0 0 29 2 ? *)"} {
		b.Run(text, func(b *testing.B) {
			e, err := Parse(Rules, text)
			if err != nil {
				b.Fatal(err)
			}
			now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				e.Next(now, now, time.UTC)
			}
		})
	}
}
