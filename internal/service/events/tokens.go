package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

// tokens are the access tokens of connections, for as long as they are good, and
// when endpoints may be called again. Its zero value is empty.
type tokens struct {
	machine clock.Machine

	mu   sync.Mutex
	have map[string]token     // by the connection's id
	next map[string]time.Time // by target
}

type token struct {
	text string
	ends time.Time
	with []byte // the credentials that it was asked for with, sealed
}

// forget forgets a connection's token.
func (t *tokens) forget(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.have, id)
}

// pace waits until a target may be called. Whoever waits takes a place of its
// target's own calls, so that nobody else does.
func (t *tokens) pace(ctx context.Context, target string, perSecond int) error {
	if perSecond <= 0 {
		return nil
	}
	now := t.machine.Now()
	t.mu.Lock()
	if t.next == nil {
		t.next = make(map[string]time.Time)
	}
	at := t.next[target]
	if at.Before(now) {
		at = now
	}
	t.next[target] = at.Add(time.Second / time.Duration(perSecond))
	t.mu.Unlock()
	return t.machine.Wait(ctx, at.Sub(now))
}

// token is an access token of a connection (RFC 6749, section 4.4): one that it
// has, or a new one.
func (s *Service) token(ctx context.Context, row *connectionRow, c *credentials) (string, error) {
	t := &s.tokens
	t.mu.Lock()
	have, ok := t.have[row.ID]
	t.mu.Unlock()
	if ok && bytes.Equal(have.with, row.Sealed) && t.machine.Now().Before(have.ends) {
		return have.text, nil
	}
	got, err := s.ask(ctx, c)
	if err != nil {
		return "", fmt.Errorf("token of %s: %w", c.Endpoint, bare(err))
	}
	got.with = row.Sealed
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.have == nil {
		t.have = make(map[string]token)
	}
	t.have[row.ID] = got
	return got.text, nil
}

// Tokens are renewed before they end, and those that do not say when are used for
// a while.
const (
	tokenMargin = 30 * time.Second
	tokenLife   = 5 * time.Minute
)

// ask asks an authorization server for a token.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
func (s *Service) ask(ctx context.Context, c *credentials) (token, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.Name}, "client_secret": {c.Secret}}
	for _, p := range c.Token.Body {
		form.Set(p.Key, p.Value)
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return token{}, err
	}
	q := u.Query()
	for _, p := range c.Token.Query {
		q.Set(p.Key, p.Value)
	}
	var body io.Reader
	if c.Method == http.MethodGet {
		for k := range form {
			q.Set(k, form.Get(k))
		}
	} else {
		body = strings.NewReader(form.Encode())
	}
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, c.Method, u.String(), body)
	if err != nil {
		return token{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, p := range c.Token.Headers {
		r.Header.Set(p.Key, p.Value)
	}
	resp, err := s.Client.Do(r)
	if err != nil {
		return token{}, err
	}
	defer resp.Body.Close()
	var got struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
	}
	if resp.StatusCode/100 != 2 {
		return token{}, fmt.Errorf("the server answered %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&got); err != nil {
		return token{}, err
	}
	if got.Token == "" {
		return token{}, errors.New("the answer has no access_token")
	}
	life := tokenLife
	if got.Expires > 0 {
		life = max(0, time.Duration(got.Expires*float64(time.Second))-tokenMargin)
	}
	return token{text: got.Token, ends: s.tokens.machine.Now().Add(life)}, nil
}
