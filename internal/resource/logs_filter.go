package resource

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/shapes/logs"
	"github.com/nube-run/nube/internal/stack"
	"github.com/nube-run/nube/internal/template"
)

// metricFilter is AWS::Logs::MetricFilter. Ref is its name.
type metricFilter struct{ base }

// subscriptionFilter is AWS::Logs::SubscriptionFilter. Ref is its name.
type subscriptionFilter struct{ base }

// filterDimensions are the dimensions of a metric filter, which templates have as a
// list of keys and values.
func filterDimensions(v *template.Value) map[string]string {
	dims := v.Get("Dimensions")
	if dims == nil {
		return nil
	}
	out := make(map[string]string, len(dims.Items))
	for _, d := range dims.Items {
		out[text(d, "Key")] = text(d, "Value")
	}
	return out
}

func (f metricFilter) put(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &logs.PutMetricFilterRequest{FilterName: &r.PhysicalID}
	if err := bind(in, r.Properties, "FilterName", "MetricTransformations", "ApplyOnTransformedLogs"); err != nil {
		return stack.Progress{}, err
	}
	for _, v := range r.Properties.Get("MetricTransformations").Items {
		var t logs.MetricTransformation
		if err := bind(&t, v, "Dimensions"); err != nil {
			return stack.Progress{}, err
		}
		t.Dimensions = filterDimensions(v)
		in.MetricTransformations = append(in.MetricTransformations, t)
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{}}, run(ctx, f.base, logs.PutMetricFilter, in)
}

func (f metricFilter) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return f.put(ctx, r)
}

func (f metricFilter) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return f.put(ctx, r)
}

func (f metricFilter) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, f.base, logs.DeleteMetricFilter, &logs.DeleteMetricFilterRequest{LogGroupName: ptr(text(r.Properties, "LogGroupName")), FilterName: &r.PhysicalID}))
}

func (f metricFilter) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, f.base, logs.DescribeMetricFilters, &logs.DescribeMetricFiltersRequest{LogGroupName: ptr(text(r.Properties, "LogGroupName")), FilterNamePrefix: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	for _, have := range out.MetricFilters {
		if val(have.FilterName) == r.PhysicalID {
			return stack.Attrs{}, nil
		}
	}
	return nil, stack.ErrNotFound
}

func (f subscriptionFilter) put(ctx context.Context, r stack.Request) (stack.Progress, error) {
	in := &logs.PutSubscriptionFilterRequest{FilterName: &r.PhysicalID}
	if err := bind(in, r.Properties, "FilterName"); err != nil {
		return stack.Progress{}, err
	}
	return stack.Progress{PhysicalID: r.PhysicalID, Attrs: stack.Attrs{}}, run(ctx, f.base, logs.PutSubscriptionFilter, in)
}

func (f subscriptionFilter) Create(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return f.put(ctx, r)
}

func (f subscriptionFilter) Update(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return f.put(ctx, r)
}

func (f subscriptionFilter) Delete(ctx context.Context, r stack.Request) (stack.Progress, error) {
	return gone(run(ctx, f.base, logs.DeleteSubscriptionFilter, &logs.DeleteSubscriptionFilterRequest{LogGroupName: ptr(text(r.Properties, "LogGroupName")), FilterName: &r.PhysicalID}))
}

func (f subscriptionFilter) Read(ctx context.Context, r stack.Request) (stack.Attrs, error) {
	out, err := do(ctx, f.base, logs.DescribeSubscriptionFilters, &logs.DescribeSubscriptionFiltersRequest{LogGroupName: ptr(text(r.Properties, "LogGroupName")), FilterNamePrefix: &r.PhysicalID})
	if err != nil {
		return nil, found(err)
	}
	for _, have := range out.SubscriptionFilters {
		if val(have.FilterName) == r.PhysicalID {
			return stack.Attrs{}, nil
		}
	}
	return nil, stack.ErrNotFound
}
