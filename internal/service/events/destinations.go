package events

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// destinationRow is the row of an API destination.
type destinationRow struct {
	ID                string
	Connection        string // by its ARN
	Endpoint, Method  string
	PerSecond         int32
	Created, Modified clock.Instant
	Description       string `json:",omitempty"`
}

// of are the parameters for an event: where a value is a path, what it leads to in
// the event as it was before it was transformed. A header or a part of the query
// whose path leads to nothing is left out.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#dynamic-path-parameters
func (p *httpParameters) of(event []byte) *httpParameters {
	if p == nil {
		return nil
	}
	out := &httpParameters{}
	for _, v := range p.Path {
		is, _ := dynamic(v, event)
		out.Path = append(out.Path, is)
	}
	each := func(from map[string]string) map[string]string {
		to := make(map[string]string, len(from))
		for k, v := range from {
			if is, ok := dynamic(v, event); ok {
				to[k] = is
			}
		}
		return to
	}
	out.Headers, out.Query = each(p.Headers), each(p.Query)
	return out
}

// dynamic is what a path leads to, a string without its quotes; what is no path is
// what it says. It is false for a path that leads to nothing.
func dynamic(v string, event []byte) (string, bool) {
	p, err := parsePath(v)
	if err != nil {
		return v, true
	}
	found := p.find(event)
	var text string
	if json.Unmarshal(found, &text) == nil && found[0] == '"' {
		return text, true
	}
	return string(found), found != nil
}

// defaultRate is how often a destination is called in a second, at most, unless it
// says otherwise.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
const defaultRate = 300

func accessCreateDestination(ctx context.Context, in *shapes.CreateApiDestinationRequest) ([]awsapi.Access, error) {
	return append(need("CreateApiDestination", named(ctx, in.Name).other("api-destination"), nil), need("CreateApiDestination", value(in.ConnectionArn), nil)...), nil
}

// check refuses what could not be called. AWS takes HTTPS alone; here an endpoint
// may be the application's own.
func (s *Service) checkDestination(ctx context.Context, row *destinationRow) error {
	u, err := url.Parse(strings.ReplaceAll(row.Endpoint, "*", "x"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return invalid("Parameter InvocationEndpoint is not valid. Reason: %s is no URL of HTTP or HTTPS.", row.Endpoint)
	}
	n, id, ok := idOfARN("connection", row.Connection)
	if !ok {
		return invalid("Parameter ConnectionArn is not valid. Reason: Provided Arn is not in correct format.")
	}
	c, err := s.viewConnection(ctx, n)
	if err == nil && c.ID != id {
		err = notFound("Connection '%s' does not exist.", n.name)
	}
	return err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateApiDestination.html
func (s *Service) createDestination(ctx context.Context, in *shapes.CreateApiDestinationRequest) (*shapes.CreateApiDestinationResponse, error) {
	n := named(ctx, in.Name)
	now := s.Clock.Now()
	row := destinationRow{
		ID: awsapi.NewID(), Connection: value(in.ConnectionArn), Endpoint: value(in.InvocationEndpoint), Method: value(in.HttpMethod), PerSecond: defaultRate,
		Created: now, Modified: now, Description: value(in.Description),
	}
	if in.InvocationRateLimitPerSecond != nil {
		row.PerSecond = *in.InvocationRateLimitPerSecond
	}
	if err := s.checkDestination(ctx, &row); err != nil {
		return nil, err
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("destination", n.name)
		switch old, err := tx.Get(k); {
		case err != nil:
			return err
		case old != nil:
			return alreadyThere("An api-destination '%s' already exists.", n.name)
		}
		return jsonrow.Set(tx, k, &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateApiDestinationResponse{
		ApiDestinationArn: ptr(n.withID("api-destination", row.ID)), ApiDestinationState: ptr("ACTIVE"), CreationTime: &now, LastModifiedTime: &now,
	}, nil
}

func (s *Service) viewDestination(ctx context.Context, n bus) (row destinationRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.space().named("destination", n.name), &row)
		if err == nil && !ok {
			err = notFound("Failed to describe the api-destination(s). An api-destination '%s' does not exist.", n.name)
		}
		return err
	})
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateApiDestination.html
func (s *Service) updateDestination(ctx context.Context, in *shapes.UpdateApiDestinationRequest) (*shapes.UpdateApiDestinationResponse, error) {
	n := named(ctx, in.Name)
	old, err := s.viewDestination(ctx, n)
	if err != nil {
		return nil, err
	}
	row := old
	for into, to := range map[*string]*string{
		&row.Connection: in.ConnectionArn, &row.Endpoint: in.InvocationEndpoint, &row.Method: in.HttpMethod, &row.Description: in.Description,
	} {
		if to != nil {
			*into = *to
		}
	}
	if in.InvocationRateLimitPerSecond != nil {
		row.PerSecond = *in.InvocationRateLimitPerSecond
	}
	row.Modified = s.Clock.Now()
	if err := s.checkDestination(ctx, &row); err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("destination", n.name)
		var is destinationRow
		if ok, err := jsonrow.Get(tx, k, &is); err != nil || !ok || is != old {
			if err == nil {
				err = concurrent()
			}
			return err
		}
		return jsonrow.Set(tx, k, &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.UpdateApiDestinationResponse{
		ApiDestinationArn: ptr(n.withID("api-destination", row.ID)), ApiDestinationState: ptr("ACTIVE"), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeApiDestination.html
func (s *Service) describeDestination(ctx context.Context, in *shapes.DescribeApiDestinationRequest) (*shapes.DescribeApiDestinationResponse, error) {
	n := named(ctx, in.Name)
	row, err := s.viewDestination(ctx, n)
	if err != nil {
		return nil, err
	}
	return &shapes.DescribeApiDestinationResponse{
		ApiDestinationArn: ptr(n.withID("api-destination", row.ID)), Name: &n.name, Description: given(row.Description), ApiDestinationState: ptr("ACTIVE"),
		ConnectionArn: &row.Connection, InvocationEndpoint: &row.Endpoint, HttpMethod: &row.Method, InvocationRateLimitPerSecond: &row.PerSecond,
		CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteApiDestination.html
func (s *Service) deleteDestination(ctx context.Context, in *shapes.DeleteApiDestinationRequest) (*shapes.DeleteApiDestinationResponse, error) {
	n := named(ctx, in.Name)
	if _, err := s.viewDestination(ctx, n); err != nil {
		return nil, err
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error { tx.Delete(n.space().named("destination", n.name)); return nil })
	return &shapes.DeleteApiDestinationResponse{}, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListApiDestinations.html
func (s *Service) listDestinations(ctx context.Context, in *shapes.ListApiDestinationsRequest) (*shapes.ListApiDestinationsResponse, error) {
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	n := bus{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	out := &shapes.ListApiDestinationsResponse{ApiDestinations: []shapes.ApiDestination{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		out.NextToken, err = p.list(snap, sp.Subspace, sp.all("destination"), 1, value(in.NamePrefix), func(name string, kvs kv.Pair) (bool, error) {
			var row destinationRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, err
			}
			if in.ConnectionArn != nil && *in.ConnectionArn != row.Connection {
				return false, nil
			}
			out.ApiDestinations = append(out.ApiDestinations, shapes.ApiDestination{
				ApiDestinationArn: ptr(bus{n.scope, name}.withID("api-destination", row.ID)), Name: &name, ApiDestinationState: ptr("ACTIVE"),
				ConnectionArn: &row.Connection, InvocationEndpoint: &row.Endpoint, HttpMethod: &row.Method, InvocationRateLimitPerSecond: &row.PerSecond,
				CreationTime: &row.Created, LastModifiedTime: &row.Modified,
			})
			return true, nil
		})
		return err
	})
	return out, err
}
