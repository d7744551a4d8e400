package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) snapshot() *cobra.Command {
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Keep the state of the whole cloud, and go back to it",
		Long: `Keep the state of the whole cloud, and go back to it: what is stored, stacks and
functions, logs and traces, what is under way and where the clock stands.

A snapshot is taken while everything goes on. It is what a power failure at that
instant would have left, so that work under way is taken up again; "nube settle"
before it leaves none. A snapshot is kept with the cloud's data, and ends with
that; one in a file (--file) has the functions' code with it, and can be loaded
by another cloud of the same account.`,
		Args: args(cobra.NoArgs),
		Example: `  nube snapshot save seeded
  nube snapshot load seeded
  nube snapshot list
  nube snapshot save --file bug-42.snapshot`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(
		a.snapshotOne("save", "Keep the state as it is now", `Keep the state of the cloud as it is now, under a name or in a file.`,
			"  nube settle && nube snapshot save seeded\n  nube snapshot save seeded --replace\n  nube snapshot save --file state.snapshot"),
		a.snapshotOne("load", "Go back to a state", `Make the running cloud what it was at a snapshot. Requests that come meanwhile
wait; those under way end with an error. Functions begin anew, ports and faults
stay as they are, and the clock goes on as it did: one that stood still stands
where it stood, one that ran shows the present.`,
			"  nube snapshot load seeded\n  nube snapshot load --file state.snapshot"),
		a.snapshotList(), a.snapshotRemove(),
	)
	return c
}

// snapshotOne is save or load.
func (a *app) snapshotOne(do, short, long, example string) *cobra.Command {
	var req control.SnapshotRequest
	c := &cobra.Command{
		Use: do + " [NAME]", Short: short, Long: long, Example: example, Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			if len(given) > 0 {
				req.Name = given[0]
			}
			if (req.Name == "") == (req.File == "") {
				return usage("a snapshot has a name or a --file; see %s --help", cmd.CommandPath())
			}
			path := "snapshots"
			if do == "load" {
				path = control.LoadPath
			}
			return a.snapshotCall(cmd.Context(), path, req)
		},
	}
	c.Flags().StringVar(&req.File, "file", "", "a file on the cloud's machine, with the code in it")
	if do == "save" {
		c.Flags().BoolVar(&req.Replace, "replace", false, "in place of one that is there")
	}
	return a.remote(c)
}

func (a *app) snapshotCall(ctx context.Context, path string, req control.SnapshotRequest) error {
	if req.File != "" {
		var err error
		if req.File, err = filepath.Abs(req.File); err != nil {
			return err
		}
	}
	cl, err := a.client()
	if err != nil {
		return err
	}
	var got control.Snapshot
	if err := cl.control(ctx, http.MethodPost, path, req, &got); err != nil {
		return err
	}
	if a.output == "json" {
		return a.json(got)
	}
	done := "saved"
	if path == control.LoadPath {
		done = "loaded"
	}
	_, err = fmt.Fprintf(a.out, "%s %s, %s, of %s\n", done, or(got.Name, got.File), size(got.Bytes), got.Clock.Format(time.RFC3339))
	return err
}

// size is a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

func (a *app) snapshotList() *cobra.Command {
	return a.remote(&cobra.Command{
		Use: "list", Short: "Show the snapshots of the cloud", Args: args(cobra.NoArgs),
		Example: "  nube snapshot list\n  nube snapshot list --output json | jq -r '.[].name'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			var all []control.Snapshot
			if err := cl.control(cmd.Context(), http.MethodGet, "snapshots", nil, &all); err != nil {
				return err
			}
			if a.output == "json" {
				return a.json(all)
			}
			rows := [][]string{{"NAME", "TAKEN", "CLOCK", "SIZE"}}
			for _, s := range all {
				shows := s.Clock.Format(time.RFC3339)
				if s.Stopped {
					shows += ", stopped"
				}
				rows = append(rows, []string{s.Name, s.Created.Format(time.RFC3339), shows, size(s.Bytes)})
			}
			a.table(rows)
			return nil
		},
	})
}

func (a *app) snapshotRemove() *cobra.Command {
	return a.remote(&cobra.Command{
		Use: "remove NAME…", Short: "Forget snapshots", Args: args(cobra.MinimumNArgs(1)),
		Example: "  nube snapshot remove seeded",
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			for _, name := range given {
				var none struct{}
				if err := cl.controlQuery(cmd.Context(), http.MethodDelete, "snapshots", url.Values{"name": {name}}.Encode(), &none); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
