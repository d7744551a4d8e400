package main

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
)

func (a *app) up() *cobra.Command {
	var f cloudFlags
	var d deployFlags
	var watch bool
	var debug []string
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

With --debug a function runs under Delve, the inspector of Node.js or debugpy,
which are fetched if they are missing; several may. The port stays the same while
instances come and go, so an editor reaches the function that runs now. While it
is stopped no time-out runs, its own or the gateway's, and the cloud's clock
stands still. Such a function is not confined, and has one instance.

When it prints "ready" the stack is complete and a first request would be
answered with nothing left to build.

EXIT CODES
  0  interrupted, everything ended in order
  1  the manifest is wrong, a build failed, or the stack was rolled back`,
		Example: `  nube up examples/shop
  nube up --stage test --gateway 127.0.0.1:8080
  nube up --debug userApi                 attach to it at the debugger's usual port
  nube up --debug userApi=9230 --debug dynamoDbProcessor=9231
  nube up --data memory --output json     ports and keys as one line of JSON`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			dir := "."
			if len(given) > 0 {
				dir = given[0]
			}
			return a.runUp(cmd.Context(), dir, watch, debug, &f, &d)
		},
	}
	f.register(c)
	d.register(c)
	c.Flags().StringArrayVar(&debug, "debug", nil, "run a function under a debugger, as FUNCTION or FUNCTION=PORT; may be given again")
	c.Flags().BoolVar(&watch, "watch", true, "take up changes of the application's files while it runs")
	return c
}

func (a *app) runUp(ctx context.Context, dir string, watch bool, debug []string, f *cloudFlags, d *deployFlags) error {
	since := began()
	abs, err := absolute(dir)
	if err != nil {
		return err
	}
	o, err := f.options(a, abs)
	if err != nil {
		return err
	}
	if o.Debug, err = debugs(debug); err != nil {
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
			r.Deployed, r.Debug = result, cl.Debugging()
			err = a.line(r)
		} else {
			a.deployed(result)
			for _, d := range cl.Debugging() {
				a.table([][]string{{"debug", d.Function, d.Debugger, d.Attach}})
			}
			a.ready(since)
		}
	} else {
		var ps control.Problems
		if errors.As(err, &ps) {
			err = a.showProblems(err, ps.Problems())
		}
	}
	if err == nil {
		afterStart(ctx)
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

// debugs reads the values of --debug.
func debugs(values []string) (out []cloud.Debug, err error) {
	for _, v := range values {
		d := cloud.Debug{Function: v}
		if name, port, ok := strings.Cut(v, "="); ok {
			d.Function = name
			if d.Port, err = strconv.Atoi(port); err != nil || d.Port < 0 || d.Port > 65535 {
				return nil, usage("--debug is FUNCTION or FUNCTION=PORT, not %q", v)
			}
		}
		out = append(out, d)
	}
	return out, nil
}
