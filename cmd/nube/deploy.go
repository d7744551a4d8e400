package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nube-run/nube/internal/control"
)

// deployFlags say how a manifest is read.
type deployFlags struct {
	stage  string
	params []string
}

func (f *deployFlags) register(c *cobra.Command) {
	c.Flags().StringVarP(&f.stage, "stage", "s", "", "the stage (default the manifest's, or dev)")
	c.Flags().StringArrayVar(&f.params, "param", nil, "a parameter of the manifest, as name=value; may be given again")
}

// request is the request to deploy a directory.
func (f *deployFlags) request(dir string) (control.DeployRequest, error) {
	r := control.DeployRequest{Dir: dir, Stage: f.stage, Params: map[string]string{}, Env: map[string]string{}}
	for _, p := range f.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return r, usage("--param is name=value, not %q", p)
		}
		r.Params[name] = value
	}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			r.Env[name] = value
		}
	}
	return r, nil
}

func (a *app) deploy() *cobra.Command {
	var f deployFlags
	c := &cobra.Command{
		Use:   "deploy [DIR]",
		Short: "Deploy an application to the running cloud",
		Long: `Read the manifest (serverless.yml) in DIR, build what changed and update the
running stack to what the manifest says. A change that fails is rolled back, and
the stack is what it was before. A mistake in the manifest is shown with its
file, line and column, before anything is touched.

EXIT CODES
  0  the stack is what the manifest says
  1  the manifest is wrong, or the change failed and was rolled back
  3  no cloud answers at the endpoint`,
		Example: `  nube deploy
  nube deploy examples/shop --stage test
  nube deploy --param table=users --output json`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			dir := "."
			if len(given) > 0 {
				dir = given[0]
			}
			abs, err := absolute(dir)
			if err != nil {
				return err
			}
			cl, err := a.client()
			if err != nil {
				return err
			}
			req, err := f.request(abs)
			if err != nil {
				return err
			}
			var last control.DeployEvent
			err = cl.stream(cmd.Context(), http.MethodPost, "deploy", "", req, func(line []byte) error {
				var e control.DeployEvent
				if err := json.Unmarshal(line, &e); err != nil {
					return err
				}
				last = e
				if !e.Done {
					a.progress(e)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return a.showDeployed(last)
		},
	}
	f.register(c)
	return a.remote(c)
}

// progress tells of one step of a deployment.
func (a *app) progress(e control.DeployEvent) {
	line := fmt.Sprintf("%-8s %-32s %s", e.Phase, e.Subject, e.Status)
	if e.Reason != "" {
		line += "  " + paint(a.err, "31", e.Reason)
	}
	a.note("%s", strings.TrimRight(line, " "))
}

func (a *app) showDeployed(e control.DeployEvent) error {
	if !e.Done {
		return errors.New("the cloud went away before the deployment was done")
	}
	if e.Error != "" {
		return a.showProblems(errors.New(e.Error), e.Problems)
	}
	if a.output == "json" {
		return a.json(e.Result)
	}
	a.deployed(e.Result)
	return nil
}

// showProblems tells why a deployment failed, and returns the error that ends
// the program.
func (a *app) showProblems(err error, problems []string) error {
	if len(problems) == 0 {
		return err
	}
	if a.output == "json" {
		if jsonErr := a.json(struct {
			Error    string   `json:"error"`
			Problems []string `json:"problems"`
		}{err.Error(), problems}); jsonErr != nil {
			return jsonErr
		}
		return errShown
	}
	for _, p := range problems {
		fmt.Fprintln(a.err, p)
	}
	return errShown
}
