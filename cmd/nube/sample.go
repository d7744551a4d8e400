package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/cloud"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/sample"
)

// sampleFlags say which generated event is meant.
type sampleFlags struct {
	name string
	set  []string // "name=value"
	list bool
}

// event makes the event that the flags ask for.
func (f *sampleFlags) event(where sample.Scope) ([]byte, error) {
	s, err := sample.Find(f.name)
	if err != nil {
		return nil, usage("--sample: %w; nube invoke --list-samples lists them", err)
	}
	set := map[string]string{}
	for _, pair := range f.set {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usage("--set is name=value, not %q", pair)
		}
		set[name] = value
	}
	event, err := s.Event(where, set)
	if err != nil {
		return nil, usage("--set: %w", err)
	}
	return event, nil
}

// check refuses flags that do not go together.
func (f *sampleFlags) check(function, data string) error {
	switch {
	case f.list && (f.name != "" || function != ""):
		return usage("--list-samples stands alone")
	case f.name == "" && len(f.set) > 0:
		return usage("--set is for a sample: name one with --sample")
	case f.name != "" && data != "":
		return usage("the event is either --data or --sample")
	case f.name == "" && !f.list && function == "":
		return usage("name the function to call; see nube invoke --help")
	}
	return nil
}

// where is the scope of samples that are only printed.
func (c *client) where() sample.Scope {
	return sample.Scope{Account: cloud.DefaultAccount, Region: or(c.region, cloud.DefaultRegion), Time: c.clock.Now()}
}

// whereIt is the scope of samples that are sent: that of the cloud.
func (c *client) whereIt(ctx context.Context) (sample.Scope, error) {
	var st control.Status
	if err := c.control(ctx, http.MethodGet, "status", nil, &st); err != nil {
		return sample.Scope{}, err
	}
	return sample.Scope{Account: st.Account, Region: st.Region, Time: c.clock.Now()}, nil
}

// showSample prints an event, or the list of all.
func (a *app) showSample(f *sampleFlags) error {
	if f.list {
		return a.listSamples()
	}
	cl, err := a.client()
	if err != nil {
		return err
	}
	event, err := f.event(cl.where())
	if err != nil {
		return err
	}
	_, err = a.out.Write(event)
	return err
}

// sampleLine is a sample in the list that programs read.
type sampleLine struct {
	Name   string            `json:"name"`
	About  string            `json:"about"`
	Page   string            `json:"page"`
	Params []sampleParamLine `json:"params"`
}

type sampleParamLine struct {
	Name    string `json:"name"`
	Default string `json:"default"`
	About   string `json:"about"`
}

func (a *app) listSamples() error {
	rows := [][]string{{"SAMPLE", "WHAT HAS HAPPENED", "PARAMETERS"}}
	lines := []sampleLine{}
	for _, s := range sample.All() {
		line := sampleLine{s.Name, s.About, s.Page, []sampleParamLine{}}
		var names []string
		for _, p := range s.Params {
			names = append(names, p.Name)
			line.Params = append(line.Params, sampleParamLine{p.Name, p.Default, p.About})
		}
		rows, lines = append(rows, []string{s.Name, s.About, strings.Join(names, " ")}), append(lines, line)
	}
	if a.output == "json" {
		return a.json(lines)
	}
	a.table(rows)
	return nil
}
