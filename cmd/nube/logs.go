package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

func (a *app) logs() *cobra.Command {
	var follow bool
	var since time.Duration
	c := &cobra.Command{
		Use:   "logs FUNCTION|GROUP",
		Short: "Show the log of a function",
		Long: `Show the log of a function, by the name that it has in its manifest, or of any
log group, whose name begins with a slash.`,
		Example: `  nube logs userApi                    everything there is
  nube logs userApi -f                 and what comes, until Ctrl-C
  nube logs userApi --since 5m
  nube logs /aws/lambda/my-serverless-app-dev-userApi --output json | jq -r .message`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			group := given[0]
			if !strings.HasPrefix(group, "/") {
				name, err := cl.function(cmd.Context(), group)
				if err != nil {
					return err
				}
				group = "/aws/lambda/" + name
			}
			q := cl.in(url.Values{"group": {group}})
			if follow {
				q.Set("follow", "1")
			}
			if since > 0 {
				q.Set("since", since.String()) // by the cloud's clock
			}
			err = cl.stream(cmd.Context(), http.MethodGet, "logs", q.Encode(), nil, a.showLog)
			if follow && cmd.Context().Err() != nil {
				return nil // Ctrl-C is how one ends it
			}
			return err
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes")
	c.Flags().DurationVar(&since, "since", 0, "only what is younger than so long")
	return a.remote(c)
}

func (a *app) showLog(line []byte) error {
	if a.output == "json" {
		_, err := fmt.Fprintf(a.out, "%s\n", line)
		return err
	}
	var l control.LogLine
	if err := json.Unmarshal(line, &l); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s %s\n", paint(a.out, "2", l.Time.Format("2006-01-02T15:04:05.000Z")), strings.TrimRight(l.Message, "\n"))
	return err
}
