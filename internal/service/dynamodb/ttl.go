package dynamodb

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/expr/attr"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Times of the time to live.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
const (
	ttlInterval = time.Hour // between two changes of a table's setting
	ttlYears    = 5         // what was over so many years ago or longer does not expire
)

// updateTimeToLive: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
//
// A table of a few items is ENABLED at once, a larger one ENABLING until all its items have been looked at. When the time
// to live is switched off nothing expires any more once the call has returned, so there is no DISABLING to be seen.
//
// That a setting stays for an hour is a rule for callers from outside. A stack that gives a table a time to live, and then
// fails in another resource, has to take it away again; on AWS it cannot, and the roll-back fails.
func (s *Service) updateTimeToLive(ctx context.Context, in *shapes.UpdateTimeToLiveInput) (*shapes.UpdateTimeToLiveOutput, error) {
	name, err := tableName(ctx, in.TableName)
	if err != nil {
		return nil, err
	}
	c, spec, from := cell(ctx), in.TimeToLiveSpecification, s.origin(ctx)
	outside := awsapi.From(ctx).SourceIP != ""
	s.cells.know(c)
	t, err := s.change(ctx, name, func(tx *kv.Tx, t *table) error {
		if err := t.checkTTL(spec); err != nil {
			return err
		}
		if outside && !t.TTL.Changed.IsZero() && from.at.Sub(t.TTL.Changed) < ttlInterval {
			return validation("Time to live has been modified multiple times within a fixed interval")
		}
		t.TTL = ttl{Enabled: value(spec.Enabled), Attribute: value(spec.AttributeName), Changed: from.at}
		tx.Delete(t.layout.filled(0))
		if t.TTL.Enabled {
			tx.Set(catalogOf(c).expiring(t.ID), []byte(t.Name))
			done, err := t.fillExpiries(tx, from)
			t.TTL.Filling = !done
			return err
		}
		t.TTL.Attribute = ""
		tx.Delete(catalogOf(c).expiring(t.ID))
		tx.DeleteRange(t.layout.expiries())
		return nil
	})
	if err != nil {
		return nil, err
	}
	if t.TTL.Filling {
		s.fillExpiry(c, name, t.ID)
	}
	return &shapes.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

// checkTTL checks that a change of the time to live is one.
func (t *table) checkTTL(spec *shapes.TimeToLiveSpecification) error {
	on, attribute := value(spec.Enabled), value(spec.AttributeName)
	switch {
	case on && t.TTL.Enabled && t.TTL.Attribute == attribute:
		return validation("TimeToLive is already enabled")
	case !on && !t.TTL.Enabled:
		return validation("TimeToLive is already disabled")
	case t.TTL.Enabled && t.TTL.Attribute != attribute:
		return validation("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.TTL.Attribute)
	}
	return nil
}

// describeTimeToLive: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html
func (s *Service) describeTimeToLive(ctx context.Context, in *shapes.DescribeTimeToLiveInput) (*shapes.DescribeTimeToLiveOutput, error) {
	out := &shapes.TimeToLiveDescription{TimeToLiveStatus: ptr("DISABLED")}
	err := s.lookAt(ctx, in.TableName, func(t *table) {
		switch {
		case t.TTL.Filling:
			out.TimeToLiveStatus, out.AttributeName = ptr("ENABLING"), &t.TTL.Attribute
		case t.TTL.Enabled:
			out.TimeToLiveStatus, out.AttributeName = ptr("ENABLED"), &t.TTL.Attribute
		}
	})
	return &shapes.DescribeTimeToLiveOutput{TimeToLiveDescription: out}, err
}

// expires is the second at which an item expires, if it does. Values that are no numbers do not count, nor do times that
// were long past when the item was written. Fractions of a second are cut off.
func (t *table) expires(item attr.Item, written instant) (seconds int64, ok bool) {
	if item.IsZero() {
		return 0, false
	}
	v := item.Get(t.TTL.Attribute)
	if v.Kind() != attr.N {
		return 0, false
	}
	seconds, ok = wholeNumber(v.Number())
	if !ok {
		return 0, false
	}
	oldest := written.Time().AddDate(-ttlYears, 0, 0).Unix()
	return seconds, seconds > oldest && seconds <= lastSecond
}

// lastSecond is the last second that instants can tell, in the year 2262. What expires later never does.
const lastSecond = (1<<63 - 1) / int64(time.Second)

// wholeNumber is the part of a number before its decimal point, if it is one of an int64.
func wholeNumber(n attr.Number) (whole int64, ok bool) {
	const limit = (1<<63 - 1) / 10
	text := n.Append(make([]byte, 0, 40))
	for _, c := range text {
		switch {
		case c == '.':
			return whole, true
		case c == '-' || whole >= limit:
			return 0, false
		}
		whole = whole*10 + int64(c-'0')
	}
	return whole, true
}

// storeExpiry brings an item's place in the order of expiry up to date.
func (t *table) storeExpiry(tx *kv.Tx, key kv.Key, before, after attr.Item, from origin) {
	was, had := t.expires(before, 0) // however old: it may have been put there when it was not
	is, has := t.expires(after, from.at)
	if had && (!has || was != is) {
		tx.Delete(t.layout.expiry(was, key))
	}
	if has && (!had || was != is) {
		tx.Set(t.layout.expiry(is, key), nil)
		if from.will != nil {
			tx.After(func(kv.Stamp) { from.will(instant(is) * instant(time.Second)) })
		}
	}
}

// fillExpiry puts the items that were there before the time to live was switched on into the order of expiry, as backfill
// fills an index.
func (s *Service) fillExpiry(c keyspace.Cell, name string, id uint64) {
	s.spawn("dynamodb: find out which items expire", func(ctx context.Context) error {
		for done := false; !done; {
			from := s.origin(ctx)
			_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
				var err error
				done, err = s.fillExpiryOf(tx, c, name, id, from)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// fillExpiryOf runs one step for a table that is still to be filled, and reports whether it was the last one.
func (s *Service) fillExpiryOf(tx *kv.Tx, c keyspace.Cell, name string, id uint64, from origin) (done bool, err error) {
	t, err := s.table(tx, c, name)
	if err != nil {
		return false, err
	}
	if t == nil || t.ID != id || !t.TTL.Filling {
		return true, nil
	}
	done, err = t.fillExpiries(tx, from)
	if err != nil || !done {
		return false, err
	}
	ready := t.next()
	ready.TTL.Filling = false
	return true, s.save(tx, c, ready)
}

// fillExpiries runs one step and reports whether it was the last one.
func (t *table) fillExpiries(tx *kv.Tx, from origin) (done bool, err error) {
	return t.step(tx, 0, func(key kv.Key, item attr.Item) error {
		t.storeExpiry(tx, key, attr.Item{}, item, from)
		return nil
	})
}
