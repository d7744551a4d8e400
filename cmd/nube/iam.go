package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) iam() *cobra.Command {
	c := &cobra.Command{
		Use:   "iam",
		Short: "See which permissions were missing",
		Long: `Every call in the cloud is judged by IAM policies, each function's with its own
role. These commands say what was denied and what would allow it.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.iamMissing())
	return c
}

func (a *app) iamMissing() *cobra.Command {
	var forget bool
	c := &cobra.Command{
		Use:   "missing",
		Short: "List the statements that would allow what was denied",
		Long: `List, for each principal, the fewest policy statements that would have allowed
what was denied since the cloud started, ready to be pasted into serverless.yml.
With --iam warn nothing is stopped, so one run of the tests shows all that is
missing. What a statement denies explicitly is listed apart: nothing can allow it.

EXIT CODES
  0  nothing is missing
  1  something is; the statements are printed`,
		Example: `  nube iam missing
  nube iam missing --forget       start to collect anew
  nube iam missing --output json | jq -r '.missing[].statements[]'`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			if forget {
				return cl.control(cmd.Context(), http.MethodDelete, "iam/missing", nil, &struct{}{})
			}
			var r control.MissingReport
			if err := cl.control(cmd.Context(), http.MethodGet, "iam/missing", nil, &r); err != nil {
				return err
			}
			return a.showMissing(r)
		},
	}
	c.Flags().BoolVar(&forget, "forget", false, "forget what was denied so far")
	return a.remote(c)
}

func (a *app) showMissing(r control.MissingReport) error {
	if a.output == "json" {
		if err := a.json(r); err != nil {
			return err
		}
	} else {
		for _, m := range r.Missing {
			fmt.Fprintf(a.out, "# %s of %s\n", m.Kind, m.Principal)
			for _, s := range m.YAML {
				fmt.Fprintln(a.out, s)
			}
		}
		for _, d := range r.Denied {
			fmt.Fprintf(a.out, "# denied by a statement: %s\n", d.Message)
		}
		if len(r.Missing)+len(r.Denied) == 0 {
			fmt.Fprintln(a.out, "nothing was denied")
		}
	}
	if len(r.Missing)+len(r.Denied) > 0 {
		return &exitError{exitFailed, errShown}
	}
	return nil
}
