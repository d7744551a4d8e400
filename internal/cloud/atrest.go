package cloud

import (
	"context"

	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv/driver"
	"github.com/nube-run/nube/internal/kv/sealkv"
)

// atRest seals what services keep with the vault of the cloud as it is now: one
// that was loaded has another. It is a [sealkv.Sealer].
type atRest struct{ c *Cloud }

// Ready implements [sealkv.Sealer].
func (a atRest) Ready(ctx context.Context) error { return a.c.vault.Ready(ctx) }

// AppendSealed implements [sealkv.Sealer].
func (a atRest) AppendSealed(ctx context.Context, dst, text, associated []byte) ([]byte, error) {
	return a.c.vault.AppendSealed(ctx, dst, text, associated)
}

// Open implements [sealkv.Sealer].
func (a atRest) Open(ctx context.Context, envelope, associated []byte) ([]byte, error) {
	return a.c.vault.Open(ctx, envelope, associated)
}

// sealed says whose rows are sealed on the disk: those of services that keep what
// applications give them to keep secret (the environments of functions, templates
// and their parameters, messages and mail), and of what carries it between them.
// Secrets Manager, Parameter Store and KMS seal by themselves what is secret of
// what they keep; items of tables lie as they are, docs/secrets.md says so.
func sealed(k driver.Key) bool {
	switch string(keyspace.ServiceOf(k)) {
	case "lambda", "cloudformation", "sqs", "sns", "events", "scheduler", "ses", "delivery", "iam", "apigateway", "apigatewayv2":
		return true
	}
	return false
}

// sealing returns an engine that seals on the way to a disk. What is in memory
// only is not sealed, and opened if it was: it may have been loaded.
func (c *Cloud) sealing(e driver.Engine) driver.Engine {
	if c.place.temp {
		return sealkv.New(e, atRest{c}, nil)
	}
	return sealkv.New(e, atRest{c}, sealed)
}
