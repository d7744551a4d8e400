package kms

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
	"github.com/nube-run/nube/internal/policy"
)

// statements are what a grant allows, as statements of the key's policy. Its
// constraints are on operations that have an encryption context. Who may make
// grants by it makes none that allow more: of its operations, and with its
// constraints.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
// https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html
func (g *grantRow) statements() (out []json.RawMessage) {
	constraints := func() map[string]map[string]any {
		condition := map[string]map[string]any{}
		if len(g.Subset)+len(g.Equals) > 0 {
			equal := map[string]any{}
			for _, of := range []map[string]string{g.Subset, g.Equals} {
				for k, v := range of {
					equal["kms:EncryptionContext:"+k] = v
				}
			}
			condition["StringEquals"] = equal
		}
		if len(g.Equals) > 0 {
			condition["ForAllValues:StringEquals"] = map[string]any{"kms:EncryptionContextKeys": slices.Sorted(maps.Keys(g.Equals))}
		}
		return condition
	}
	var bound, free []string
	for _, op := range g.Operations {
		switch op {
		case "CreateGrant":
			condition := constraints()
			if condition["ForAllValues:StringEquals"] == nil {
				condition["ForAllValues:StringEquals"] = map[string]any{}
			}
			condition["ForAllValues:StringEquals"]["kms:GrantOperations"] = g.Operations
			if len(g.Equals) > 0 {
				condition["StringEquals"]["kms:GrantConstraintType"] = "EncryptionContextEquals"
			}
			out = append(out, g.statement([]string{op}, condition))
		case "DescribeKey", "GetPublicKey", "RetireGrant":
			free = append(free, op)
		default:
			bound = append(bound, op)
		}
	}
	if len(bound) > 0 {
		out = append(out, g.statement(bound, constraints()))
	}
	if len(free) > 0 {
		out = append(out, g.statement(free, nil))
	}
	return out
}

// statement allows the grantee operations under a condition.
func (g *grantRow) statement(operations []string, condition map[string]map[string]any) json.RawMessage {
	kind := "AWS"
	if !arn.Looks(g.Grantee) {
		kind = "Service"
	}
	actions := make([]string, len(operations))
	for i, op := range operations {
		actions[i] = "kms:" + op
	}
	b, err := json.Marshal(struct {
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  string
		Condition map[string]map[string]any `json:",omitempty"`
	}{"Allow", map[string]string{kind: g.Grantee}, actions, "*", condition})
	if err != nil {
		panic(err) // strings always encode
	}
	return b
}

func (s *Service) accessCreateGrant(ctx context.Context, in *shapes.CreateGrantRequest) ([]awsapi.Access, error) {
	m := given("kms:granteeprincipal", in.GranteePrincipal, "kms:retiringprincipal", in.RetiringPrincipal,
		"kms:grantisforawsresource", awsapi.From(ctx).Via != "")
	m["kms:grantoperations"] = policy.Many(in.Operations...)
	var pairs map[string]string
	if c := in.Constraints; c != nil && c.EncryptionContextEquals != nil {
		m["kms:grantconstrainttype"] = policy.One("EncryptionContextEquals")
		pairs = c.EncryptionContextEquals
	} else if c != nil {
		m["kms:grantconstrainttype"] = policy.One("EncryptionContextSubset")
		pairs = c.EncryptionContextSubset
	}
	return s.needs(ctx, "CreateGrant", in.KeyId, pairs, m)
}

// grantable says whether a key's grants may have an operation.
func (k *key) grantable(operation string) bool {
	switch operation {
	case "CreateGrant", "DescribeKey", "RetireGrant":
		return true
	case "Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo":
		return k.Usage == forEncryption
	case "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext":
		return k.Spec == symmetric
	case "Sign", "Verify":
		return k.Usage == forSignatures
	case "GenerateMac", "VerifyMac":
		return k.Usage == forMACs
	case "DeriveSharedSecret":
		return k.Usage == forAgreement
	case "GetPublicKey":
		return k.Spec != symmetric && k.Usage != forMACs
	}
	return false
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
func (s *Service) createGrant(ctx context.Context, in *shapes.CreateGrantRequest) (*shapes.CreateGrantResponse, error) {
	g := grantRow{
		Created: s.Clock.Now(), Name: value(in.Name), Grantee: value(in.GranteePrincipal), Retiring: value(in.RetiringPrincipal),
		Issuer: awsapi.From(ctx).Actor.Account, Operations: slices.Compact(slices.Sorted(slices.Values(in.Operations))),
	}
	for _, p := range []string{g.Grantee, g.Retiring} {
		if arn.Looks(p) {
			if _, err := arn.Parse(p); err != nil {
				return nil, fault.New("InvalidArnException", "ARN does not refer to a valid principal: %s", p)
			}
		} else if p != "" && !strings.HasSuffix(p, ".amazonaws.com") {
			return nil, fault.New("InvalidArnException", "ARN does not refer to a valid principal: %s", p)
		}
	}
	if c := in.Constraints; c != nil {
		g.Subset, g.Equals = c.EncryptionContextSubset, c.EncryptionContextEquals
	}
	id, fresh := "", hex.EncodeToString(random(32))
	_, err := s.change(ctx, in.KeyId, func(tx *kv.Tx, k *key) error {
		if err := k.ready(); err != nil {
			return err
		}
		id = fresh
		for _, op := range g.Operations {
			if !k.grantable(op) {
				return fault.Validation("The operation %s is not valid for a %s key", op, k.Spec)
			}
		}
		if (len(g.Subset) > 0 || len(g.Equals) > 0) && k.Spec != symmetric {
			return fault.Validation("Grant constraints are not valid for a %s key", k.Spec)
		}
		if yes(in.DryRun) {
			return dryRun()
		}
		if g.Name != "" { // the same again is the same grant
			for p, err := range tx.Scan(k.space().grantsOf(k.id), kv.ScanOptions{}) {
				var old grantRow
				if err == nil {
					err = jsonrow.Decode(p.Key, p.Value, &old)
				}
				if err != nil {
					return err
				}
				if old.same(&g) {
					d := k.space().Decode(p.Key)
					_, _ = d.Str(), d.Str()
					id = d.Str()
					return nil
				}
			}
		}
		return jsonrow.Set(tx, k.space().grant(k.id, id), &g)
	})
	if err != nil {
		return nil, err
	}
	n, err := s.resolve(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &shapes.CreateGrantResponse{GrantId: &id, GrantToken: ptr(grantToken(n, id))}, nil
}

func (g *grantRow) same(o *grantRow) bool {
	return g.Name == o.Name && g.Grantee == o.Grantee && g.Retiring == o.Retiring && slices.Equal(g.Operations, o.Operations) &&
		maps.Equal(g.Subset, o.Subset) && maps.Equal(g.Equals, o.Equals)
}

// grantToken names a grant. Grants are in force at once here, so that a token is
// needed for nothing but to retire it.
func grantToken(n name, grant string) string {
	return hex.EncodeToString([]byte(n.arn()+" "+grant)) + rand.Text()[:8]
}

// readToken returns the key and the grant of a token.
func readToken(token string) (id *string, grant string, err error) {
	bad := fault.New("InvalidGrantTokenException", "Invalid grant token")
	if len(token) < 8 {
		return nil, "", bad
	}
	b, herr := hex.DecodeString(token[:len(token)-8])
	key, grant, ok := strings.Cut(string(b), " ")
	if herr != nil || !ok || !arn.Looks(key) {
		return nil, "", bad
	}
	return &key, grant, nil
}

func (g *grantRow) entry(n name, id string) shapes.GrantListEntry {
	e := shapes.GrantListEntry{
		KeyId: ptr(n.arn()), GrantId: &id, CreationDate: &g.Created, GranteePrincipal: &g.Grantee, Operations: g.Operations,
		IssuingAccount: ptr(string(arn.Scope{Account: g.Issuer}.Root())), Name: &g.Name,
	}
	if g.Retiring != "" {
		e.RetiringPrincipal = &g.Retiring
	}
	if len(g.Subset)+len(g.Equals) > 0 {
		e.Constraints = &shapes.GrantConstraints{EncryptionContextSubset: g.Subset, EncryptionContextEquals: g.Equals}
	}
	return e
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html
func (s *Service) listGrants(ctx context.Context, in *shapes.ListGrantsRequest) (*shapes.ListGrantsResponse, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return s.grantsIn(ctx, k.name, k.space().grantsOf(k.id), in.Marker, in.Limit, func(id string, g *grantRow) bool {
		return (in.GrantId == nil || *in.GrantId == id) && (in.GranteePrincipal == nil || *in.GranteePrincipal == g.Grantee)
	})
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html
func (s *Service) listRetirableGrants(ctx context.Context, in *shapes.ListRetirableGrantsRequest) (*shapes.ListGrantsResponse, error) {
	n := name{scope: awsapi.From(ctx).Scope}
	return s.grantsIn(ctx, n, n.space().grants(), in.Marker, in.Limit, func(_ string, g *grantRow) bool { return g.Retiring == value(in.RetiringPrincipal) })
}

func (s *Service) grantsIn(ctx context.Context, n name, r kv.Range, marker *string, limit *int32, wanted func(string, *grantRow) bool) (*shapes.ListGrantsResponse, error) {
	sp := n.space()
	out := &shapes.ListGrantsResponse{Grants: []shapes.GrantListEntry{}}
	next, err := s.page(ctx, r, marker, limit, 50, func(p kv.Pair) (bool, error) {
		var g grantRow
		if err := jsonrow.Decode(p.Key, p.Value, &g); err != nil {
			return false, err
		}
		d := sp.Decode(p.Key)
		d.Str()
		n.id = d.Str()
		id := d.Str()
		if !wanted(id, &g) {
			return false, d.Done()
		}
		out.Grants = append(out.Grants, g.entry(n, id))
		return true, d.Done()
	})
	out.NextMarker, out.Truncated = next, ptr(next != nil)
	return out, err
}

func (s *Service) accessRevoke(ctx context.Context, in *shapes.RevokeGrantRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "RevokeGrant", in.KeyId, nil, given("kms:grantisforawsresource", awsapi.From(ctx).Via != ""))
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html
func (s *Service) revokeGrant(ctx context.Context, in *shapes.RevokeGrantRequest) (*schema.Empty, error) {
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return s.removeGrant(ctx, k.name, value(in.GrantId), yes(in.DryRun))
}

func (s *Service) removeGrant(ctx context.Context, n name, grant string, dry bool) (*schema.Empty, error) {
	_, err := s.DB.Update(ctx, func(tx *kv.Tx) error {
		row, err := tx.Get(n.space().grant(n.id, grant))
		switch {
		case err != nil:
			return err
		case row == nil:
			return fault.New("NotFoundException", "Grant ID %s not found", grant)
		case dry:
			return dryRun()
		}
		tx.Delete(n.space().grant(n.id, grant))
		return nil
	})
	return &schema.Empty{}, err
}

// retiring is the grant that a call retires.
func (s *Service) retiring(ctx context.Context, in *shapes.RetireGrantRequest) (n name, grant string, err error) {
	id, grant := in.KeyId, value(in.GrantId)
	switch {
	case in.GrantToken != nil && (in.KeyId != nil || in.GrantId != nil), in.GrantToken == nil && (in.KeyId == nil || in.GrantId == nil):
		return n, "", fault.Validation("You must specify either a grant token or the key ARN and the grant ID")
	case in.GrantToken != nil:
		if id, grant, err = readToken(*in.GrantToken); err != nil {
			return n, "", err
		}
	}
	n, err = s.resolve(ctx, id)
	return n, grant, err
}

// accessRetire: who a grant names as its retiring principal may retire it, and
// who uses it, if it says so; others need the permission.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/grant-manage.html#grant-delete
func (s *Service) accessRetire(ctx context.Context, in *shapes.RetireGrantRequest) ([]awsapi.Access, error) {
	n, grant, err := s.retiring(ctx, in)
	if err != nil {
		return nil, err
	}
	var g grantRow
	err = s.DB.View(ctx, func(snap *kv.Snap) error {
		_, err := jsonrow.Get(snap, n.space().grant(n.id, grant), &g)
		return err
	})
	if err != nil {
		return nil, err
	}
	p := awsapi.From(ctx).Actor.Principal
	is := func(who string) bool {
		return who != "" && (who == string(p.ARN) || who == string(p.Issuer) || who == p.Service)
	}
	if is(g.Retiring) || is(g.Grantee) && slices.Contains(g.Operations, "RetireGrant") {
		return nil, nil
	}
	return []awsapi.Access{s.needOn(ctx, "RetireGrant", n, nil, nil)}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html
func (s *Service) retireGrant(ctx context.Context, in *shapes.RetireGrantRequest) (*schema.Empty, error) {
	n, grant, err := s.retiring(ctx, in)
	if err != nil {
		return nil, err
	}
	return s.removeGrant(ctx, n, grant, yes(in.DryRun))
}
