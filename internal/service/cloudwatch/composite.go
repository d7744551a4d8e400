package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// Why actions of a composite alarm are held back.
const (
	byAlarm     = "Alarm"
	byWait      = "WaitPeriod"
	byExtension = "ExtensionPeriod"
)

// due is when actions that are held back may be performed; zero where nothing is
// held back, or as long as the suppressor says.
func (c *compositeRow) due() clock.Instant {
	switch c.SuppressedBy {
	case byWait:
		return c.PendingSince.Add(seconds(c.Wait))
	case byExtension:
		return c.SuppressorWas.Add(seconds(c.Extension))
	}
	return 0
}

// ripple evaluates the composite alarms of a cell after others have changed, until
// none changes any more: their rules have no cycles.
func (s *Service) ripple(ctx context.Context, c keyspace.Cell, now clock.Instant) error {
	sp := spaceOf(c)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		rows := make(map[string]*alarmRow)
		var composites []string
		for p, err := range tx.Scan(sp.alarms(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			name, row, err := sp.read(p)
			if err != nil {
				return err
			}
			rows[name] = row
			if row.Composite != nil {
				composites = append(composites, name)
			}
		}
		for again := true; again; {
			again = false
			for _, name := range composites {
				changed, err := s.reconsider(tx, c, name, rows, now)
				if err != nil {
					return err
				}
				again = again || changed
			}
		}
		return nil
	})
	if err != nil {
		s.watcher.again(c, now)
		return fmt.Errorf("composite alarms: %w", err)
	}
	return nil
}

// reconsider evaluates one composite alarm, and reports whether its state has
// changed.
func (s *Service) reconsider(tx *kv.Tx, c keyspace.Cell, name string, rows map[string]*alarmRow, now clock.Instant) (bool, error) {
	row := rows[name]
	rule, err := parseRule(row.Composite.Rule)
	if err != nil {
		return false, fmt.Errorf("rule of %s: %w", name, err)
	}
	stateOf := func(alarm string) string {
		if r := rows[alarm]; r != nil {
			return r.State
		}
		return stateInsufficient
	}
	state := stateOK
	if rule.holds(stateOf) {
		state = stateAlarm
	}
	before, _ := json.Marshal(row.Composite)
	was := row.State
	if state != was {
		reason := fmt.Sprintf("%s transitioned to %s", scopeOf(c).Alarm(name), state)
		if child := newest(rule.alarms(nil), rows); child != "" {
			reason = fmt.Sprintf("%s transitioned to %s at %s", scopeOf(c).Alarm(child), rows[child].State, rows[child].Updated.Time().Format("Monday 02 January, 2006 15:04:05 UTC"))
		}
		if err := s.move(tx, c, name, row, verdict{state: state, reason: reason, data: children(c, rule, rows)}, now); err != nil {
			return false, err
		}
	}
	if err := s.release(tx, c, name, row, stateOf(row.Composite.Suppressor), now); err != nil {
		return false, err
	}
	after, _ := json.Marshal(row.Composite)
	if state == was && string(before) == string(after) {
		return false, nil
	}
	tx.After(func(kv.Stamp) { s.watcher.changed(c, name, row) })
	return state != was, jsonrow.Set(tx, spaceOf(c).alarm(name), row)
}

// newest is the alarm whose state changed last.
func newest(names []string, rows map[string]*alarmRow) string {
	last := ""
	for _, n := range names {
		if rows[n] != nil && (last == "" || rows[n].Updated > rows[last].Updated) {
			last = n
		}
	}
	return last
}

// triggering is an alarm that makes a composite one what it is.
type triggering struct {
	Arn   string `json:"arn"`
	State struct {
		Value     string `json:"value"`
		Timestamp string `json:"timestamp"`
	} `json:"state"`
}

// children is the StateReasonData of a composite alarm.
func children(c keyspace.Cell, rule *ruleNode, rows map[string]*alarmRow) string {
	out := struct {
		Alarms []triggering `json:"triggeringAlarms"`
	}{Alarms: []triggering{}}
	for _, n := range rule.alarms(nil) {
		if rows[n] == nil {
			continue
		}
		t := triggering{Arn: string(scopeOf(c).Alarm(n))}
		t.State.Value, t.State.Timestamp = rows[n].State, stamp(rows[n].Updated)
		out.Alarms = append(out.Alarms, t)
	}
	b, _ := json.Marshal(out)
	return string(b)
}

// hold keeps the actions of a composite alarm with a suppressor back until
// [Service.release] lets them go. Coming back before they were performed, neither
// those of the way there are, nor those of the way back.
func (c *compositeRow) hold(old, state string, now clock.Instant) {
	if c.Pending != "" && c.PendingOld == state {
		c.Pending, c.PendingOld, c.PendingSince = "", "", 0
		return
	}
	if c.Pending == "" {
		c.PendingOld = old
	}
	c.Pending, c.PendingSince = state, now
}

// release performs the actions that were held back, once the suppressor has not
// gone off in time, or is over for long enough.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
func (s *Service) release(tx *kv.Tx, c keyspace.Cell, name string, row *alarmRow, suppressor string, now clock.Instant) error {
	r := row.Composite
	if r.Suppressor == "" {
		return nil
	}
	if on := suppressor == stateAlarm; on != r.SuppressorOn {
		r.SuppressorOn, r.SuppressorWas = on, now
	}
	switch {
	case r.Pending == "":
		r.SuppressedBy, r.SuppressedWhy = "", ""
		if !r.SuppressorOn && r.SuppressorWas != 0 && now >= r.SuppressorWas.Add(seconds(r.Extension)) {
			r.SuppressorWas = 0
		}
		return nil
	case r.SuppressorOn:
		r.SuppressedBy, r.SuppressedWhy = byAlarm, string(scopeOf(c).Alarm(r.Suppressor))+" is in ALARM"
		return nil
	case r.SuppressorWas != 0 && now < r.SuppressorWas.Add(seconds(r.Extension)):
		r.SuppressedBy, r.SuppressedWhy = byExtension, string(scopeOf(c).Alarm(r.Suppressor))+" was in ALARM"
		return nil
	case r.SuppressorWas == 0 && r.Pending == stateAlarm && now < r.PendingSince.Add(seconds(r.Wait)):
		r.SuppressedBy, r.SuppressedWhy = byWait, "waiting for "+string(scopeOf(c).Alarm(r.Suppressor))
		return nil
	}
	old := r.PendingOld
	r.Pending, r.PendingOld, r.PendingSince, r.SuppressedBy, r.SuppressedWhy, r.SuppressorWas = "", "", 0, "", "", 0
	return s.act(tx, c, name, row, old, now)
}

// uses reports whether a composite alarm depends on another.
func (r *alarmRow) uses(name string) bool {
	return r.Composite != nil && slices.Contains(r.Composite.children(), name)
}
