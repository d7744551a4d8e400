package cron

import "time"

// wall is what a clock on a wall shows.
type wall struct {
	year                             int
	month, day, hour, minute, second int
}

func wallOf(t time.Time) wall {
	y, m, d := t.Date()
	return wall{y, int(m), d, t.Hour(), t.Minute(), t.Second()}
}

// in is the first time at which a clock in a zone shows w; false when the zone
// skips it.
func (w wall) in(zone *time.Location) (time.Time, bool) {
	t := time.Date(w.year, time.Month(w.month), w.day, w.hour, w.minute, w.second, 0, zone)
	if wallOf(t) != w {
		return t, false
	}
	// A clock that has been put back may have shown it before.
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return t, true
	}
	_, before := start.Add(-time.Second).Zone()
	_, now := t.Zone()
	if earlier := t.Add(time.Duration(now-before) * time.Second); before > now && wallOf(earlier) == w {
		return earlier, true
	}
	return t, true
}

// next returns the first occurrence after t.
func (f *fields) next(t time.Time, zone *time.Location) (time.Time, bool) {
	w := wallOf(t.In(zone))
	w.second = 0
	// A clock that was put back shows times again whose occurrence is over; so
	// the search may have to go on.
	for {
		var ok bool
		if w, ok = f.following(w); !ok {
			return time.Time{}, false
		}
		if at, ok := w.in(zone); ok && at.After(t) {
			return at, true
		}
	}
}

// following is the first time of the clock after w that the fields name.
func (f *fields) following(w wall) (wall, bool) {
	w.minute++
	for ; w.year <= lastYear; w = (wall{year: w.year + 1, month: 1, day: 1}) {
		if !f.hasYear(w.year) {
			continue
		}
		for m := after(f.months, w.month); m >= 0; m = after(f.months, m+1) {
			if m != w.month {
				w = wall{year: w.year, month: m, day: 1}
			}
			if found, ok := f.inMonth(w); ok {
				return found, true
			}
		}
	}
	return w, false
}

// inMonth is the first time from w on in its month.
func (f *fields) inMonth(w wall) (wall, bool) {
	days := f.daysOf(w.year, w.month)
	for d := after(days, w.day); d >= 0; d = after(days, d+1) {
		if d != w.day {
			w = wall{year: w.year, month: w.month, day: d}
		}
		for h := after(f.hours, w.hour); h >= 0; h = after(f.hours, h+1) {
			if h != w.hour {
				w.hour, w.minute = h, 0
			}
			if m := after(f.minutes, w.minute); m >= 0 {
				w.minute = m
				return w, true
			}
		}
	}
	return w, false
}

// daysOf are the days of a month that the fields name.
func (f *fields) daysOf(year, month int) uint64 {
	first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
	n := first.AddDate(0, 1, -1).Day()
	inMonth := uint64(1)<<(n+1) - 2
	dayOfWeek := func(day int) int { return (int(first.Weekday())+day-1)%7 + 1 }
	if f.week.any {
		m := &f.month
		days := m.days & inMonth
		if m.last {
			days = 1 << n
		}
		if !m.weekday || days == 0 {
			return days
		}
		return 1 << closest(after(days, 1), n, dayOfWeek)
	}
	w := &f.week
	var days uint64
	seen := 0
	for day := 1; day <= n; day++ {
		switch d := dayOfWeek(day); {
		case w.last != 0:
			if d == w.last && day > n-7 {
				days |= 1 << day
			}
		case w.nth != 0:
			if d == w.ofNth {
				if seen++; seen == w.nth {
					days |= 1 << day
				}
			}
		case w.days>>d&1 == 1:
			days |= 1 << day
		}
	}
	return days
}

// closest is the weekday that is closest to a day of a month of n days, and in
// the same month.
func closest(day, n int, dayOfWeek func(int) int) int {
	switch d := dayOfWeek(day); {
	case d == 7 && day == 1:
		return 3
	case d == 7:
		return day - 1
	case d == 1 && day == n:
		return day - 2
	case d == 1:
		return day + 1
	}
	return day
}
