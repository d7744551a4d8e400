package runner

import (
	"context"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/clock"
)

// Credentials makes the temporary credentials under which instances act.
type Credentials interface {
	// Credentials returns new ones for a role. The session is named after the
	// function, as in Lambda.
	Credentials(ctx context.Context, role arn.ARN, session string) (Keys, error)
}

// Keys are temporary credentials.
type Keys struct {
	ID, Secret, Token string
	Expires           clock.Instant // zero for never
}

// credentialMargin is how long before their expiry credentials are not relied
// on any more. A process cannot be given new ones, since it has them in its
// environment: the instance is replaced.
const credentialMargin = 5 * time.Minute
