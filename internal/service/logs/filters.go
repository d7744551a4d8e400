package logs

import (
	"context"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/logs"
)

// There are no metric filters and no subscription filters: the operations that
// would make one are not implemented and say so. So there are none to list, of
// groups that exist.

func (s *Service) describeMetricFilters(ctx context.Context, in *shapes.DescribeMetricFiltersRequest) (*shapes.DescribeMetricFiltersResponse, error) {
	if in.LogGroupName != nil {
		if _, err := s.viewGroup(ctx, *in.LogGroupName); err != nil {
			return nil, err
		}
	}
	return &shapes.DescribeMetricFiltersResponse{MetricFilters: []shapes.MetricFilter{}}, nil
}

func (s *Service) describeSubscriptionFilters(ctx context.Context, in *shapes.DescribeSubscriptionFiltersRequest) (*shapes.DescribeSubscriptionFiltersResponse, error) {
	if _, err := s.viewGroup(ctx, value(in.LogGroupName)); err != nil {
		return nil, err
	}
	return &shapes.DescribeSubscriptionFiltersResponse{SubscriptionFilters: []shapes.SubscriptionFilter{}}, nil
}
