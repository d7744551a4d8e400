package cloud

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/control"
)

// Status implements [control.Platform].
func (c *Cloud) Status(ctx context.Context) (control.Status, error) {
	st := control.Status{
		Version: c.opts.Version, Account: c.opts.Account, Region: c.opts.Region, Endpoint: c.Endpoint(), Gateway: c.GatewayURL(),
		Data: c.opts.Data, IAM: iamMode(c.opts.IAM), Isolation: c.Isolation(), Stacks: []control.Stack{}, Functions: []control.Function{},
	}
	return st, nil
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

// Deploy implements [control.Platform].
func (c *Cloud) Deploy(ctx context.Context, r control.DeployRequest, tell func(control.DeployEvent)) (*control.Deployment, error) {
	return nil, nil
}
