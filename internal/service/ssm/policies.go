package ssm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/timer"

	"github.com/nube-run/nube/internal/arn"
)

// policyRow is a policy of a parameter, with when it takes effect.
type policyRow struct {
	Type string
	Text string
	At   clock.Instant
	Done bool `json:",omitempty"`
}

// The kinds of timers. A timer that what it was set for has passed by does
// nothing.
const (
	timerExpire    = "ssm-expire"
	timerExpiring  = "ssm-expiring"
	timerUnchanged = "ssm-unchanged"
)

// readPolicies reads the policies of a parameter.
//
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
func readPolicies(text string, now clock.Instant) ([]policyRow, error) {
	var list []struct {
		Type, Version string
		Attributes    map[string]string
	}
	if text == "" || strings.Join(strings.Fields(text), "") == "[{}]" { // as AWS's examples take policies away
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fault.New("InvalidPolicyAttributeException", "The policies are not a list of policies: %v", err)
	}
	if len(list) > 10 {
		return nil, fault.New("PoliciesLimitExceededException", "A parameter has 10 policies at most")
	}
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fault.New("InvalidPolicyAttributeException", "The policies are not a list of policies: %v", err)
	}
	var out []policyRow
	var expiry clock.Instant
	for i, p := range list {
		row := policyRow{Type: p.Type, Text: string(raw[i])}
		switch p.Type {
		case "Expiration":
			at, err := time.Parse(time.RFC3339, p.Attributes["Timestamp"])
			if err != nil {
				return nil, fault.New("InvalidPolicyAttributeException", "Expiration takes a Timestamp such as 2027-12-02T21:34:33.000Z: %q", p.Attributes["Timestamp"])
			}
			if row.At = clock.At(at); row.At <= now {
				return nil, fault.New("InvalidPolicyAttributeException", "The Timestamp of an expiration is in the future, not %s", p.Attributes["Timestamp"])
			}
			expiry = row.At
		case "ExpirationNotification":
			if _, err := span(p.Attributes["Before"], p.Attributes["Unit"]); err != nil {
				return nil, err
			}
		case "NoChangeNotification":
			d, err := span(p.Attributes["After"], p.Attributes["Unit"])
			if err != nil {
				return nil, err
			}
			row.At = now.Add(d)
		default:
			return nil, fault.New("InvalidPolicyTypeException", "The policy type is not supported: %s. Parameter Store supports Expiration, ExpirationNotification and NoChangeNotification", p.Type)
		}
		out = append(out, row)
	}
	for i, p := range list {
		if p.Type != "ExpirationNotification" {
			continue
		}
		if expiry == 0 {
			return nil, fault.New("IncompatiblePolicyException", "An ExpirationNotification needs an Expiration")
		}
		d, err := span(p.Attributes["Before"], p.Attributes["Unit"])
		if err != nil {
			return nil, err
		}
		out[i].At = expiry.Add(-d)
	}
	return out, nil
}

// renewed are the policies of a parameter that changes now: those that wait for no
// change begin to wait anew.
func renewed(list []policyRow, now clock.Instant) ([]policyRow, error) {
	out := slices.Clone(list)
	for i := range out {
		p := &out[i]
		if p.Type != "NoChangeNotification" {
			continue
		}
		again, err := readPolicies("["+p.Text+"]", now)
		if err != nil {
			return nil, err
		}
		*p = again[0]
	}
	return out, nil
}

// span reads a number of days or hours.
func span(n, unit string) (time.Duration, error) {
	v, err := strconv.Atoi(n)
	switch {
	case err != nil || v < 1 || v > 100_000:
		return 0, fault.New("InvalidPolicyAttributeException", "%q is not a number of days or hours", n)
	case unit == "Days":
		return time.Duration(v) * 24 * time.Hour, nil
	case unit == "Hours":
		return time.Duration(v) * time.Hour, nil
	}
	return 0, fault.New("InvalidPolicyAttributeException", "%q is not a unit: Days or Hours", unit)
}

// timersOf sets what the policies of a parameter wait for.
func (s *Service) timersOf(tx *kv.Tx, n name, row *parameterRow) error {
	for i, p := range row.Policies {
		t := timer.T{Cell: n.cell(), ID: full(n.text), Due: p.At}
		switch p.Type {
		case "Expiration":
			t.Kind = timerExpire
		case "ExpirationNotification":
			t.Kind = timerExpiring
		default:
			t.Kind = timerUnchanged
		}
		if t.Kind != timerExpire {
			t.ID += ":" + strconv.Itoa(i)
		}
		if err := s.Timers.Set(tx, t); err != nil {
			return err
		}
	}
	return nil
}

func inlinePolicies(list []policyRow) []shapes.ParameterInlinePolicy {
	var out []shapes.ParameterInlinePolicy
	for _, p := range list {
		status := "Pending"
		if p.Done {
			status = "Finished"
		}
		out = append(out, shapes.ParameterInlinePolicy{PolicyText: ptr(p.Text), PolicyType: ptr(p.Type), PolicyStatus: &status})
	}
	return out
}

// nameIn is the parameter that a timer is of.
func nameIn(t timer.T, id string) name {
	return name{scope: arn.In(t.Cell.Region, t.Cell.Account), text: id}
}

// fireExpire deletes a parameter that has expired.
func (s *Service) fireExpire(tx *kv.Tx, now clock.Instant, t timer.T) error {
	n := nameIn(t, t.ID)
	var row parameterRow
	if ok, err := jsonrow.Get(tx, n.space().parameter(n.text), &row); err != nil || !ok {
		return err
	}
	for _, p := range row.Policies {
		if p.Type == "Expiration" && p.At <= now {
			return s.remove(tx, n, &row)
		}
	}
	return nil
}

// fireNotice tells of a parameter that will expire, or has not changed for long.
func (s *Service) fireNotice(tx *kv.Tx, now clock.Instant, t timer.T) error {
	id, number := t.ID, 0
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == ':' {
			number, _ = strconv.Atoi(id[i+1:]) // it was written above
			id = id[:i]
			break
		}
	}
	n := nameIn(t, id)
	var row parameterRow
	if ok, err := jsonrow.Get(tx, n.space().parameter(n.text), &row); err != nil || !ok || number >= len(row.Policies) {
		return err
	}
	p := &row.Policies[number]
	if p.At > now || p.Done || p.Type == "Expiration" {
		return nil
	}
	p.Done = true
	if err := s.tell(tx, n, &row, p.Type, p.Text); err != nil {
		return err
	}
	return jsonrow.Set(tx, n.space().parameter(n.text), &row)
}
