package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/stack"
)

// dashboard is AWS::CloudWatch::Dashboard. Ref is its name.
type dashboard struct{ base }

func (d dashboard) put(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &cloudwatch.PutDashboardInput{DashboardName: &r.PhysicalID}
	if err := bind(in, r.Properties, "DashboardName"); err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{}}, run(ctx, d.base, cloudwatch.PutDashboard, in)
}

func (d dashboard) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return d.put(ctx, r)
}

func (d dashboard) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return d.put(ctx, r)
}

func (d dashboard) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, d.base, cloudwatch.DeleteDashboards, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{r.PhysicalID}}))
}

func (d dashboard) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	return stack.Attrs{}, found(run(ctx, d.base, cloudwatch.GetDashboard, &cloudwatch.GetDashboardInput{DashboardName: &r.PhysicalID}))
}
