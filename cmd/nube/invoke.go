package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) invoke() *cobra.Command {
	var data, file, qualifier string
	var async, log bool
	var sampled sampleFlags
	c := &cobra.Command{
		Use:   "invoke [FUNCTION]",
		Short: "Call a function",
		Long: `Call a function, by the name that it has in its manifest, with an event, and
print what it answers.

With --sample the event is generated: what a service sends when something happens,
with --set for what is to be in it. Without a FUNCTION the event is printed.
--list-samples lists the events that there are, with what can be set; --output json
says more of each.

With --event the event is read from a file: any JSON, or what nube replay --save
has written, which says the function too.

EXIT CODES
  0  it answered, or the event was accepted (--async)
  1  it failed; its error is printed`,
		Example: `  nube invoke userApi --data '{"httpMethod":"GET","path":"/users/1"}'
  nube invoke userApi --data @event.json --log
  echo '{}' | nube invoke userApi --data -
  nube invoke userApi --async          accept the event and return
  nube invoke thumbnails --sample s3:put --set bucket=photos --set key=cat.jpg
  nube invoke --event testdata/event.json        as nube replay --save has written it
  nube invoke --sample apigateway:http-v2 --set path=/users/1 > event.json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			var saved fixture
			if file != "" {
				var err error
				if saved, err = readEvent(file, data, &sampled); err != nil {
					return err
				}
				if len(given) == 0 && saved.Function != "" {
					given = []string{saved.Function}
				}
			}
			if err := sampled.check(strings.Join(given, ""), data); err != nil {
				return err
			}
			if len(given) == 0 {
				return a.showSample(&sampled)
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			payload, err := readData(data)
			if err != nil {
				return err
			}
			if sampled.name != "" {
				where, err := cl.whereIt(cmd.Context())
				if err != nil {
					return err
				}
				if payload, err = sampled.event(where); err != nil {
					return err
				}
			}
			called, version, _ := strings.Cut(given[0], ":")
			if qualifier == "" {
				qualifier = version
			}
			name, err := cl.function(cmd.Context(), called)
			if err != nil {
				return err
			}
			head := http.Header{}
			if file != "" {
				payload = saved.Event
				saved.addContext(head)
			}
			if async {
				head.Set("X-Amz-Invocation-Type", "Event")
			} else if log {
				head.Set("X-Amz-Log-Type", "Tail")
			}
			query := ""
			if qualifier != "" {
				query = "Qualifier=" + url.QueryEscape(qualifier)
			}
			resp, err := cl.call(cmd.Context(), "lambda", http.MethodPost, "/2015-03-31/functions/"+url.PathEscape(name)+"/invocations", query, head, payload)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			return a.showInvoked(resp)
		},
	}
	c.Flags().StringVarP(&data, "data", "d", "", "the event: JSON, @FILE, or - for standard input")
	c.Flags().StringVar(&file, "event", "", "a file with the event, such as nube replay --save writes")
	c.Flags().StringVar(&sampled.name, "sample", "", "a generated event, such as s3:put")
	c.Flags().StringArrayVar(&sampled.set, "set", nil, "what is to be in the sample, as name=value; may be given again")
	c.Flags().BoolVar(&sampled.list, "list-samples", false, "list the samples that there are")
	c.Flags().StringVar(&qualifier, "qualifier", "", "a version or an alias")
	c.Flags().BoolVar(&async, "async", false, "do not wait for the answer")
	c.Flags().BoolVar(&log, "log", false, "print the last 4 KB of the invocation's log too")
	return a.remote(c)
}

// readData is an argument that may name a file or standard input.
func readData(s string) ([]byte, error) {
	switch {
	case s == "-":
		return io.ReadAll(os.Stdin)
	case strings.HasPrefix(s, "@"):
		b, err := os.ReadFile(s[1:])
		if err != nil {
			return nil, usage("--data: %w", err)
		}
		return b, nil
	case s == "":
		return []byte("{}"), nil
	}
	return []byte(s), nil
}

func (a *app) showInvoked(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	failed := resp.Header.Get("X-Amz-Function-Error")
	tail, _ := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if a.output == "json" {
		err = a.json(struct {
			StatusCode      int    `json:"statusCode"`
			FunctionError   string `json:"functionError,omitempty"`
			ExecutedVersion string `json:"executedVersion,omitempty"`
			Log             string `json:"log,omitempty"`
			Payload         string `json:"payload"`
		}{resp.StatusCode, failed, resp.Header.Get("X-Amz-Executed-Version"), string(tail), string(body)})
	} else {
		a.err.Write(tail)
		if len(body) > 0 {
			_, err = fmt.Fprintf(a.out, "%s\n", body)
		}
	}
	if err != nil {
		return err
	}
	if failed != "" {
		return &exitError{exitFailed, errShown}
	}
	return nil
}
