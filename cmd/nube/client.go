package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/sigv4"
)

// defaultEndpoint is where a cloud listens when nobody said otherwise.
const defaultEndpoint = "http://127.0.0.1:4566"

// client talks to a running cloud as the account's root, or as whoever the
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment are.
type client struct {
	base   *url.URL
	region string // that the environment names; "" is that of the application
	creds  sigv4.Credentials
	clock  clock.Machine
}

func (a *app) client() (*client, error) {
	at := a.endpoint
	if at == "" {
		at = os.Getenv("AWS_ENDPOINT_URL")
	}
	if at == "" {
		at = defaultEndpoint
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return nil, usage("the endpoint %q is not a URL such as %s", at, defaultEndpoint)
	}
	env := func(name, def string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return def
	}
	return &client{base: u, region: env("AWS_REGION", os.Getenv("AWS_DEFAULT_REGION")), creds: sigv4.Credentials{
		AccessKey: env("AWS_ACCESS_KEY_ID", "test"), Secret: env("AWS_SECRET_ACCESS_KEY", "test"), Token: os.Getenv("AWS_SESSION_TOKEN"),
	}}, nil
}

// call sends a signed request; the caller closes the body. An answer that is
// no success is an error with the message that it carries.
func (c *client) call(ctx context.Context, service, method, path, query string, header http.Header, body []byte) (*http.Response, error) {
	u := *c.base
	u.Path, u.RawPath, u.RawQuery = "", "", query
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.URL.Opaque = "//" + u.Host + path // the path as it is signed
	req.Header = header
	if req.Header == nil {
		req.Header = http.Header{}
	}
	sigv4.Sign(&sigv4.Request{
		Method: method, Host: u.Host, Path: path, RawQuery: query, Header: req.Header, ContentLength: int64(len(body)), Body: body,
		Service: service, Region: or(c.region, cloud.DefaultRegion),
	}, c.creds, c.clock.Now())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &exitError{exitNoCloud, fmt.Errorf("no cloud answers at %s: %w; `nube up DIR` or `nube start` runs one, --endpoint says where it is", c.base, err)}
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var p struct{ Message string }
	if json.Unmarshal(text, &p) == nil && p.Message != "" {
		return nil, &refusal{resp.StatusCode, p.Message}
	}
	return nil, &refusal{resp.StatusCode, fmt.Sprintf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(text)))}
}

// refusal is an answer that is no success.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// control calls the platform's API and decodes its answer.
func (c *client) control(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := c.call(ctx, control.Service, method, control.Prefix+path, "", nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// controlQuery calls the platform's API with parameters and decodes its answer.
func (c *client) controlQuery(ctx context.Context, method, path, query string, out any) error {
	resp, err := c.call(ctx, control.Service, method, control.Prefix+path, query, nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// stream calls the platform's API and gives each line of its answer to each.
func (c *client) stream(ctx context.Context, method, path, query string, in any, each func(line []byte) error) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := c.call(ctx, control.Service, method, control.Prefix+path, query, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	s.Buffer(make([]byte, 64<<10), 8<<20)
	for s.Scan() {
		if err := each(s.Bytes()); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// in adds the region to the parameters of a request, where the environment names one.
func (c *client) in(v url.Values) url.Values {
	if c.region != "" {
		v.Set("region", c.region)
	}
	return v
}

// function finds a function's full name from the name in its manifest, which
// is the part after the last hyphen: my-service-dev-userApi is userApi. What is
// called from then on is in its region.
func (c *client) function(ctx context.Context, name string) (string, error) {
	var st control.Status
	if err := c.control(ctx, http.MethodGet, "status", nil, &st); err != nil {
		return "", err
	}
	c.region = st.Region
	var found, all []string
	for _, f := range st.Functions {
		all = append(all, f.Name)
		if f.Name == name {
			return name, nil
		}
		if strings.HasSuffix(f.Name, "-"+name) {
			found = append(found, f.Name)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", usage("%s may be any of %s: give the full name", name, strings.Join(found, ", "))
	case len(all) == 0:
		return "", fmt.Errorf("there is no function %s: no application is deployed", name)
	}
	return "", fmt.Errorf("there is no function %s; there are %s", name, strings.Join(all, ", "))
}
