package dynamodb

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/dynamodb"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
)

func (s *Service) registerSettings() {
	awsapi.Handle(s.api, shapes.TagResource, onResource("TagResource", func(in *shapes.TagResourceInput) *string { return in.ResourceArn }), s.tagResource)
	awsapi.Handle(s.api, shapes.UntagResource, onResource("UntagResource", func(in *shapes.UntagResourceInput) *string { return in.ResourceArn }), s.untagResource)
	awsapi.Handle(s.api, shapes.ListTagsOfResource, onResource("ListTagsOfResource", func(in *shapes.ListTagsOfResourceInput) *string { return in.ResourceArn }), s.listTagsOfResource)
	awsapi.Handle(s.api, shapes.UpdateTimeToLive, onTable("UpdateTimeToLive", func(in *shapes.UpdateTimeToLiveInput) *string { return in.TableName }), s.updateTimeToLive)
	awsapi.Handle(s.api, shapes.DescribeTimeToLive, onTable("DescribeTimeToLive", func(in *shapes.DescribeTimeToLiveInput) *string { return in.TableName }), s.describeTimeToLive)
	awsapi.Handle(s.api, shapes.DescribeContinuousBackups, onTable("DescribeContinuousBackups", func(in *shapes.DescribeContinuousBackupsInput) *string { return in.TableName }), s.describeContinuousBackups)
	awsapi.Handle(s.api, shapes.DescribeContributorInsights, onTable("DescribeContributorInsights", func(in *shapes.DescribeContributorInsightsInput) *string { return in.TableName }), s.describeContributorInsights)
	awsapi.Handle(s.api, shapes.DescribeKinesisStreamingDestination, onTable("DescribeKinesisStreamingDestination", func(in *shapes.DescribeKinesisStreamingDestinationInput) *string { return in.TableName }), s.describeKinesisStreamingDestination)
	awsapi.Handle(s.api, shapes.PutResourcePolicy, onResource("PutResourcePolicy", func(in *shapes.PutResourcePolicyInput) *string { return in.ResourceArn }), s.putResourcePolicy)
	awsapi.Handle(s.api, shapes.GetResourcePolicy, onResource("GetResourcePolicy", func(in *shapes.GetResourcePolicyInput) *string { return in.ResourceArn }), s.getResourcePolicy)
	awsapi.Handle(s.api, shapes.DeleteResourcePolicy, onResource("DeleteResourcePolicy", func(in *shapes.DeleteResourcePolicyInput) *string { return in.ResourceArn }), s.deleteResourcePolicy)
}

// resource is the name of the table whose ARN a request gives.
func resource(ctx context.Context, p *string) (string, error) {
	a, scope := arn.ARN(value(p)), awsapi.From(ctx).Scope
	name, ok := strings.CutPrefix(a.Resource(), "table/")
	if a.Service() != service || !ok || name == "" || strings.Contains(name, "/") {
		return "", validation("Invalid TableArn: Invalid ResourceArn provided as input %s", a)
	}
	if a.Account() != scope.Account || a.Region() != scope.Region {
		return "", resourceNotFound(a)
	}
	return name, nil
}

func resourceNotFound(a arn.ARN) *fault.Error {
	return fault.New("ResourceNotFoundException", "Requested resource not found: ResourcArn: %s not found", a)
}

// changeResource is change for operations that name the table by its ARN.
func (s *Service) changeResource(ctx context.Context, p *string, fn func(t *table) error) error {
	name, err := resource(ctx, p)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, name, func(_ *kv.Tx, t *table) error { return fn(t) })
	if fault.Is(err, "ResourceNotFoundException") {
		return resourceNotFound(arn.ARN(*p))
	}
	return err
}

// tagResource: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TagResource.html
func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceInput) (*schema.Empty, error) {
	if len(in.Tags) == 0 {
		return nil, validation("Atleast one Tag needs to be provided as Input.")
	}
	return &schema.Empty{}, s.changeResource(ctx, in.ResourceArn, func(t *table) error { return t.tag(in.Tags) })
}

// untagResource: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UntagResource.html
func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceInput) (*schema.Empty, error) {
	if len(in.TagKeys) == 0 {
		return nil, validation("Atleast one Tag Key needs to be provided as Input.")
	}
	return &schema.Empty{}, s.changeResource(ctx, in.ResourceArn, func(t *table) error {
		t.Tags = slices.DeleteFunc(t.Tags, func(x tag) bool { return slices.Contains(in.TagKeys, x.Key) })
		return nil
	})
}

// listTagsOfResource: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTagsOfResource.html
//
// A table has at most 50 tags, so there is one page.
func (s *Service) listTagsOfResource(ctx context.Context, in *shapes.ListTagsOfResourceInput) (*shapes.ListTagsOfResourceOutput, error) {
	name, err := resource(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		return nil, validation("Invalid NextToken: %s", *in.NextToken)
	}
	out := &shapes.ListTagsOfResourceOutput{Tags: []shapes.Tag{}}
	err = s.look(ctx, name, func(_ *kv.Snap, t *table) error {
		for i := range t.Tags {
			out.Tags = append(out.Tags, shapes.Tag{Key: &t.Tags[i].Key, Value: &t.Tags[i].Value})
		}
		return nil
	})
	if fault.Is(err, "ResourceNotFoundException") {
		err = resourceNotFound(arn.ARN(*in.ResourceArn))
	}
	return out, err
}

// lookAt is look for what needs no more than the description.
func (s *Service) lookAt(ctx context.Context, p *string, fn func(t *table)) error {
	name, err := tableName(ctx, p)
	if err != nil {
		return err
	}
	return s.look(ctx, name, func(_ *kv.Snap, t *table) error {
		fn(t)
		return nil
	})
}

// describeContinuousBackups: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContinuousBackups.html
//
// There are no backups here. A real table answers ENABLED for the first status, which it always has; it would be a
// promise.
func (s *Service) describeContinuousBackups(ctx context.Context, in *shapes.DescribeContinuousBackupsInput) (*shapes.DescribeContinuousBackupsOutput, error) {
	err := s.lookAt(ctx, in.TableName, func(*table) {})
	if fault.Is(err, "ResourceNotFoundException") {
		err = fault.New("TableNotFoundException", "Table not found: %s", value(in.TableName))
	}
	return &shapes.DescribeContinuousBackupsOutput{ContinuousBackupsDescription: &shapes.ContinuousBackupsDescription{
		ContinuousBackupsStatus:        ptr("DISABLED"),
		PointInTimeRecoveryDescription: &shapes.PointInTimeRecoveryDescription{PointInTimeRecoveryStatus: ptr("DISABLED")},
	}}, err
}

// describeContributorInsights: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeContributorInsights.html
func (s *Service) describeContributorInsights(ctx context.Context, in *shapes.DescribeContributorInsightsInput) (*shapes.DescribeContributorInsightsOutput, error) {
	out := &shapes.DescribeContributorInsightsOutput{TableName: in.TableName, IndexName: in.IndexName, ContributorInsightsStatus: ptr("DISABLED")}
	return out, s.lookAt(ctx, in.TableName, func(*table) {})
}

// describeKinesisStreamingDestination: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeKinesisStreamingDestination.html
func (s *Service) describeKinesisStreamingDestination(ctx context.Context, in *shapes.DescribeKinesisStreamingDestinationInput) (*shapes.DescribeKinesisStreamingDestinationOutput, error) {
	out := &shapes.DescribeKinesisStreamingDestinationOutput{TableName: in.TableName, KinesisDataStreamDestinations: []shapes.KinesisDataStreamDestination{}}
	return out, s.lookAt(ctx, in.TableName, func(*table) {})
}
