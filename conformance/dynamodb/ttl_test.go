package dynamodb

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTimeToLive.html
func TestTimeToLive(t *testing.T) {
	x := open(t)
	describe := func() *types.TimeToLiveDescription {
		t.Helper()
		out, err := x.DescribeTimeToLive(x.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: x.table})
		x.must(err)
		return out.TimeToLiveDescription
	}
	update := func(attribute string, on bool) error {
		spec := &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &on}
		out, err := x.UpdateTimeToLive(x.ctx, &dynamodb.UpdateTimeToLiveInput{TableName: x.table, TimeToLiveSpecification: spec})
		if err == nil && (aws.ToString(out.TimeToLiveSpecification.AttributeName) != attribute || aws.ToBool(out.TimeToLiveSpecification.Enabled) != on) {
			t.Errorf("answered %+v", out.TimeToLiveSpecification)
		}
		return err
	}
	if d := describe(); d.TimeToLiveStatus != types.TimeToLiveStatusDisabled || d.AttributeName != nil {
		t.Errorf("of a new table: %+v", d)
	}
	x.refused(update("ttl", false), "ValidationException", "TimeToLive is already disabled")
	x.must(update("ttl", true))
	if d := describe(); d.TimeToLiveStatus != types.TimeToLiveStatusEnabling && d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || aws.ToString(d.AttributeName) != "ttl" {
		t.Errorf("enabled: %+v", d)
	}
	x.refused(update("ttl", true), "ValidationException", "TimeToLive is already enabled")
	x.refused(update("other", true), "ValidationException", "TimeToLive is active on a different AttributeName")
	x.refused(update("ttl", false), "ValidationException", "Time to live has been modified multiple times within a fixed interval")
}
