package apigateway

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func (s *Service) registerAccount() {
	awsapi.Handle(s.api, shapes.GetAccount, on("GET", func(*shapes.GetAccountRequest) string { return "/account" }), s.getAccount)
	awsapi.Handle(s.api, shapes.UpdateAccount, on("PATCH", func(*shapes.UpdateAccountRequest) string { return "/account" }), s.updateAccount)
}

// newAccount has the default quotas of an account.
func newAccount() *shapes.Account {
	return &shapes.Account{
		ThrottleSettings: &shapes.ThrottleSettings{BurstLimit: ptr(int32(5000)), RateLimit: ptr(10000.0)},
		Features:         []string{"UsagePlans"}, ApiKeyVersion: ptr("4"),
	}
}

func (s *Service) getAccount(ctx context.Context, _ *shapes.GetAccountRequest) (*shapes.Account, error) {
	var acc *shapes.Account
	err := s.view(ctx, func(sn *kv.Snap, sp space) (err error) {
		acc, err = jsonrow.Load[shapes.Account](sn, sp.account())
		return err
	})
	if err == nil && acc == nil {
		acc = newAccount()
	}
	return acc, err
}

func (s *Service) updateAccount(ctx context.Context, in *shapes.UpdateAccountRequest) (*shapes.Account, error) {
	acc := newAccount()
	sp := spaceOf(awsapi.From(ctx).Scope)
	_, err := s.db.Update(ctx, func(tx *kv.Tx) error {
		had, err := jsonrow.Load[shapes.Account](tx, sp.account())
		if err != nil {
			return err
		}
		if had != nil {
			acc = had
		}
		for _, p := range in.PatchOperations {
			if value(p.Path) != "/cloudwatchRoleArn" {
				return badPatch(p)
			}
			acc.CloudwatchRoleArn = p.Value
		}
		return jsonrow.Set(tx, sp.account(), acc)
	})
	return acc, err
}
