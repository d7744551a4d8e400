package cloudformation

import (
	"context"
	"fmt"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/sts"
)

// STS makes actors of service roles by assuming them, as everyone does.
type STS struct {
	Caller     awsapi.Caller
	Identities awsapi.Identities
}

// Assume implements [Roles].
func (s STS) Assume(ctx context.Context, role arn.ARN, service, session string) (awsapi.Actor, error) {
	ctx = awsapi.As(ctx, awsapi.ServiceActor(scope(ctx).Account, service, ""))
	out, err := awsapi.Do(ctx, s.Caller, sts.AssumeRole, &sts.AssumeRoleRequest{RoleArn: ptr(role.String()), RoleSessionName: &session})
	if err != nil {
		return awsapi.Actor{}, invalid("Role %s is invalid or cannot be assumed", role).Because(err)
	}
	c := out.Credentials
	cred, ok, err := s.Identities.Key(ctx, val(c.AccessKeyId), val(c.SessionToken))
	if err == nil && !ok {
		err = fmt.Errorf("the session of %s is unknown", role)
	}
	return cred.Actor, err
}
