package kms

import (
	"context"
	"slices"
	"strings"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// Actions, resources and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html

// keys are the condition keys of a call on a key.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
type keys struct {
	s       *Service
	ctx     context.Context
	name    name
	context map[string]string // of the encryption
	more    policy.KeyMap     // of the operation
}

// Key implements [policy.Keys].
func (k keys) Key(key string) (policy.Value, bool) {
	if v, ok := k.more[key]; ok {
		return v, true
	}
	call := awsapi.From(k.ctx)
	switch key {
	case "kms:calleraccount":
		return policy.One(call.Actor.Account), call.Actor.Account != ""
	case "kms:viaservice":
		return policy.One(call.Via), call.Via != ""
	case "kms:encryptioncontextkeys":
		names := []string{}
		for name := range k.context {
			names = append(names, name)
		}
		slices.Sort(names)
		return policy.Many(names...), len(names) > 0
	case "kms:requestalias":
		return policy.One("alias/" + k.name.alias), k.name.alias != ""
	case "kms:resourcealiases":
		names := k.aliases()
		return policy.Many(names...), len(names) > 0
	case "kms:multiregion":
		return policy.Bool(false), true
	}
	if of, ok := strings.CutPrefix(key, "kms:encryptioncontext:"); ok {
		for name, v := range k.context {
			if strings.EqualFold(name, of) {
				return policy.One(v), true
			}
		}
		return policy.Value{}, false
	}
	return k.ofKey(key)
}

// ofKey are condition keys about the key itself.
func (k keys) ofKey(key string) (policy.Value, bool) {
	tag, isTag := strings.CutPrefix(key, "aws:resourcetag/")
	if !isTag && key != "kms:keyspec" && key != "kms:keyusage" && key != "kms:keyorigin" && key != "kms:customermasterkeyspec" && key != "kms:customermasterkeyusage" {
		return policy.Value{}, false
	}
	row, err := k.s.load(k.ctx, k.name)
	if err != nil {
		return policy.Value{}, false
	}
	switch {
	case isTag:
		for name, v := range row.Tags {
			if strings.EqualFold(name, tag) {
				return policy.One(v), true
			}
		}
		return policy.Value{}, false
	case key == "kms:keyorigin":
		return policy.One(row.Origin), true
	case strings.HasSuffix(key, "spec"):
		return policy.One(row.Spec), true
	}
	return policy.One(row.Usage), true
}

// aliases are the names of the key.
func (k keys) aliases() (names []string) {
	sp := k.name.space()
	err := k.s.DB.View(k.ctx, func(snap *kv.Snap) error {
		for p, err := range snap.Scan(sp.namesOf(k.name.id), kv.ScanOptions{KeysOnly: true}) {
			if err != nil {
				return err
			}
			d := sp.Decode(p.Key)
			_, _ = d.Str(), d.Str()
			names = append(names, "alias/"+d.Str())
		}
		return nil
	})
	if err != nil {
		return nil // a condition on what cannot be read does not hold
	}
	return names
}

// need is a permission on a key.
func (s *Service) need(ctx context.Context, action string, id *string, encryption map[string]string, more policy.KeyMap) (awsapi.Access, error) {
	n, err := s.resolve(ctx, id)
	if err != nil {
		return awsapi.Access{}, err
	}
	return s.needOn(ctx, action, n, encryption, more), nil
}

func (s *Service) needOn(ctx context.Context, action string, n name, encryption map[string]string, more policy.KeyMap) awsapi.Access {
	return awsapi.Access{Action: "kms:" + action, Resource: arn.ARN(n.arn()), Keys: keys{s: s, ctx: ctx, name: n, context: encryption, more: more}}
}

func (s *Service) needs(ctx context.Context, action string, id *string, encryption map[string]string, more policy.KeyMap) ([]awsapi.Access, error) {
	a, err := s.need(ctx, action, id, encryption, more)
	if err != nil {
		return nil, err
	}
	return []awsapi.Access{a}, nil
}

// onKey is the access function of operations on a key.
func onKey[I any](s *Service, action string, id func(*I) *string) func(context.Context, *I) ([]awsapi.Access, error) {
	return func(ctx context.Context, in *I) ([]awsapi.Access, error) {
		return s.needs(ctx, action, id(in), nil, nil)
	}
}

// given are condition keys of parameters that were given.
func given(pairs ...any) policy.KeyMap {
	m := policy.KeyMap{}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case *string:
			if v != nil {
				m[pairs[i].(string)] = policy.One(*v)
			}
		case string:
			if v != "" {
				m[pairs[i].(string)] = policy.One(v)
			}
		case bool:
			m[pairs[i].(string)] = policy.Bool(v)
		}
	}
	return m
}

func or(p *string, otherwise string) string {
	if p == nil {
		return otherwise
	}
	return *p
}

func accessCreateKey(ctx context.Context, in *shapes.CreateKeyRequest) ([]awsapi.Access, error) {
	m := given("kms:keyspec", specName(in), "kms:keyusage", or(in.KeyUsage, forEncryption), "kms:keyorigin", or(in.Origin, "AWS_KMS"),
		"kms:multiregion", yes(in.MultiRegion), "kms:bypasspolicylockoutsafetycheck", yes(in.BypassPolicyLockoutSafetyCheck))
	addTags(m, in.Tags)
	call := awsapi.From(ctx)
	m["kms:calleraccount"] = policy.One(call.Actor.Account)
	if call.Via != "" {
		m["kms:viaservice"] = policy.One(call.Via)
	}
	needs := []awsapi.Access{{Action: "kms:CreateKey", Keys: m}}
	if len(in.Tags) > 0 { // of a key that has no id yet
		needs = append(needs, awsapi.Access{Action: "kms:TagResource", Resource: call.Scope.Key("*"), Keys: m})
	}
	return needs, nil
}

// addTags adds the condition keys of tags that a request gives.
func addTags(m policy.KeyMap, tags []shapes.Tag) {
	var names []string
	for _, t := range tags {
		m["aws:requesttag/"+strings.ToLower(value(t.TagKey))] = policy.One(value(t.TagValue))
		names = append(names, value(t.TagKey))
	}
	if len(names) > 0 {
		slices.Sort(names)
		m["aws:tagkeys"] = policy.Many(names...)
	}
}

func (s *Service) accessTag(ctx context.Context, in *shapes.TagResourceRequest) ([]awsapi.Access, error) {
	m := policy.KeyMap{}
	addTags(m, in.Tags)
	return s.needs(ctx, "TagResource", in.KeyId, nil, m)
}

func (s *Service) accessUntag(ctx context.Context, in *shapes.UntagResourceRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "UntagResource", in.KeyId, nil, policy.KeyMap{"aws:tagkeys": policy.Many(in.TagKeys...)})
}

func (s *Service) accessSchedule(ctx context.Context, in *shapes.ScheduleKeyDeletionRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "ScheduleKeyDeletion", in.KeyId, nil, given("kms:scheduledeletionpendingwindowindays", days(in.PendingWindowInDays, 30)))
}

func (s *Service) accessRotation(ctx context.Context, in *shapes.EnableKeyRotationRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "EnableKeyRotation", in.KeyId, nil, given("kms:rotationperiodindays", days(in.RotationPeriodInDays, 365)))
}

func (s *Service) accessPutPolicy(ctx context.Context, in *shapes.PutKeyPolicyRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "PutKeyPolicy", in.KeyId, nil, given("kms:bypasspolicylockoutsafetycheck", yes(in.BypassPolicyLockoutSafetyCheck)))
}

func (s *Service) accessImportParameters(ctx context.Context, in *shapes.GetParametersForImportRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GetParametersForImport", in.KeyId, nil, given("kms:wrappingalgorithm", in.WrappingAlgorithm, "kms:wrappingkeyspec", in.WrappingKeySpec))
}

func (s *Service) accessImport(ctx context.Context, in *shapes.ImportKeyMaterialRequest) ([]awsapi.Access, error) {
	m := given("kms:expirationmodel", or(in.ExpirationModel, expires))
	if in.ValidTo != nil {
		m["kms:validto"] = policy.One(in.ValidTo.String())
	}
	return s.needs(ctx, "ImportKeyMaterial", in.KeyId, nil, m)
}

func (s *Service) accessEncrypt(ctx context.Context, in *shapes.EncryptRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "Encrypt", in.KeyId, in.EncryptionContext, given("kms:encryptionalgorithm", or(in.EncryptionAlgorithm, symmetric)))
}

// accessDecrypt is on the key that the ciphertext names, where the call names none.
func (s *Service) accessDecrypt(ctx context.Context, in *shapes.DecryptRequest) ([]awsapi.Access, error) {
	n, err := s.source(ctx, in.KeyId, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	return []awsapi.Access{s.needOn(ctx, "Decrypt", n, in.EncryptionContext, given("kms:encryptionalgorithm", or(in.EncryptionAlgorithm, symmetric)))}, nil
}

func (s *Service) accessReEncrypt(ctx context.Context, in *shapes.ReEncryptRequest) ([]awsapi.Access, error) {
	from, err := s.source(ctx, in.SourceKeyId, in.CiphertextBlob)
	if err != nil {
		return nil, err
	}
	to, err := s.resolve(ctx, in.DestinationKeyId)
	if err != nil {
		return nil, err
	}
	same := from.arn() == to.arn()
	return []awsapi.Access{
		s.needOn(ctx, "ReEncryptFrom", from, in.SourceEncryptionContext, given("kms:encryptionalgorithm", or(in.SourceEncryptionAlgorithm, symmetric), "kms:reencryptonsamekey", same)),
		s.needOn(ctx, "ReEncryptTo", to, in.DestinationEncryptionContext, given("kms:encryptionalgorithm", or(in.DestinationEncryptionAlgorithm, symmetric), "kms:reencryptonsamekey", same)),
	}, nil
}

func (s *Service) accessDataKey(ctx context.Context, in *shapes.GenerateDataKeyRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GenerateDataKey", in.KeyId, in.EncryptionContext, given("kms:encryptionalgorithm", symmetric))
}

func (s *Service) accessDataKeyWithout(ctx context.Context, in *shapes.GenerateDataKeyWithoutPlaintextRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GenerateDataKeyWithoutPlaintext", in.KeyId, in.EncryptionContext, given("kms:encryptionalgorithm", symmetric))
}

func (s *Service) accessDataKeyPair(ctx context.Context, in *shapes.GenerateDataKeyPairRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GenerateDataKeyPair", in.KeyId, in.EncryptionContext, given("kms:encryptionalgorithm", symmetric, "kms:datakeypairspec", in.KeyPairSpec))
}

func (s *Service) accessDataKeyPairWithout(ctx context.Context, in *shapes.GenerateDataKeyPairWithoutPlaintextRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GenerateDataKeyPairWithoutPlaintext", in.KeyId, in.EncryptionContext, given("kms:encryptionalgorithm", symmetric, "kms:datakeypairspec", in.KeyPairSpec))
}

func (s *Service) accessSign(ctx context.Context, in *shapes.SignRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "Sign", in.KeyId, nil, given("kms:signingalgorithm", in.SigningAlgorithm, "kms:messagetype", or(in.MessageType, "RAW")))
}

func (s *Service) accessVerify(ctx context.Context, in *shapes.VerifyRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "Verify", in.KeyId, nil, given("kms:signingalgorithm", in.SigningAlgorithm, "kms:messagetype", or(in.MessageType, "RAW")))
}

func (s *Service) accessGenerateMac(ctx context.Context, in *shapes.GenerateMacRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "GenerateMac", in.KeyId, nil, given("kms:macalgorithm", in.MacAlgorithm))
}

func (s *Service) accessVerifyMac(ctx context.Context, in *shapes.VerifyMacRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "VerifyMac", in.KeyId, nil, given("kms:macalgorithm", in.MacAlgorithm))
}

func (s *Service) accessDerive(ctx context.Context, in *shapes.DeriveSharedSecretRequest) ([]awsapi.Access, error) {
	return s.needs(ctx, "DeriveSharedSecret", in.KeyId, nil, given("kms:keyagreementalgorithm", in.KeyAgreementAlgorithm))
}

// aliasNeed is a permission on an alias itself.
func (s *Service) aliasNeed(ctx context.Context, action string, alias *string) awsapi.Access {
	a := awsapi.From(ctx).Scope.KeyAlias(value(alias))
	return awsapi.Access{Action: "kms:" + action, Resource: a, Keys: policy.KeyMap{"kms:calleraccount": policy.One(awsapi.From(ctx).Actor.Account)}}
}

// An alias takes a permission on itself and on its key.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
func (s *Service) accessCreateAlias(ctx context.Context, in *shapes.CreateAliasRequest) ([]awsapi.Access, error) {
	key, err := s.need(ctx, "CreateAlias", in.TargetKeyId, nil, nil)
	return []awsapi.Access{s.aliasNeed(ctx, "CreateAlias", in.AliasName), key}, err
}

func (s *Service) accessUpdateAlias(ctx context.Context, in *shapes.UpdateAliasRequest) ([]awsapi.Access, error) {
	return s.aliasAndKeys(ctx, "UpdateAlias", in.AliasName, in.TargetKeyId)
}

func (s *Service) accessDeleteAlias(ctx context.Context, in *shapes.DeleteAliasRequest) ([]awsapi.Access, error) {
	return s.aliasAndKeys(ctx, "DeleteAlias", in.AliasName, nil)
}

func (s *Service) aliasAndKeys(ctx context.Context, action string, alias, to *string) ([]awsapi.Access, error) {
	needs := []awsapi.Access{s.aliasNeed(ctx, action, alias)}
	n, err := s.resolve(ctx, alias)
	if _, coded := fault.As(err); err != nil && !coded {
		return nil, err // what is wrong with the name the handler says
	}
	if err == nil && n.alias != "" && n.id != "" {
		n.alias = ""
		needs = append(needs, s.needOn(ctx, action, n, nil, nil))
	}
	if to != nil {
		key, err := s.need(ctx, action, to, nil, nil)
		if err != nil {
			return nil, err
		}
		needs = append(needs, key)
	}
	return needs, nil
}
