package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/record"
)

func (a *app) replay() *cobra.Command {
	var function, save string
	var edit bool
	c := &cobra.Command{
		Use:   "replay ID",
		Short: "Give a function or the gateway the same once more",
		Long: `Give a function the event that it has had, or the gateway the request that it has
had, once more, to the code as it is now, and show the answer beside the recorded
one, with the differences marked: - was, + is now. What the function does is done
once more, too.

ID is what is at hand: the id of a request, of a trace or of an invocation, of a
topic's message, a stream's record or another event, or of a mail, which means the
function that has sent it. A trace means what it began with: for a request to the
application it is made through the gateway, as it was, signature and all.

The cloud keeps what was given to functions and to the gateway, and the answers,
up to 128 MB (32 MB with --data memory). With --exchanges off it keeps none.

EXIT CODES
  0  it was replayed, or saved
  1  the function failed, or nothing is recorded under the ID
  2  the words of the command are off`,
		Example: `  nube replay 1-5759e988-bd862e3fe1be46a994272793    a whole request, through the gateway
  nube replay 7f3c2a1e-1d0b-4c1a-9a57-0c5b1c2d3e4f   x-amzn-RequestId, or an invocation
  nube replay ID --function dynamoDbProcessor        what this function got of it
  nube replay ID --edit                              change the event first, in $VISUAL or $EDITOR
  nube replay ID --save testdata/event.json          keep it for tests, and replay nothing
  nube replay ID --output json | jq .same`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			cl, err := a.client()
			if err != nil {
				return err
			}
			r := replaying{app: a, cl: cl, id: given[0], query: cl.in(url.Values{})}
			if function != "" {
				r.query.Set("function", function)
			}
			if save != "" {
				r.query.Set("invocation", "1")
			}
			var req control.ReplayRequest
			if edit {
				if req, err = r.edited(cmd.Context()); err != nil {
					return err
				}
			}
			if save != "" {
				return r.save(cmd.Context(), save, req.Event)
			}
			return r.run(cmd.Context(), req)
		},
	}
	c.Flags().StringVar(&function, "function", "", "the function, where several got it; or another one to give it to")
	c.Flags().BoolVar(&edit, "edit", false, "open the event in $VISUAL or $EDITOR first")
	c.Flags().StringVar(&save, "save", "", "write event, context, function and answer to this file, and replay nothing")
	return a.remote(c)
}

// replaying is one run of the command.
type replaying struct {
	*app
	cl    *client
	id    string
	query url.Values
}

// call calls the platform's API.
func (r *replaying) call(ctx context.Context, method string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := r.cl.call(ctx, control.Service, method, control.Prefix+"replays/"+url.PathEscape(r.id), r.query.Encode(), nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

// run replays and shows what came of it.
func (r *replaying) run(ctx context.Context, req control.ReplayRequest) error {
	var got control.Replay
	if err := r.call(ctx, http.MethodPost, req, &got); err != nil {
		return err
	}
	var err error
	if r.output == "json" {
		err = r.json(got)
	} else {
		err = r.show(&got)
	}
	if err == nil && got.Answer.Error != "" {
		return &exitError{exitFailed, errShown}
	}
	return err
}

// show prints both answers as one text.
func (r *replaying) show(got *control.Replay) error {
	was, is := &got.Recorded.Answer, &got.Answer
	what := "function " + named(got.Function)
	if h := got.Recorded.HTTP; h != nil {
		what = h.Method + " " + h.Path
	}
	edited := ""
	if got.Edited {
		edited = ", edited"
	}
	fmt.Fprintf(r.out, "%s%s\n", paint(r.out, "1", what), edited)
	trace := got.Recorded.Trace
	if id, err := record.ParseTraceID(trace); err == nil {
		trace = id.XRay()
	}
	now := got.Trace
	if id, err := record.ParseTraceID(now); err == nil {
		now = id.XRay()
	}
	fmt.Fprintf(r.out, "- %s  %s  %s\n", got.Recorded.Time.Format("2006-01-02T15:04:05.000Z"), trace, millis(was.Duration))
	fmt.Fprintf(r.out, "+ %-24s  %s  %s\n", "now", now, millis(is.Duration))
	if got.Same {
		fmt.Fprintln(r.out, paint(r.out, "32", "the answer is the same"))
	}
	_, err := r.out.Write([]byte(r.marked(linesOf(was), linesOf(is))))
	return err
}
