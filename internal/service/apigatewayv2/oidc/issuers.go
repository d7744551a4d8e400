package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
)

const (
	keep    = 2 * time.Hour   // how long keys are good for, as API Gateway's are
	again   = 5 * time.Second // how long an unknown key is not asked for again
	rest    = time.Second     // how long an issuer that failed is not asked again
	patient = 5 * time.Second // how long an issuer may take to answer
	maxSet  = 1 << 20         // bytes of an issuer's answers
)

// Issuers knows the keys of issuers. Safe for concurrent use.
type Issuers struct {
	http    http.Client
	machine clock.Machine

	mu  sync.Mutex
	all map[string]*issuer
}

// issuer is one issuer's keys. The mutex is held while they are fetched, so that
// they are fetched once.
type issuer struct {
	mu      sync.Mutex
	keys    map[string]key
	fetched time.Time
	failure error // of the last attempt to fetch
	failed  time.Time
}

// New returns issuers that are reached by a transport.
func New(t http.RoundTripper, m clock.Machine) *Issuers {
	return &Issuers{http: http.Client{Transport: t}, machine: m}
}

// Verify returns what a token says, if it is valid: signed by a key of the
// issuer, for one of the audiences, now. An *[Error] says why it is not.
// Tokens live in the machine's time, as their issuers do.
func (is *Issuers) Verify(ctx context.Context, text, from string, audience []string) (Claims, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	// What another issuer says of itself is not worth asking this one for.
	if iss, _ := t.claims["iss"].(string); iss != from {
		return nil, invalid("the token does not have a valid issuer")
	}
	k, err := is.key(ctx, from, t.kid)
	if err != nil {
		return nil, err
	}
	if err := k.verify(t); err != nil {
		return nil, err
	}
	if err := t.claims.check(from, audience, is.machine.Now()); err != nil {
		return nil, err
	}
	return t.claims, nil
}

// key finds a key of an issuer.
func (is *Issuers) key(ctx context.Context, from, kid string) (key, error) {
	is.mu.Lock()
	i := is.all[from]
	if i == nil {
		if is.all == nil {
			is.all = map[string]*issuer{}
		}
		i = &issuer{}
		is.all[from] = i
	}
	is.mu.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	k, ok := i.keys[kid]
	age := is.machine.Since(i.fetched)
	if i.keys == nil || age > keep || !ok && age > again {
		if i.failure != nil && is.machine.Since(i.failed) < rest {
			return key{}, i.failure
		}
		// For all who wait: that the first of them has gone away is no failure.
		keys, err := is.fetch(context.WithoutCancel(ctx), from)
		i.failure, i.failed = err, is.machine.Now()
		if err != nil {
			return key{}, err
		}
		i.keys, i.fetched = keys, is.machine.Now()
		k, ok = keys[kid]
	}
	if !ok {
		return key{}, invalid("unable to find a key for the token's kid in the issuer's jwks_uri")
	}
	return k, nil
}

// fetch asks an issuer where its keys are, and for the keys.
func (is *Issuers) fetch(ctx context.Context, from string) (map[string]key, error) {
	ctx, cancel := is.machine.WithTimeout(ctx, patient)
	defer cancel()
	text, err := is.get(ctx, strings.TrimSuffix(from, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", invalid("OIDC discovery endpoint communication error"), err)
	}
	var conf struct {
		Keys string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &conf); err != nil || conf.Keys == "" {
		return nil, fmt.Errorf("%w: the configuration has no jwks_uri", invalid("OIDC discovery endpoint communication error"))
	}
	if text, err = is.get(ctx, conf.Keys); err != nil {
		return nil, fmt.Errorf("%w: %w", invalid("JWKS communication error"), err)
	}
	keys, err := parseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", invalid("JWKS communication error"), err)
	}
	return keys, nil
}

func (is *Issuers) get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	resp, err := is.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxSet))
}
