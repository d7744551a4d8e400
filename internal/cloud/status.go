package cloud

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/control"
)

// Status implements [control.Platform].
func (c *Cloud) Status(ctx context.Context) (control.Status, error) {
	scope := c.parts.edge.Scope()
	st := control.Status{
		Version: c.opts.Version, Account: c.opts.Account, Region: scope.Region, Endpoint: c.Endpoint(), Gateway: c.GatewayURL(),
		Data: c.opts.Data, IAM: iamMode(c.opts.IAM), Isolation: c.Isolation(), Stacks: []control.Stack{}, Functions: []control.Function{},
	}
	stacks, err := c.parts.stacks.Stacks(ctx, scope, false)
	if err != nil {
		return st, err
	}
	for _, s := range stacks {
		st.Stacks = append(st.Stacks, control.Stack{Name: s.Name, Status: string(s.Status)})
	}
	st.Functions, st.Beside, err = c.shown(ctx, scope)
	return st, err
}

func iamMode(e awsapi.Enforcement) string {
	switch e {
	case awsapi.Warn:
		return "warn"
	case awsapi.Off:
		return "off"
	}
	return "enforce"
}
