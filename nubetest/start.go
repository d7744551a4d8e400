package nubetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/runner/sandbox"
)

// Option says what a cloud is like.
type Option func(*options)

type options struct {
	cloud  cloud.Options
	deploy control.DeployRequest
	at     time.Time
}

// Dir deploys the application whose manifest (serverless.yml) is in a directory.
// Without it the cloud is empty, for AWS's SDKs and deploy tools.
func Dir(dir string) Option { return func(o *options) { o.deploy.Dir = dir } }

// Stage is the stage that is deployed; without it the manifest's, or dev.
func Stage(stage string) Option { return func(o *options) { o.deploy.Stage = stage } }

// Param is a parameter of the manifest: ${param:name}.
func Param(name, value string) Option {
	return func(o *options) { o.deploy.Params[name] = value }
}

// Env is a variable of whoever deploys, for ${env:name}, in place of the test's
// own.
func Env(name, value string) Option { return func(o *options) { o.deploy.Env[name] = value } }

// Region is the region of the cloud; without it the manifest's, or us-east-1.
func Region(region string) Option { return func(o *options) { o.cloud.Region = region } }

// At stops the cloud's clock at a time before anything is deployed.
func At(now time.Time) Option { return func(o *options) { o.at = now } }

// Isolation says how functions are confined: "auto", as far as the machine allows,
// which is the default; "required"; or "off", which starts them a little faster.
func Isolation(mode string) Option {
	return func(o *options) { o.cloud.Isolation = sandbox.Mode(mode) }
}

// Start starts a cloud, which ends with the test. It fails the test when the
// application cannot be deployed, and says why, with file and line.
func Start(t testing.TB, opts ...Option) *Cloud {
	t.Helper()
	o := options{
		cloud:  cloud.Options{Data: cloud.InMemory, Code: codeCache(), OTLP: cloud.NoOTLP},
		deploy: control.DeployRequest{Params: map[string]string{}, Env: environment()},
	}
	for _, opt := range opts {
		opt(&o)
	}
	if !o.at.IsZero() {
		now := clock.At(o.at)
		o.cloud.ClockAt = &now
	}
	inner, err := cloud.Open(t.Context(), o.cloud)
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	c := &Cloud{cloud: inner}
	t.Cleanup(func() { c.end(t) })
	if o.deploy.Dir != "" {
		c.deploy(t, o.deploy)
	}
	return c
}

// Deploy deploys an application, or another state of it, to the running cloud. It
// takes Dir, and Stage, Param and Env with it; what the other options say of a cloud
// is said when it starts.
func (c *Cloud) Deploy(t testing.TB, opts ...Option) {
	t.Helper()
	o := options{deploy: control.DeployRequest{Params: map[string]string{}, Env: environment()}}
	for _, opt := range opts {
		opt(&o)
	}
	switch {
	case o.cloud.Region != "" || o.cloud.Isolation != "" || !o.at.IsZero():
		t.Fatalf("nubetest: Region, Isolation and At are options of Start, not of Deploy")
	case o.deploy.Dir == "":
		t.Fatalf("nubetest: Deploy needs an application: nubetest.Dir")
	}
	c.deploy(t, o.deploy)
}

func (c *Cloud) deploy(t testing.TB, r control.DeployRequest) {
	t.Helper()
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		t.Fatalf("nubetest: %v", err)
	}
	r.Dir = dir
	_, err = c.cloud.Deploy(t.Context(), r, func(control.DeployEvent) {})
	if err != nil {
		text := err.Error()
		var ps control.Problems
		if errors.As(err, &ps) {
			text += "\n" + strings.Join(ps.Problems(), "\n")
		}
		t.Fatalf("nubetest: deploying %s: %s", dir, text)
	}
}

// endAfter bounds how long a cloud is given to end what is under way.
const endAfter = 5 * time.Second

func (c *Cloud) end(t testing.TB) {
	if t.Failed() {
		c.report(t)
	}
	ctx, cancel := clock.Machine{}.WithTimeout(context.WithoutCancel(t.Context()), endAfter)
	defer cancel()
	if err := c.cloud.Close(ctx); err != nil && !c.broken {
		t.Errorf("nubetest: ending the cloud: %v", err)
	}
}

// codeCache is where code is kept between tests.
func codeCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "nube", "test")
}

// environment is the test's own.
func environment() map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			env[name] = value
		}
	}
	return env
}
