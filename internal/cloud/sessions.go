package cloud

import (
	"context"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sts"
	"github.com/nube-run/nube/internal/service/iam"
	"github.com/nube-run/nube/internal/service/sts"
)

// issuer lets sts make sessions of what iam knows.
type issuer struct{ iam *iam.Service }

// Role implements [sts.Issuer].
func (i issuer) Role(ctx context.Context, role arn.ARN) (sts.Role, bool, error) {
	r, err := i.iam.Role(ctx, role)
	if err != nil || r == nil {
		return sts.Role{}, false, err
	}
	return sts.Role{ID: r.ID, Trust: r.Trust, MaxSession: r.MaxSession}, true, nil
}

// Issue implements [sts.Issuer].
func (i issuer) Issue(_ context.Context, g sts.Grant) (sts.Issued, error) {
	creds, actor, err := i.iam.Issue(iam.Grant{
		Role: g.Role, RoleID: g.RoleID, Actor: g.Actor, Name: g.Name, Policies: g.Policies, Tags: g.Tags, Transitive: g.Transitive,
		SourceIdentity: g.SourceIdentity, Expires: g.Expires,
	})
	if err != nil {
		return sts.Issued{}, err
	}
	return sts.Issued{
		Credentials: shapes.Credentials{
			AccessKeyId: &creds.AccessKeyID, SecretAccessKey: &creds.SecretAccessKey, SessionToken: &creds.SessionToken, Expiration: &creds.Expires,
		},
		ARN: actor.Principal.ARN, UserID: actor.UserID,
	}, nil
}

// Managed implements [sts.Issuer].
func (i issuer) Managed(ctx context.Context, policy arn.ARN) (string, bool, error) {
	return i.iam.ManagedDocument(ctx, policy)
}
