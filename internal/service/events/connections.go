package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/events"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The kinds of authorization.
const (
	authBasic = "BASIC"
	authOAuth = "OAUTH_CLIENT_CREDENTIALS"
	authKey   = "API_KEY"
)

// The states of a connection.
const (
	authorized   = "AUTHORIZED"
	deauthorized = "DEAUTHORIZED"
)

// connectionRow is the row of a connection.
type connectionRow struct {
	ID                string
	Kind              string
	State             string
	Created, Modified clock.Instant
	Description       string `json:",omitempty"`
	// Sealed are the credentials, bound to the connection's id.
	Sealed []byte `json:",omitempty"`
}

// credentials are what a connection knows.
type credentials struct {
	Name   string     `json:",omitempty"` // of a user, a header or a client
	Secret string     `json:",omitempty"`
	Call   parameters // of each request
	// Of OAuth:
	Endpoint, Method string     `json:",omitempty"`
	Token            parameters // of the requests for tokens
}

// parameters are what a connection adds to requests.
type parameters struct {
	Headers, Query, Body []parameter `json:",omitempty"`
}

type parameter struct {
	Key, Value string
	Secret     bool `json:",omitempty"`
}

// arn of a connection, or an API destination, has an id behind its name.
func (b bus) withID(kind, id string) string { return b.other(kind) + "/" + id }

// idOfARN divides the name and the id in the ARN of a connection or an API
// destination.
func idOfARN(kind, text string) (bus, string, bool) {
	a, err := arn.Parse(text)
	rest, ok := strings.CutPrefix(a.Resource(), kind+"/")
	name, id, hasID := strings.Cut(rest, "/")
	return bus{a.Scope(), name}, id, err == nil && ok && hasID && a.Service() == "events"
}

// bound is what a connection's credentials are bound to.
func (c *connectionRow) bound() []byte { return []byte("connection " + c.ID) }

func readParameters(in *shapes.ConnectionHttpParameters) (p parameters) {
	if in == nil {
		return p
	}
	is := func(b *bool) bool { return b == nil || *b }
	for _, h := range in.HeaderParameters {
		p.Headers = append(p.Headers, parameter{value(h.Key), value(h.Value), is(h.IsValueSecret)})
	}
	for _, q := range in.QueryStringParameters {
		p.Query = append(p.Query, parameter{value(q.Key), value(q.Value), is(q.IsValueSecret)})
	}
	for _, b := range in.BodyParameters {
		p.Body = append(p.Body, parameter{value(b.Key), value(b.Value), is(b.IsValueSecret)})
	}
	return p
}

// shape shows parameters, but no secrets.
func (p *parameters) shape() *shapes.ConnectionHttpParameters {
	if len(p.Headers)+len(p.Query)+len(p.Body) == 0 {
		return nil
	}
	out := &shapes.ConnectionHttpParameters{}
	shown := func(x parameter) *string {
		if x.Secret {
			return nil
		}
		return &x.Value
	}
	for _, x := range p.Headers {
		out.HeaderParameters = append(out.HeaderParameters, shapes.ConnectionHeaderParameter{Key: &x.Key, Value: shown(x), IsValueSecret: &x.Secret})
	}
	for _, x := range p.Query {
		out.QueryStringParameters = append(out.QueryStringParameters, shapes.ConnectionQueryStringParameter{Key: &x.Key, Value: shown(x), IsValueSecret: &x.Secret})
	}
	for _, x := range p.Body {
		out.BodyParameters = append(out.BodyParameters, shapes.ConnectionBodyParameter{Key: &x.Key, Value: shown(x), IsValueSecret: &x.Secret})
	}
	return out
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateConnection.html
func (s *Service) createConnection(ctx context.Context, in *shapes.CreateConnectionRequest) (*shapes.CreateConnectionResponse, error) {
	n := named(ctx, in.Name)
	now := s.Clock.Now()
	row := connectionRow{ID: awsapi.NewID(), Kind: value(in.AuthorizationType), State: authorized, Created: now, Modified: now, Description: value(in.Description)}
	var c credentials
	a := in.AuthParameters
	switch {
	case row.Kind == authBasic && a.BasicAuthParameters != nil:
		c.Name, c.Secret = value(a.BasicAuthParameters.Username), value(a.BasicAuthParameters.Password)
	case row.Kind == authKey && a.ApiKeyAuthParameters != nil:
		c.Name, c.Secret = value(a.ApiKeyAuthParameters.ApiKeyName), value(a.ApiKeyAuthParameters.ApiKeyValue)
	case row.Kind == authOAuth && a.OAuthParameters != nil:
		o := a.OAuthParameters
		c.Name, c.Secret = value(o.ClientParameters.ClientID), value(o.ClientParameters.ClientSecret)
		c.Endpoint, c.Method, c.Token = value(o.AuthorizationEndpoint), value(o.HttpMethod), readParameters(o.OAuthHttpParameters)
	default:
		return nil, invalid("Parameter AuthParameters is not valid. Reason: they must be those of the AuthorizationType %s.", row.Kind)
	}
	c.Call = readParameters(a.InvocationHttpParameters)
	if err := s.sealInto(ctx, &row, &c); err != nil {
		return nil, err
	}
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("connection", n.name)
		switch old, err := tx.Get(k); {
		case err != nil:
			return err
		case old != nil:
			return alreadyThere("Connection %s already exists.", n.name)
		}
		return jsonrow.Set(tx, k, &row)
	})
	if err != nil {
		return nil, err
	}
	return &shapes.CreateConnectionResponse{ConnectionArn: ptr(n.withID("connection", row.ID)), ConnectionState: &row.State, CreationTime: &now, LastModifiedTime: &now}, nil
}

func (s *Service) sealInto(ctx context.Context, row *connectionRow, c *credentials) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("events: credentials: %w", err)
	}
	row.Sealed, err = s.Sealer.Seal(ctx, text, row.bound())
	return err
}

// open opens the credentials of a connection.
func (s *Service) open(ctx context.Context, row *connectionRow) (c credentials, err error) {
	if len(row.Sealed) == 0 {
		return c, nil
	}
	text, err := s.Sealer.Open(ctx, row.Sealed, row.bound())
	if err != nil {
		return c, fmt.Errorf("events: credentials: %w", err)
	}
	return c, json.Unmarshal(text, &c)
}

func (s *Service) viewConnection(ctx context.Context, n bus) (row connectionRow, err error) {
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.space().named("connection", n.name), &row)
		if err == nil && !ok {
			err = notFound("Connection '%s' does not exist.", n.name)
		}
		return err
	})
	return row, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateConnection.html
func (s *Service) updateConnection(ctx context.Context, in *shapes.UpdateConnectionRequest) (*shapes.UpdateConnectionResponse, error) {
	n := named(ctx, in.Name)
	old, err := s.viewConnection(ctx, n)
	if err != nil {
		return nil, err
	}
	c, err := s.open(ctx, &old)
	if err != nil {
		return nil, err
	}
	row := old
	row.State, row.Modified = authorized, s.Clock.Now()
	change := func(into *string, to *string) {
		if to != nil {
			*into = *to
		}
	}
	change(&row.Description, in.Description)
	change(&row.Kind, in.AuthorizationType)
	if a := in.AuthParameters; a != nil {
		if b := a.BasicAuthParameters; b != nil {
			change(&c.Name, b.Username)
			change(&c.Secret, b.Password)
		}
		if k := a.ApiKeyAuthParameters; k != nil {
			change(&c.Name, k.ApiKeyName)
			change(&c.Secret, k.ApiKeyValue)
		}
		if o := a.OAuthParameters; o != nil {
			if p := o.ClientParameters; p != nil {
				change(&c.Name, p.ClientID)
				change(&c.Secret, p.ClientSecret)
			}
			change(&c.Endpoint, o.AuthorizationEndpoint)
			change(&c.Method, o.HttpMethod)
			if o.OAuthHttpParameters != nil {
				c.Token = readParameters(o.OAuthHttpParameters)
			}
		}
		if a.InvocationHttpParameters != nil {
			c.Call = readParameters(a.InvocationHttpParameters)
		}
	}
	if c.Name == "" || c.Secret == "" || row.Kind == authOAuth && c.Endpoint == "" {
		return nil, invalid("Parameter AuthParameters is not valid. Reason: they must be those of the AuthorizationType %s.", row.Kind)
	}
	if err := s.sealInto(ctx, &row, &c); err != nil {
		return nil, err
	}
	if err := s.replaceConnection(ctx, n, &old, &row); err != nil {
		return nil, err
	}
	return &shapes.UpdateConnectionResponse{
		ConnectionArn: ptr(n.withID("connection", row.ID)), ConnectionState: &row.State, CreationTime: &row.Created, LastModifiedTime: &row.Modified,
		LastAuthorizedTime: &row.Modified,
	}, nil
}

// replaceConnection puts a connection in the place of what it was.
func (s *Service) replaceConnection(ctx context.Context, n bus, old, row *connectionRow) error {
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := n.space().named("connection", n.name)
		var is connectionRow
		switch ok, err := jsonrow.Get(tx, k, &is); {
		case err != nil:
			return err
		case !ok:
			return notFound("Connection '%s' does not exist.", n.name)
		case is.ID != old.ID || is.Modified != old.Modified || !bytes.Equal(is.Sealed, old.Sealed):
			return concurrent()
		}
		return jsonrow.Set(tx, k, row)
	})
	return err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeauthorizeConnection.html
func (s *Service) deauthorizeConnection(ctx context.Context, in *shapes.DeauthorizeConnectionRequest) (*shapes.DeauthorizeConnectionResponse, error) {
	n := named(ctx, in.Name)
	old, err := s.viewConnection(ctx, n)
	if err != nil {
		return nil, err
	}
	row := old
	row.State, row.Modified, row.Sealed = deauthorized, s.Clock.Now(), nil
	if err := s.replaceConnection(ctx, n, &old, &row); err != nil {
		return nil, err
	}
	return &shapes.DeauthorizeConnectionResponse{
		ConnectionArn: ptr(n.withID("connection", row.ID)), ConnectionState: &row.State, CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeConnection.html
func (s *Service) describeConnection(ctx context.Context, in *shapes.DescribeConnectionRequest) (*shapes.DescribeConnectionResponse, error) {
	n := named(ctx, in.Name)
	row, err := s.viewConnection(ctx, n)
	if err != nil {
		return nil, err
	}
	out := &shapes.DescribeConnectionResponse{
		ConnectionArn: ptr(n.withID("connection", row.ID)), Name: &n.name, Description: given(row.Description), ConnectionState: &row.State,
		AuthorizationType: &row.Kind, CreationTime: &row.Created, LastModifiedTime: &row.Modified, LastAuthorizedTime: &row.Modified,
	}
	if row.State != authorized {
		return out, nil
	}
	c, err := s.open(ctx, &row)
	if err != nil {
		return nil, err
	}
	out.AuthParameters = &shapes.ConnectionAuthResponseParameters{InvocationHttpParameters: c.Call.shape()}
	switch a := out.AuthParameters; row.Kind {
	case authBasic:
		a.BasicAuthParameters = &shapes.ConnectionBasicAuthResponseParameters{Username: &c.Name}
	case authKey:
		a.ApiKeyAuthParameters = &shapes.ConnectionApiKeyAuthResponseParameters{ApiKeyName: &c.Name}
	case authOAuth:
		a.OAuthParameters = &shapes.ConnectionOAuthResponseParameters{
			ClientParameters: &shapes.ConnectionOAuthClientResponseParameters{ClientID: &c.Name}, AuthorizationEndpoint: &c.Endpoint, HttpMethod: &c.Method,
			OAuthHttpParameters: c.Token.shape(),
		}
	}
	return out, nil
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteConnection.html
func (s *Service) deleteConnection(ctx context.Context, in *shapes.DeleteConnectionRequest) (*shapes.DeleteConnectionResponse, error) {
	n := named(ctx, in.Name)
	row, err := s.viewConnection(ctx, n)
	if err != nil {
		return nil, err
	}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error { tx.Delete(n.space().named("connection", n.name)); return nil })
	s.tokens.forget(row.ID)
	return &shapes.DeleteConnectionResponse{
		ConnectionArn: ptr(n.withID("connection", row.ID)), ConnectionState: ptr("DELETING"), CreationTime: &row.Created, LastModifiedTime: &row.Modified,
	}, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListConnections.html
func (s *Service) listConnections(ctx context.Context, in *shapes.ListConnectionsRequest) (*shapes.ListConnectionsResponse, error) {
	p, err := pageOf(in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	n := bus{scope: awsapi.From(ctx).Scope}
	sp := n.space()
	out := &shapes.ListConnectionsResponse{Connections: []shapes.Connection{}}
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		out.NextToken, err = p.list(snap, sp.Subspace, sp.all("connection"), 1, value(in.NamePrefix), func(name string, kvs kv.Pair) (bool, error) {
			var row connectionRow
			if err := jsonrow.Decode(kvs.Key, kvs.Value, &row); err != nil {
				return false, err
			}
			if in.ConnectionState != nil && *in.ConnectionState != row.State {
				return false, nil
			}
			out.Connections = append(out.Connections, shapes.Connection{
				ConnectionArn: ptr(bus{n.scope, name}.withID("connection", row.ID)), Name: &name, ConnectionState: &row.State, AuthorizationType: &row.Kind,
				CreationTime: &row.Created, LastModifiedTime: &row.Modified, LastAuthorizedTime: &row.Modified,
			})
			return true, nil
		})
		return err
	})
	return out, err
}
