package sns

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
	"github.com/nube-run/nube/internal/fault"
)

// noDataProtection refuses a policy that would not be enforced.
func noDataProtection() *fault.Error {
	return invalid("DataProtectionPolicy: nube does not look for sensitive data in messages; create the topic without a data protection policy")
}

func (s *Service) getDataProtection(ctx context.Context, in *shapes.GetDataProtectionPolicyInput) (*shapes.GetDataProtectionPolicyResponse, error) {
	n, err := topicName(ctx, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if _, err := s.view(ctx, n); err != nil {
		return nil, err
	}
	return &shapes.GetDataProtectionPolicyResponse{DataProtectionPolicy: ptr("")}, nil
}

// putDataProtection takes the policy that protects nothing: there is none.
func (s *Service) putDataProtection(ctx context.Context, in *shapes.PutDataProtectionPolicyInput) (*schema.Empty, error) {
	n, err := topicName(ctx, "ResourceArn", in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if _, err := s.view(ctx, n); err != nil {
		return nil, err
	}
	if value(in.DataProtectionPolicy) != "" {
		return nil, noDataProtection()
	}
	return &schema.Empty{}, nil
}
