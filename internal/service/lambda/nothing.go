package lambda

import (
	"context"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/lambda"
)

// Operations about what functions cannot have here. Clients ask before they
// set anything, and the truth is that there is nothing; setting it is answered
// with 501 by the front.

func (s *Service) getCodeSigning(ctx context.Context, in *shapes.GetFunctionCodeSigningConfigRequest) (*shapes.GetFunctionCodeSigningConfigResponse, error) {
	r, _, _, err := s.view(ctx, in.FunctionName, nil)
	return &shapes.GetFunctionCodeSigningConfigResponse{FunctionName: &r.name}, err
}

func (s *Service) getRuntimeManagement(ctx context.Context, in *shapes.GetRuntimeManagementConfigRequest) (*shapes.GetRuntimeManagementConfigResponse, error) {
	r, _, c, err := s.view(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &shapes.GetRuntimeManagementConfigResponse{UpdateRuntimeOn: ptr("Auto"), FunctionArn: s.shown(ctx, r, c).FunctionArn}, nil
}
