package cloudwatch

import (
	"context"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// States of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

// alarmRow is the row of an alarm: what was put, and its state.
type alarmRow struct {
	Description  string            `json:",omitempty"`
	Disabled     bool              `json:",omitempty"` // its actions are
	OK           []string          `json:",omitempty"` // actions
	Alarm        []string          `json:",omitempty"`
	Insufficient []string          `json:",omitempty"`
	Metric       *metricRow        `json:",omitempty"` // of a metric alarm
	Composite    *compositeRow     `json:",omitempty"` // of a composite one
	Tags         map[string]string `json:",omitempty"`
	Configured   clock.Instant     // the last time
	State        string
	Reason       string
	ReasonData   string        `json:",omitempty"`
	Updated      clock.Instant // when the state was, or its reason
	Transitioned clock.Instant
}

// metricRow is what a metric alarm watches.
type metricRow struct {
	Namespace, Name string                   `json:",omitempty"`
	Dimensions      []shapes.Dimension       `json:",omitempty"`
	Statistic       string                   `json:",omitempty"` // or an extended one
	Period          int32                    `json:",omitempty"`
	Unit            *string                  `json:",omitempty"`
	Queries         []shapes.MetricDataQuery `json:",omitempty"` // in place of all that
	Periods, Points int32                    // N and M
	Threshold       float64
	Operator        string
	Missing         string `json:",omitempty"` // TreatMissingData
	LowSamples      string `json:",omitempty"` // EvaluateLowSampleCountPercentile
}

// compositeRow is what a composite alarm watches.
type compositeRow struct {
	Rule            string
	Suppressor      string        `json:",omitempty"` // name
	Wait, Extension int32         `json:",omitempty"` // seconds
	Pending         string        `json:",omitempty"` // state whose actions are held back
	PendingSince    clock.Instant `json:",omitempty"`
	PendingOld      string        `json:",omitempty"` // state before it
	SuppressedBy    string        `json:",omitempty"` // WaitPeriod, Alarm or ExtensionPeriod
	SuppressedWhy   string        `json:",omitempty"`
	SuppressorOn    bool          `json:",omitempty"` // the suppressor is in ALARM
	SuppressorWas   clock.Instant `json:",omitempty"` // when it went there, or came back
}

// Limits of alarms.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const (
	maxAlarmTags = 50
	maxWindow    = 7 * day
)

// alarmName is an alarm's name, given by it or by its ARN.
func alarmName(id string) string {
	if _, name, ok := strings.Cut(id, ":alarm:"); ok && strings.HasPrefix(id, "arn:") {
		return name
	}
	return id
}

// checkActions refuses actions that nothing would perform.
func (s *Service) checkActions(lists ...[]string) error {
	for _, list := range lists {
		for _, a := range list {
			target, err := arn.Parse(a)
			if err != nil {
				return validation("Invalid arn syntax: %s", a)
			}
			switch target.Service() {
			case "sns", "lambda":
				if s.Emit.Delivers(a) {
					continue
				}
			}
			return validation("nube performs no action %s: alarms notify topics of SNS and functions of Lambda.", a)
		}
	}
	return nil
}

func noAlarm() *fault.Error { return fault.New("ResourceNotFound", "Unknown alarm") }

// keep writes an alarm that was put: what is there keeps its state and tags.
func (s *Service) keep(ctx context.Context, name string, row *alarmRow, tags []shapes.Tag) error {
	c := cell(ctx)
	sp := spaceOf(c)
	now := s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var old alarmRow
		found, err := jsonrow.Get(tx, sp.alarm(name), &old)
		if err != nil {
			return err
		}
		next := *row
		next.Configured = now
		summary := `Alarm "` + name + `" created`
		if found {
			if (old.Metric == nil) != (next.Metric == nil) {
				return validation("An alarm of another type has the name %s.", name)
			}
			summary = `Alarm "` + name + `" updated`
			next.State, next.Reason, next.ReasonData = old.State, old.Reason, old.ReasonData
			next.Updated, next.Transitioned, next.Tags = old.Updated, old.Transitioned, old.Tags
		} else {
			next.State, next.Reason, next.Updated, next.Transitioned = stateInsufficient, "Unchecked: Initial alarm creation", now, now
			if next.Tags, err = withTags(nil, tags); err != nil {
				return err
			}
		}
		if err := s.checkRule(tx, sp, name, &next); err != nil {
			return err
		}
		if err := jsonrow.Set(tx, sp.alarm(name), &next); err != nil {
			return err
		}
		tx.After(func(kv.Stamp) { s.watcher.changed(c, name, &next) })
		return s.note(tx, sp, name, historyRow{At: now, Item: "ConfigurationUpdate", Summary: summary, Composite: next.Composite != nil, Data: next.configuration(name)})
	})
	return err
}

func (s *Service) deleteAlarms(ctx context.Context, in *shapes.DeleteAlarmsInput) (*schema.Empty, error) {
	return &schema.Empty{}, s.removeAlarms(ctx, in.AlarmNames)
}

// removeAlarms deletes alarms, all of them or none: one on which a composite alarm
// that stays depends does not go.
func (s *Service) removeAlarms(ctx context.Context, names []string) error {
	c := cell(ctx)
	sp := spaceOf(c)
	gone := make(map[string]bool)
	for _, n := range names {
		gone[n] = true
	}
	now := s.Clock.Now()
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		for n := range gone {
			var row alarmRow
			found, err := jsonrow.Get(tx, sp.alarm(n), &row)
			if err != nil {
				return err
			}
			if !found {
				return noAlarm()
			}
			tx.Delete(sp.alarm(n))
			if err := s.note(tx, sp, n, historyRow{At: now, Item: "ConfigurationUpdate", Summary: `Alarm "` + n + `" deleted`, Composite: row.Composite != nil, Data: row.configuration(n)}); err != nil {
				return err
			}
			if err := s.Timers.Set(tx, timer.T{Cell: c, Kind: timerHistory, ID: n, Due: now.Add(historyAge)}); err != nil {
				return err
			}
			tx.After(func(kv.Stamp) { s.watcher.changed(c, n, nil) })
		}
		for p, err := range tx.Scan(sp.alarms(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			name, row, err := sp.read(p)
			if err != nil {
				return err
			}
			if row.Composite == nil || gone[name] {
				continue
			}
			for _, child := range row.Composite.children() {
				if gone[child] {
					return validation("Cannot delete %s as it is used by the composite alarm %s.", child, name)
				}
			}
		}
		return nil
	})
	return err
}

// read takes an alarm's row apart.
func (s space) read(p kv.Pair) (string, *alarmRow, error) {
	d := s.Decode(p.Key)
	d.Str()
	name := d.Str()
	row := &alarmRow{}
	if err := d.Done(); err != nil {
		return "", nil, err
	}
	return name, row, jsonrow.Decode(p.Key, p.Value, row)
}

// change changes an alarm that there is.
func (s *Service) change(ctx context.Context, c keyspace.Cell, name string, do func(tx *kv.Tx, row *alarmRow) error) error {
	sp := spaceOf(c)
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		var row alarmRow
		found, err := jsonrow.Get(tx, sp.alarm(name), &row)
		if err != nil {
			return err
		}
		if !found {
			return noAlarm()
		}
		if err := do(tx, &row); err != nil {
			return err
		}
		tx.After(func(kv.Stamp) { s.watcher.changed(c, name, &row) })
		return jsonrow.Set(tx, sp.alarm(name), &row)
	})
	return err
}

// actions are what a state does.
func (r *alarmRow) actions(state string) []string {
	switch state {
	case stateOK:
		return r.OK
	case stateAlarm:
		return r.Alarm
	}
	return r.Insufficient
}

func scopeOf(c keyspace.Cell) arn.Scope { return arn.In(c.Region, c.Account) }

// tick is how often an alarm is evaluated.
func (r *metricRow) tick() time.Duration {
	if r.period() < time.Minute {
		return 10 * time.Second
	}
	return time.Minute
}

// period is that of the points that are compared: of an expression, the shortest
// of its metrics.
func (r *metricRow) period() time.Duration {
	seconds := r.Period
	for _, q := range r.Queries {
		p := value(q.Period)
		if q.MetricStat != nil {
			p = value(q.MetricStat.Period)
		}
		if p > 0 && (seconds == 0 || p < seconds) {
			seconds = p
		}
	}
	if seconds == 0 {
		seconds = 60
	}
	return time.Duration(seconds) * time.Second
}
