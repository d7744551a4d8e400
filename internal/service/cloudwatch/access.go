package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudwatch"
	"github.com/nube-run/nube/internal/policy"
)

// Actions and resources:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html

func dashboardARN(s arn.Scope, name string) arn.ARN {
	return arn.New("aws", "cloudwatch", "", s.Account, "dashboard/"+name)
}

func accessPut(_ context.Context, in *shapes.PutMetricDataInput) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "cloudwatch:PutMetricData", Keys: policy.KeyMap{"cloudwatch:namespace": policy.One(value(in.Namespace))}}}, nil
}

// onAlarm is the access function of operations on one alarm. Who makes one with
// tags must be allowed to tag it.
func onAlarm[I any](action string, of func(I) (*string, []shapes.Tag)) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		name, tags := of(in)
		resource := awsapi.From(ctx).Scope.Alarm(value(name))
		keys := tagKeys(tags)
		need := []awsapi.Access{{Action: "cloudwatch:" + action, Resource: resource, Keys: keys}}
		if len(tags) > 0 {
			need = append(need, awsapi.Access{Action: "cloudwatch:TagResource", Resource: resource, Keys: keys})
		}
		return need, nil
	}
}

func onAlarms[I any](action string, of func(I) []string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		var need []awsapi.Access
		for _, name := range of(in) {
			need = append(need, awsapi.Access{Action: "cloudwatch:" + action, Resource: awsapi.From(ctx).Scope.Alarm(name)})
		}
		return need, nil
	}
}

func onAllAlarms[I any](action string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, _ I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "cloudwatch:" + action, Resource: awsapi.From(ctx).Scope.Alarm("*")}}, nil
	}
}

func onDashboard[I any](action string, of func(I) *string) func(context.Context, I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in I) ([]awsapi.Access, error) {
		return []awsapi.Access{{Action: "cloudwatch:" + action, Resource: dashboardARN(awsapi.From(ctx).Scope, value(of(in)))}}, nil
	}
}

func accessDeleteDashboards(ctx context.Context, in *shapes.DeleteDashboardsInput) ([]awsapi.Access, error) {
	var need []awsapi.Access
	for _, name := range in.DashboardNames {
		need = append(need, awsapi.Access{Action: "cloudwatch:DeleteDashboards", Resource: dashboardARN(awsapi.From(ctx).Scope, name)})
	}
	return need, nil
}

func accessTag(_ context.Context, in *shapes.TagResourceInput) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "cloudwatch:TagResource", Resource: arn.ARN(value(in.ResourceARN)), Keys: tagKeys(in.Tags)}}, nil
}

func accessUntag(_ context.Context, in *shapes.UntagResourceInput) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "cloudwatch:UntagResource", Resource: arn.ARN(value(in.ResourceARN)), Keys: policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)}}}, nil
}

func accessListTags(_ context.Context, in *shapes.ListTagsForResourceInput) ([]awsapi.Access, error) {
	return []awsapi.Access{{Action: "cloudwatch:ListTagsForResource", Resource: arn.ARN(value(in.ResourceARN))}}, nil
}

// tagKeys are the condition keys of tags in a request.
func tagKeys(tags []shapes.Tag) policy.Keys {
	if len(tags) == 0 {
		return nil
	}
	keys := make(policy.KeyMap, len(tags)+1)
	var names []string
	for _, t := range tags {
		keys["aws:requesttag/"+strings.ToLower(value(t.Key))] = policy.One(value(t.Value))
		names = append(names, value(t.Key))
	}
	slices.Sort(names)
	keys["aws:tagkeys"] = policy.Many(names...)
	return keys
}
