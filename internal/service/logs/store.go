package logs

import (
	"context"
	"strings"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The layout, below account and region, in generation 0:
//
//	"group" name          → group
//	"stream" group stream → stream
//	"metric" group filter → metricFilter
//	"subscription" group filter → subscription
//	"definition" id → definition
//
// Values are JSON. The generation does not change when a group is made again
// under its name: nothing of it outlives the deletion.
//
// History: version 1, this one. testdata/layout.golden holds keys and rows to it.
type space struct{ keyspace.Subspace }

func spaceOf(c keyspace.Cell) space { return space{keyspace.Service(c, "logs", 0)} }

func (s space) group(name string) kv.Key { return s.Key().Str("group").Str(name).Done() }
func (s space) groups() kv.Range         { return s.Key().Str("group").Range() }
func (s space) stream(group, name string) kv.Key {
	return s.Key().Str("stream").Str(group).Str(name).Done()
}
func (s space) streams(group string) kv.Range { return s.Key().Str("stream").Str(group).Range() }

// group is the row of a log group.
type group struct {
	Created   clock.Instant
	Retention int32             `json:",omitempty"` // days; 0: for ever
	Class     string            `json:",omitempty"` // empty: STANDARD
	Tags      map[string]string `json:",omitempty"`
}

// oldest is the time of the oldest events that the group's retention lets
// through.
func (g *group) oldest(now clock.Instant) clock.Instant {
	if g.Retention == 0 {
		return 0
	}
	return now.Add(-time.Duration(g.Retention) * 24 * time.Hour)
}

// stream is the row of a log stream.
type stream struct {
	Created clock.Instant
}

// getter is a transaction or a snapshot.
type getter interface {
	Get(k kv.Key) ([]byte, error)
	GetAll(ks ...kv.Key) ([][]byte, error)
}

// viewGroup reads the row of a group that must exist.
func (s *Service) viewGroup(ctx context.Context, name string) (g group, err error) {
	err = s.db.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, spaceOf(cell(ctx)).group(name), &g)
		if err == nil && !ok {
			err = noGroup()
		}
		return err
	})
	return g, err
}

// changeGroup changes the row of a group, which must exist, or fails with
// missing.
func (s *Service) changeGroup(ctx context.Context, name string, missing error, change func(*group) error) error {
	k := spaceOf(cell(ctx)).group(name)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		var g group
		ok, err := jsonrow.Get(tx, k, &g)
		if err != nil {
			return err
		}
		if !ok {
			return missing
		}
		if err := change(&g); err != nil {
			return err
		}
		return jsonrow.Set(tx, k, &g)
	})
	return err
}

const groupPrefix = "log-group:"

// groupName is the group that a request means: by name, or by an identifier
// that is a name or an ARN.
func groupName(ctx context.Context, name, identifier *string) (string, error) {
	switch {
	case name != nil && identifier != nil:
		return "", invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
	case name == nil && identifier == nil:
		return "", invalid("Either logGroupName or logGroupIdentifier must be specified.")
	case identifier == nil:
		return *name, nil
	case !arn.Looks(*identifier):
		return *identifier, nil
	}
	g, ok := groupOfARN(ctx, *identifier)
	if !ok {
		return "", noGroup()
	}
	return g, nil
}

// groupOfARN is the group of an ARN of the account and region of the call.
func groupOfARN(ctx context.Context, s string) (string, bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Service() != "logs" {
		return "", false
	}
	scope := awsapi.From(ctx).Scope
	name, ok := strings.CutPrefix(a.Resource(), groupPrefix)
	if !ok || a.Account() != scope.Account || a.Region() != scope.Region || strings.Contains(name, ":") {
		return "", false
	}
	return name, true
}
