package main

import (
	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
)

func (a *app) start() *cobra.Command {
	var f cloudFlags
	c := &cobra.Command{
		Use:   "start",
		Short: "Run the cloud as it was left",
		Long: `Run the cloud with everything that is in its data directory: stacks, functions,
tables, logs. No manifest is read and nothing is built or deployed; nube deploy
does that to a running cloud, and so do the AWS CLI and other deploy tools.

It runs until it is interrupted (Ctrl-C or SIGTERM), lets requests under way end,
and keeps what it has: everything is there at the next start, also after a kill.`,
		Example: `  nube start
  nube start --data /var/lib/nube --listen 127.0.0.1:4566
  nube start --data memory --listen 127.0.0.1:0 --output json`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			since := began()
			o, err := f.options(a, ".")
			if err != nil {
				return err
			}
			cl, err := cloud.Open(cmd.Context(), o)
			if err != nil {
				return err
			}
			if a.output == "json" {
				err = a.line(running(cl))
			} else {
				a.welcome(cl)
				a.ready(since)
			}
			if err == nil {
				afterStart(cmd.Context())
				err = cl.Run(cmd.Context())
			}
			if stopErr := a.stop(cl); err == nil {
				err = stopErr
			}
			return err
		},
	}
	f.register(c)
	return c
}

// runningReport is the line that up and start print with --output json.
type runningReport struct {
	Ready    bool                `json:"ready"`
	Endpoint string              `json:"endpoint"`
	Gateway  string              `json:"gateway"`
	OTLP     string              `json:"otlp,omitempty"`
	KeyID    string              `json:"accessKeyId"`
	Secret   string              `json:"secretAccessKey"`
	Deployed *control.Deployment `json:"deployment,omitempty"`
	Debug    []cloud.Debugged    `json:"debug,omitempty"`
}

func running(c *cloud.Cloud) runningReport {
	id, secret := c.RootKey()
	return runningReport{Ready: true, Endpoint: c.Endpoint(), Gateway: c.GatewayURL(), OTLP: c.OTLP(), KeyID: id, Secret: secret}
}
