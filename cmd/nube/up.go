package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
)

func (a *app) up() *cobra.Command {
	var f cloudFlags
	var d deployFlags
	var watch bool
	c := &cobra.Command{
		Use:   "up [DIR]",
		Short: "Run the application in a directory",
		Long: `Run the application whose manifest (serverless.yml) is in DIR: start the cloud,
build what changed, bring the stack to what the manifest says, and serve until
interrupted. Everything is kept in .nube beside the application and is there the
next time, also after a kill.

While it runs, files that change are taken up at once: what they belong to is
built again, and traffic changes over when it is ready, so that no request fails
or waits. A mistake is shown with its place, and what served before serves on.

When it prints "ready" the stack is complete and a first request would be
answered with nothing left to build.

EXIT CODES
  0  interrupted, everything ended in order
  1  the manifest is wrong, a build failed, or the stack was rolled back`,
		Example: `  nube up examples/shop
  nube up --stage test --gateway 127.0.0.1:8080
  nube up --data memory --output json     ports and keys as one line of JSON`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			dir := "."
			if len(given) > 0 {
				dir = given[0]
			}
			return a.runUp(cmd.Context(), dir, watch, &f, &d)
		},
	}
	f.register(c)
	d.register(c)
	c.Flags().BoolVar(&watch, "watch", true, "take up changes of the application's files while it runs")
	return c
}

func (a *app) runUp(ctx context.Context, dir string, watch bool, f *cloudFlags, d *deployFlags) error {
	since := began()
	abs, err := absolute(dir)
	if err != nil {
		return err
	}
	o, err := f.options(a, abs)
	if err != nil {
		return err
	}
	req, err := d.request(abs)
	if err != nil {
		return err
	}
	cl, err := cloud.Open(ctx, o)
	if err != nil {
		return err
	}
	if a.output == "text" {
		a.welcome(cl)
	}
	result, err := cl.Deploy(ctx, req, a.progress)
	if err == nil {
		if a.output == "json" {
			r := running(cl)
			r.Deployed = result
			err = a.line(r)
		} else {
			a.deployed(result)
			a.ready(since)
		}
	} else {
		var ps control.Problems
		if errors.As(err, &ps) {
			err = a.showProblems(err, ps.Problems())
		}
	}
	if err == nil {
		trimLater()
		if watch {
			defer a.reload(ctx, cl, req)()
		}
		err = cl.Run(ctx)
	}
	if stopErr := a.stop(cl); err == nil {
		err = stopErr
	}
	return err
}
