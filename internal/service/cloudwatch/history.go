package cloudwatch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"
)

// historyRow is an item of an alarm's history.
type historyRow struct {
	At        clock.Instant
	Item      string // ConfigurationUpdate, StateUpdate or Action
	Summary   string
	Composite bool   `json:",omitempty"`
	Data      string `json:",omitempty"`
}

// historyAge is how long an alarm's history is kept.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarmHistory.html
const historyAge = 30 * 24 * time.Hour

// timerHistory is of an alarm that was deleted: when it fires, its history is too old
// to be shown.
const timerHistory = "cloudwatch-history"

// fireHistory forgets the history of an alarm that was deleted, unless there is
// another one of its name.
func (s *Service) fireHistory(tx *kv.Tx, _ clock.Instant, t timer.T) error {
	sp := spaceOf(t.Cell)
	row, err := tx.Get(sp.alarm(t.ID))
	if err == nil && row == nil {
		tx.DeleteRange(sp.historyOf(t.ID))
	}
	return err
}

// note adds an item to an alarm's history. Two of the oldest that are too old make
// room for it.
func (s *Service) note(tx *kv.Tx, sp space, alarm string, h historyRow) error {
	for p, err := range tx.Peek().Scan(sp.historyOf(alarm), kv.ScanOptions{Limit: 2}) {
		if err != nil {
			return err
		}
		var old historyRow
		if err := jsonrow.Decode(p.Key, p.Value, &old); err != nil {
			return err
		}
		if old.At < h.At.Add(-historyAge) {
			tx.Delete(p.Key)
		}
	}
	tx.Append(sp.history(alarm), nil, []byte(marshal(h)))
	return nil
}

func (s *Service) describeAlarmHistory(ctx context.Context, in *shapes.DescribeAlarmHistoryInput) (*shapes.DescribeAlarmHistoryOutput, error) {
	start, err := parseOffset(in.NextToken)
	if err != nil {
		return nil, err
	}
	sp := spaceOf(cell(ctx))
	r := sp.histories()
	if in.AlarmName != nil {
		r = sp.historyOf(*in.AlarmName)
	}
	oldest := s.Clock.Now().Add(-historyAge)
	var found []shapes.AlarmHistoryItem
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		found = nil
		for p, err := range snap.Scan(r, kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			d.Str()
			name := d.Str()
			var h historyRow
			if err := jsonrow.Decode(p.Key, p.Value, &h); err != nil {
				return err
			}
			if h.At >= oldest && h.wanted(in) {
				found = append(found, h.shape(name))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("alarm history: %w", err)
	}
	slices.SortStableFunc(found, func(a, b shapes.AlarmHistoryItem) int { return cmp.Compare(*a.Timestamp, *b.Timestamp) })
	if value(in.ScanBy) != "TimestampAscending" {
		slices.Reverse(found)
	}
	out := &shapes.DescribeAlarmHistoryOutput{AlarmHistoryItems: []shapes.AlarmHistoryItem{}}
	n := int(value(or(in.MaxRecords, 100)))
	for i := start; i < len(found); i++ {
		if i == start+n {
			out.NextToken = offset(i)
			break
		}
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, found[i])
	}
	return out, nil
}

func typeOf(composite bool) string {
	if composite {
		return "CompositeAlarm"
	}
	return "MetricAlarm"
}

func (h *historyRow) wanted(in *shapes.DescribeAlarmHistoryInput) bool {
	return (in.HistoryItemType == nil || h.Item == *in.HistoryItemType) && (in.StartDate == nil || h.At >= *in.StartDate) && (in.EndDate == nil || h.At <= *in.EndDate) &&
		(len(in.AlarmTypes) == 0 && (in.AlarmName != nil || !h.Composite) || slices.Contains(in.AlarmTypes, typeOf(h.Composite)))
}

func (h *historyRow) shape(name string) shapes.AlarmHistoryItem {
	return shapes.AlarmHistoryItem{AlarmName: &name, AlarmType: ptr(typeOf(h.Composite)), Timestamp: &h.At, HistoryItemType: &h.Item, HistorySummary: &h.Summary, HistoryData: &h.Data}
}
