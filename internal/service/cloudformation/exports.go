package cloudformation

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/cloudformation"
)

func (s *Service) registerExports() {
	awsapi.Handle(s.api, shapes.ListExports, nil, s.listExports)
	awsapi.Handle(s.api, shapes.ListImports, nil, s.listImports)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListExports.html
func (s *Service) listExports(ctx context.Context, in *shapes.ListExportsInput) (*shapes.ListExportsOutput, error) {
	list, err := s.engine.Exports(ctx, scope(ctx))
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &shapes.ListExportsOutput{Exports: []shapes.Export{}, NextToken: next}
	for _, x := range list {
		out.Exports = append(out.Exports, shapes.Export{ExportingStackId: &x.StackID, Name: &x.Name, Value: &x.Value})
	}
	return out, nil
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html
func (s *Service) listImports(ctx context.Context, in *shapes.ListImportsInput) (*shapes.ListImportsOutput, error) {
	list, err := s.engine.Importers(ctx, scope(ctx), val(in.ExportName))
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &shapes.ListImportsOutput{Imports: list, NextToken: next}, nil
}
