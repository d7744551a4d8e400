package kms

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// The states of a key.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	enabled         = "Enabled"
	disabled        = "Disabled"
	pendingDeletion = "PendingDeletion"
	pendingImport   = "PendingImport"
)

// name is a key, by any of its names.
type name struct {
	scope arn.Scope
	id    string // empty where an alias leads to nothing
	alias string // by which it was named, without "alias/"
}

func (n name) cell() keyspace.Cell {
	return keyspace.Cell{Account: n.scope.Account, Region: n.scope.Region}
}

func (n name) space() space { return spaceOf(n.cell()) }

// arn is the key's, or that of the alias that leads to none.
func (n name) arn() string {
	if n.id == "" {
		return n.aliasARN()
	}
	return string(n.scope.Key(n.id))
}

func (n name) aliasARN() string { return string(n.scope.KeyAlias("alias/" + n.alias)) }

// key is a key that was found.
type key struct {
	name
	keyRow
}

// read reads the id or ARN of a key or of an alias, without looking for what it
// leads to.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func read(ctx context.Context, text string) (name, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	what := text
	if arn.Looks(text) {
		a, err := arn.Parse(text)
		if err != nil || a.Service() != "kms" {
			return n, fault.New("InvalidArnException", "Invalid arn %s", text)
		}
		if a.Region() != n.scope.Region {
			return n, fault.New("NotFoundException", "Invalid arn %s", a.Region())
		}
		n.scope, what = a.Scope(), a.Resource()
		if id, ok := strings.CutPrefix(what, "key/"); ok {
			what = id
		} else if !strings.HasPrefix(what, "alias/") {
			return n, fault.New("InvalidArnException", "Invalid arn %s", text)
		}
	}
	if alias, ok := strings.CutPrefix(what, "alias/"); ok {
		n.alias = alias
		return n, nil
	}
	if what == "" || strings.ContainsAny(what, "/:") {
		return n, fault.New("NotFoundException", "Invalid keyId %s", text)
	}
	n.id = what
	return n, nil
}

// resolve finds the key that an id, an alias or an ARN names.
func (s *Service) resolve(ctx context.Context, text *string) (name, error) {
	n, err := read(ctx, value(text))
	if err != nil || n.id != "" {
		return n, err
	}
	if service, ok := managedBy(n.alias); ok {
		n.id = managedID(n.scope, service)
		return n, nil
	}
	var row aliasRow
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		_, err := jsonrow.Get(snap, n.space().alias(n.alias), &row)
		return err
	})
	n.id = row.Key
	return n, err
}

// find returns the key that a call names. One that a service's calls name by its
// alias is there from then on.
func (s *Service) find(ctx context.Context, text *string) (*key, error) {
	n, err := s.resolve(ctx, text)
	if err != nil {
		return nil, err
	}
	if n.id == "" {
		return nil, noAlias(n.aliasARN())
	}
	k, err := s.load(ctx, n)
	if service, ok := managedBy(n.alias); ok && fault.Is(err, "NotFoundException") {
		return s.manage(ctx, n, service)
	}
	return k, err
}

// load reads the row of a key.
func (s *Service) load(ctx context.Context, n name) (*key, error) {
	k := &key{name: n}
	err := s.DB.View(ctx, func(snap *kv.Snap) error {
		ok, err := jsonrow.Get(snap, n.space().key(n.id), &k.keyRow)
		if err == nil && !ok {
			err = notFound(n.arn())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// change changes the row of a key, or what belongs to it, in a transaction.
func (s *Service) change(ctx context.Context, text *string, change func(tx *kv.Tx, k *key) error) (*key, error) {
	n, err := s.resolve(ctx, text)
	if err != nil {
		return nil, err
	}
	if n.alias != "" {
		return nil, fault.New("InvalidArnException", "The operation takes the id or the ARN of a key, not an alias: %s", value(text))
	}
	return s.changeNamed(ctx, n, change)
}

func (s *Service) changeNamed(ctx context.Context, n name, change func(tx *kv.Tx, k *key) error) (*key, error) {
	var out *key
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		k := &key{name: n}
		switch ok, err := jsonrow.Get(tx, n.space().key(n.id), &k.keyRow); {
		case err != nil:
			return err
		case !ok:
			return notFound(n.arn())
		case k.Service != "":
			return fault.New("AccessDenied", "%s is managed by AWS: it cannot be changed", n.arn())
		}
		if err := change(tx, k); err != nil {
			return err
		}
		out = k
		return jsonrow.Set(tx, n.space().key(n.id), &k.keyRow)
	})
	return out, err
}

// usable says whether a key can be used for something, now.
func (k *key) usable(usageOf, operation string) error {
	if err := k.ready(); err != nil {
		return err
	}
	if k.Usage != usageOf {
		return usage(k, operation)
	}
	return nil
}

// ready says whether a key is enabled.
func (k *key) ready() error {
	switch k.State {
	case enabled:
		return nil
	case disabled:
		return fault.New("DisabledException", "%s is disabled.", k.arn())
	case pendingDeletion:
		return badState("%s is pending deletion.", k.arn())
	}
	return badState("%s is pending import.", k.arn())
}

// bound is what a material of a key is sealed for.
func (n name) bound(material uint32) []byte {
	return fmt.Appendf(nil, "kms %s material %d", n.arn(), material)
}

// material opens a material of a key.
func (s *Service) material(ctx context.Context, n name, number uint32) ([]byte, error) {
	var envelope []byte
	err := s.DB.View(ctx, func(snap *kv.Snap) (err error) {
		envelope, err = snap.Get(n.space().material(n.id, number))
		return err
	})
	if err != nil {
		return nil, err
	}
	if envelope == nil {
		return nil, badState("%s is pending import.", n.arn())
	}
	text, err := s.Sealer.Open(ctx, envelope, n.bound(number))
	if err != nil {
		return nil, fmt.Errorf("key material of %s: %w", n.arn(), err)
	}
	return text, nil
}

// managedServices are those that have a key of their own.
func managedServices() []string {
	return []string{"dynamodb", "events", "lambda", "logs", "s3", "secretsmanager", "sns", "sqs", "ssm"}
}

// managedBy returns the service of an alias such as aws/ssm.
func managedBy(alias string) (service string, ok bool) {
	service, ok = strings.CutPrefix(alias, "aws/")
	return service, ok && slices.Contains(managedServices(), service)
}

// managedID is the id of a service's key, which is known before there is one.
func managedID(s arn.Scope, service string) string {
	sum := sha256.Sum256([]byte("kms managed key " + s.Account + " " + s.Region + " " + service))
	return uuid([16]byte(sum[:16]))
}

// uuid writes 16 bytes as a UUID of version 8 (RFC 9562).
func uuid(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// manage makes the key of a service, its alias included.
func (s *Service) manage(ctx context.Context, n name, service string) (*key, error) {
	sealed, err := s.Sealer.Seal(ctx, random(32), n.bound(1))
	if err != nil {
		return nil, err
	}
	now, sp := s.Clock.Now(), n.space()
	k := &key{name: n, keyRow: keyRow{
		Spec: symmetric, Usage: forEncryption, Origin: "AWS_KMS", State: enabled, Created: now, Service: service, Material: 1,
		Description: "Default key that protects my " + service + " data when no other key is defined",
		Policy:      managedPolicy(n.scope, service),
	}}
	_, err = s.DB.Update(ctx, func(tx *kv.Tx) error {
		if ok, err := jsonrow.Get(tx, sp.key(n.id), &k.keyRow); ok || err != nil {
			return err // somebody else was faster
		}
		tx.Set(sp.material(n.id, 1), sealed)
		tx.Set(sp.named(n.id, n.alias), nil)
		if err := jsonrow.Set(tx, sp.alias(n.alias), &aliasRow{Key: n.id, Created: now, Updated: now}); err != nil {
			return err
		}
		return jsonrow.Set(tx, sp.key(n.id), &k.keyRow)
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}
