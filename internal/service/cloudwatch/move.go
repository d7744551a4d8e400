package cloudwatch

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/delivery"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

// Principals under which alarms act.
const (
	principal       = "cloudwatch.amazonaws.com"
	lambdaPrincipal = "lambda.alarms.cloudwatch.amazonaws.com"
	eventsPrincipal = "events.amazonaws.com"
)

// actionAge is how long an action is tried.
const actionAge = time.Hour

const maxSubject = 99

// move gives an alarm a state, and emits what that causes. The caller writes the
// row.
func (s *Service) move(tx *kv.Tx, c keyspace.Cell, name string, row *alarmRow, v verdict, now clock.Instant) error {
	old := *row
	row.State, row.Reason, row.ReasonData, row.Updated = v.state, v.reason, v.data, now
	if old.State == v.state {
		return nil
	}
	row.Transitioned = now
	data := marshal(struct {
		Version  string     `json:"version"`
		OldState shortState `json:"oldState"`
		NewState shortState `json:"newState"`
	}{"1.0", old.short(), row.short()})
	err := s.note(tx, spaceOf(c), name, historyRow{
		At: now, Item: "StateUpdate", Summary: "Alarm updated from " + old.State + " to " + v.state, Composite: row.Composite != nil, Data: data,
	})
	if err != nil {
		return err
	}
	if err := s.announce(tx, c, name, &old, row, now); err != nil {
		return err
	}
	if row.Composite != nil && row.Composite.Suppressor != "" && !row.Disabled {
		row.Composite.hold(old.State, v.state, now)
		return nil
	}
	return s.actFrom(tx, c, name, &old, row, now)
}

// act performs the actions of an alarm's state, coming from another.
func (s *Service) act(tx *kv.Tx, c keyspace.Cell, name string, row *alarmRow, old string, now clock.Instant) error {
	was := *row
	was.State = old
	return s.actFrom(tx, c, name, &was, row, now)
}

func (s *Service) actFrom(tx *kv.Tx, c keyspace.Cell, name string, old, row *alarmRow, now clock.Instant) error {
	if row.Disabled {
		return nil
	}
	self := string(scopeOf(c).Alarm(name))
	for _, a := range row.actions(row.State) {
		e := delivery.Effect{
			Cell: c, Target: a, Actor: delivery.ActorRef{Account: c.Account, Service: principal}, SourceARN: self, At: now,
			Policy: delivery.Policy{MaxAge: actionAge},
		}
		switch arn.ARN(a).Service() {
		case "lambda":
			e.Actor.Service, e.Payload = lambdaPrincipal, lambdaEvent(c, name, old, row, now)
		default:
			m := delivery.Message{Subject: subject(fmt.Sprintf("%s: %q in %s", row.State, name, regionName(c.Region)))}
			head, err := m.Head()
			if err != nil {
				return err
			}
			e.Kind, e.Head, e.Payload = delivery.KindMessage, head, notification(c, name, old.State, row, now)
		}
		if err := s.Emit.Emit(tx, e); err != nil {
			return fmt.Errorf("action %s of alarm %s: %w", a, name, err)
		}
		err := s.note(tx, spaceOf(c), name, historyRow{
			At: now, Item: "Action", Summary: "Successfully executed action " + a, Composite: row.Composite != nil,
			Data: marshal(map[string]string{"actionState": "Succeeded", "notificationResource": a, "stateUpdateTimestamp": stamp(row.Updated)}),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// subject is what SNS takes for one: a line of up to a hundred characters of ASCII.
func subject(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b[:min(len(b), maxSubject)])
}

// announce tells the default event bus of a change of state.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
func (s *Service) announce(tx *kv.Tx, c keyspace.Cell, name string, old, row *alarmRow, now clock.Instant) error {
	bus := string(scopeOf(c).EventBus("default"))
	if !s.Emit.Delivers(bus) {
		return nil
	}
	self := string(scopeOf(c).Alarm(name))
	event := marshal(map[string]any{
		"version": "0", "id": idOf(self, row.State, now), "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch", "account": c.Account,
		"time": now.Time().Format(time.RFC3339), "region": c.Region, "resources": []string{self},
		"detail": map[string]any{"alarmName": name, "state": row.eventState(), "previousState": old.eventState(), "configuration": row.eventConfiguration(c)},
	})
	return s.Emit.Emit(tx, delivery.Effect{
		Cell: c, Target: bus, Kind: "event", Payload: []byte(event), Actor: delivery.ActorRef{Account: c.Account, Service: eventsPrincipal}, SourceARN: self, At: now,
		Policy: delivery.Policy{MaxAge: day},
	})
}

// marshal is JSON of what can always be written so.
func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cloudwatch: %v", err))
	}
	return string(b)
}
