package secretsmanager

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/kv"
)

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html
func (s *Service) tagResource(ctx context.Context, in *shapes.TagResourceRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) (err error) {
		x.Tags, err = tagged(x.Tags, in.Tags)
		return err
	})
	return &schema.Empty{}, err
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html
func (s *Service) untagResource(ctx context.Context, in *shapes.UntagResourceRequest) (*schema.Empty, error) {
	_, err := s.change(ctx, in.SecretId, func(_ *kv.Tx, x *secret) error {
		for _, k := range in.TagKeys {
			delete(x.Tags, k)
		}
		return nil
	})
	return &schema.Empty{}, err
}
