package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/service/apigateway"
	"github.com/nube-run/nube/internal/service/apigatewayv2/oidc"
)

// userPools verifies the tokens of Cognito's user pools, which are wherever
// their issuer is: there are none here.
type userPools struct{ issuers *oidc.Issuers }

func newUserPools() userPools {
	return userPools{oidc.New(http.DefaultTransport, clock.Machine{})}
}

// Verify implements [apigateway.Pools].
func (p userPools) Verify(ctx context.Context, token, issuer string) (map[string]any, error) {
	claims, err := p.issuers.VerifyAny(ctx, token, issuer)
	var wrong *oidc.Error
	switch {
	case err == nil:
		return claims, nil
	case !errors.As(err, &wrong) || strings.HasSuffix(wrong.Description, "communication error"):
		return nil, err
	case wrong.Description == "the token has expired":
		return nil, apigateway.ErrExpired
	}
	return nil, fmt.Errorf("%w: %w", apigateway.ErrToken, err)
}
