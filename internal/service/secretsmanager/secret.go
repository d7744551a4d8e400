package secretsmanager

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// name is a secret by its name, and by its suffix where that is known.
type name struct {
	scope  arn.Scope
	text   string
	suffix string
}

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}

func (n name) space() space { return spaceOf(n.cell()) }

// arn is the secret's. Of one that is not there it has no suffix.
func (n name) arn() string {
	if n.suffix == "" {
		return string(n.scope.Of("secretsmanager", "secret:"+n.text))
	}
	return string(n.scope.Of("secretsmanager", "secret:"+n.text+"-"+n.suffix))
}

// secret is a secret that was found.
type secret struct {
	name
	secretRow
}

// suffixSize is how many characters an ARN has behind the name and a hyphen.
const suffixSize = 6

// suffixFor is the suffix of a secret that a call makes: anything, but the same
// for the call's access function and its handler.
func suffixFor(ctx context.Context, text string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	sum := sha256.Sum256([]byte(awsapi.From(ctx).ID + " " + text))
	var out [suffixSize]byte
	for i := range out {
		out[i] = letters[int(sum[i])%len(letters)]
	}
	return string(out[:])
}

// find reads the secret of a name, of an ARN, or of an ARN without its suffix.
//
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
func find(ctx context.Context, g jsonrow.Getter, id *string) (*secret, error) {
	x := &secret{name: name{scope: awsapi.From(ctx).Scope, text: value(id)}}
	full := ""
	if arn.Looks(x.text) {
		parts := strings.SplitN(x.text, ":", 7)
		if len(parts) < 7 || parts[2] != "secretsmanager" || parts[5] != "secret" {
			return x, invalidParameter("The ARN %s is not one of a secret.", x.text)
		}
		x.scope, x.text, full = arn.Scope{Partition: parts[1], Region: parts[3], Account: parts[4]}, parts[6], parts[6]
		if x.scope.Region != awsapi.From(ctx).Scope.Region {
			return x, notFound()
		}
		if n := len(full) - suffixSize - 1; n > 0 && full[n] == '-' {
			x.text = full[:n]
		}
	}
	ok, err := jsonrow.Get(g, x.space().secret(x.text), &x.secretRow)
	if err == nil && full != "" && (!ok || full != x.text+"-"+x.Suffix) { // perhaps it has no suffix
		x.text, x.secretRow = full, secretRow{}
		ok, err = jsonrow.Get(g, x.space().secret(x.text), &x.secretRow)
	}
	if err == nil && !ok {
		return x, notFound()
	}
	x.suffix = x.Suffix
	return x, err
}

// view finds a secret.
func (s *Service) view(ctx context.Context, id *string) (x *secret, err error) {
	verr := s.DB.View(ctx, func(snap *kv.Snap) error {
		x, err = find(ctx, snap, id)
		return nil
	})
	if verr != nil {
		return nil, verr
	}
	return x, err
}

// change changes the row of a secret that is not marked for deletion, in a
// transaction.
func (s *Service) change(ctx context.Context, id *string, change func(tx *kv.Tx, x *secret) error) (*secret, error) {
	return s.changeAny(ctx, id, func(tx *kv.Tx, x *secret) error {
		if x.Deleted != 0 {
			return deleted()
		}
		return change(tx, x)
	})
}

func (s *Service) changeAny(ctx context.Context, id *string, change func(tx *kv.Tx, x *secret) error) (*secret, error) {
	var out *secret
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		x, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := change(tx, x); err != nil {
			return err
		}
		out = x
		return jsonrow.Set(tx, x.space().secret(x.text), &x.secretRow)
	})
	return out, err
}
