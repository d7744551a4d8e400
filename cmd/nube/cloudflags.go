package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/seal"
)

// cloudFlags are the flags of the commands that run a cloud.
type cloudFlags struct {
	listen, gateway, data, iam, isolation, region string
	code, smtp, senders, masterKey                string
	telemetry                                     telemetryFlags
	verbose                                       bool
}

func (f *cloudFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:4566", "address of the AWS endpoint; port 0 picks a free one")
	fs.StringVar(&f.gateway, "gateway", "127.0.0.1:3000", "address of the application's gateway; port 0 picks a free one")
	fs.StringVar(&f.data, "data", "", "directory of everything that is kept, or memory (default .nube beside the application)")
	fs.StringVar(&f.code, "code", "", "directory of what functions are built to, which clouds may share (default in --data)")
	fs.StringVar(&f.iam, "iam", "enforce", "what a missing permission does: enforce, warn or off")
	fs.StringVar(&f.isolation, "isolation", "auto", "confinement of functions: auto, required or off")
	fs.StringVar(&f.region, "region", "", "region of the application and of requests that name none (default the manifest's, or us-east-1)")
	fs.StringVar(&f.smtp, "smtp", "", "mail server to which mail goes on: HOST:PORT, smtp://USER:PASSWORD@HOST:PORT or smtps://… (default $NUBE_SMTP, or none)")
	fs.StringVar(&f.senders, "senders", "any", "from whom SES sends: any, or verified, as AWS does")
	fs.StringVar(&f.masterKey, "master-key", "", "key under which secrets are kept: file:PATH, env:NAME or age:PATH, an age identity (default $NUBE_MASTER_KEY, or one that is made in --data)")
	f.telemetry.register(c)
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "write the platform's own log to standard error")
}

// options are the options of the cloud that the flags ask for. dir is the
// application's directory, beside which the data is kept.
func (f *cloudFlags) options(a *app, dir string) (cloud.Options, error) {
	o := cloud.Options{Listen: f.listen, Gateway: f.gateway, Data: f.data, Code: f.code, Region: f.region, Version: versionInfo().Version}
	if o.Data == "" {
		o.Data = filepath.Join(dir, ".nube")
	}
	switch f.iam {
	case "enforce":
	case "warn":
		o.IAM = awsapi.Warn
	case "off":
		o.IAM = awsapi.Off
	default:
		return o, usage("--iam is enforce, warn or off, not %q", f.iam)
	}
	if o.SMTP = f.smtp; o.SMTP == "" {
		o.SMTP = os.Getenv("NUBE_SMTP")
	}
	switch f.senders {
	case "any":
	case "verified":
		o.VerifySenders = true
	default:
		return o, usage("--senders is any or verified, not %q", f.senders)
	}
	if f.masterKey == "" {
		f.masterKey = os.Getenv("NUBE_MASTER_KEY")
	}
	if f.masterKey != "" {
		var err error
		if o.MasterKey, err = seal.ParseSource(f.masterKey); err != nil {
			return o, usage("--master-key: %w", err)
		}
	}
	if err := f.telemetry.apply(&o); err != nil {
		return o, err
	}
	switch m := sandbox.Mode(f.isolation); m {
	case sandbox.Auto, sandbox.Required, sandbox.Off:
		o.Isolation = m
	default:
		return o, usage("--isolation is auto, required or off, not %q", f.isolation)
	}
	if f.verbose {
		o.Log = slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	} else {
		o.Log = slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return o, nil
}

// grace is how long requests under way have when the program is interrupted.
const grace = 10 * time.Second

// stop ends a cloud after an interrupt.
func (a *app) stop(c *cloud.Cloud) error {
	ctx, cancel := clock.Machine{}.WithTimeout(context.Background(), grace)
	defer cancel()
	return c.Close(ctx)
}

// began is when the program began, for the time that it took to be ready.
func began() time.Time {
	if t, ok := processStart(); ok {
		return t
	}
	return clock.Machine{}.Now()
}

// welcome prints what runs where.
func (a *app) welcome(c *cloud.Cloud) {
	a.note("%s", paint(a.err, "1", "nube "+versionInfo().Version))
	at := [][]string{
		{"AWS endpoint", c.Endpoint()},
		{"gateway", c.GatewayURL()},
	}
	if otlp := c.OTLP(); otlp != "" {
		at = append(at, []string{"OTLP", otlp})
	}
	a.table(at)
	id, secret := c.RootKey()
	if id != "test" {
		a.note("root key: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s", id, secret)
	}
	for _, s := range c.Isolation() {
		a.note("isolation: %s", s)
	}
}

func absolute(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", usage("%w", err)
	}
	if !info.IsDir() {
		return "", usage("%s is not a directory", dir)
	}
	return abs, nil
}

// ready prints how long it took until the first request could be answered.
func (a *app) ready(since time.Time) {
	fmt.Fprintf(a.out, "ready in %d ms\n", clock.Machine{}.Since(since).Milliseconds())
}
