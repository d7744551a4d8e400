package kms

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/keyspace"
	"github.com/nube-run/nube/internal/kv"
)

func TestStates(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{Description: ptr("mine"), Tags: []shapes.Tag{{TagKey: ptr("team"), TagValue: ptr("red")}}})
	call(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/mine"), TargetKeyId: id})
	sealed := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: ptr("alias/mine"), Plaintext: []byte("x")}).CiphertextBlob
	call(b, b.root, shapes.DisableKey, &shapes.DisableKeyRequest{KeyId: id})
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed}, "DisabledException")
	call(b, b.root, shapes.EnableKey, &shapes.EnableKeyRequest{KeyId: id})
	refuse(b, b.root, shapes.ScheduleKeyDeletion, &shapes.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: ptr(int32(6))}, "ValidationException")
	call(b, b.root, shapes.ScheduleKeyDeletion, &shapes.ScheduleKeyDeletionRequest{KeyId: id, PendingWindowInDays: ptr(int32(7))})
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed}, "KMSInvalidStateException")
	refuse(b, b.root, shapes.EnableKey, &shapes.EnableKeyRequest{KeyId: id}, "KMSInvalidStateException")
	b.pass(6 * day)
	call(b, b.root, shapes.CancelKeyDeletion, &shapes.CancelKeyDeletionRequest{KeyId: id})
	b.pass(2 * day) // what was called off does not happen
	if m := call(b, b.root, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: id}).KeyMetadata; *m.KeyState != disabled || *m.Enabled {
		t.Errorf("%+v", m)
	}
	call(b, b.root, shapes.ScheduleKeyDeletion, &shapes.ScheduleKeyDeletionRequest{KeyId: id})
	b.pass(30 * day)
	refuse(b, b.root, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: id}, "NotFoundException")
	refuse(b, b.root, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: ptr("alias/mine")}, "NotFoundException")
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed}, "InvalidCiphertextException")
	err := b.db.View(b.Context(), func(s *kv.Snap) error {
		for p, err := range s.Scan(spaceOf(keyspace.Cell{Account: account, Region: region}).Key().Range(), kv.ScanOptions{}) {
			if err != nil {
				return err
			}
			t.Errorf("%s is left", p.Key)
		}
		return nil
	})
	b.must(err)
}

func TestRefused(t *testing.T) {
	b := newBed(t)
	for name, test := range map[string]struct {
		in   shapes.CreateKeyRequest
		code string
	}{
		"another region":  {shapes.CreateKeyRequest{MultiRegion: ptr(true)}, "UnsupportedOperationException"},
		"a cluster":       {shapes.CreateKeyRequest{Origin: ptr("AWS_CLOUDHSM"), CustomKeyStoreId: ptr("cks-1")}, "UnsupportedOperationException"},
		"SM2":             {shapes.CreateKeyRequest{KeySpec: ptr("SM2"), KeyUsage: ptr(forSignatures)}, "UnsupportedOperationException"},
		"no usage":        {shapes.CreateKeyRequest{KeySpec: ptr("RSA_2048")}, "ValidationException"},
		"the wrong usage": {shapes.CreateKeyRequest{KeySpec: ptr("HMAC_256"), KeyUsage: ptr(forSignatures)}, "ValidationException"},
		"no spec":         {shapes.CreateKeyRequest{KeySpec: ptr("AES"), KeyUsage: ptr(forEncryption)}, "ValidationException"},
		"no policy":       {shapes.CreateKeyRequest{Policy: ptr(`{}`)}, "MalformedPolicyDocumentException"},
		"locked out": {shapes.CreateKeyRequest{Policy: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/x"},"Action":"kms:*","Resource":"*"}}`)},
			"MalformedPolicyDocumentException"},
	} {
		t.Run(name, func(t *testing.T) { refuse(b, b.root, shapes.CreateKey, &test.in, test.code) })
	}
}

func TestRotation(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{})
	first := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("first")}).CiphertextBlob
	call(b, b.root, shapes.EnableKeyRotation, &shapes.EnableKeyRotationRequest{KeyId: id, RotationPeriodInDays: ptr(int32(90))})
	for range 3 {
		b.pass(90 * day)
	}
	call(b, b.root, shapes.RotateKeyOnDemand, &shapes.RotateKeyOnDemandRequest{KeyId: id})
	list := call(b, b.root, shapes.ListKeyRotations, &shapes.ListKeyRotationsRequest{KeyId: id}).Rotations
	var got []string
	for _, r := range list {
		got = append(got, *r.RotationType)
	}
	if d := cmp.Diff([]string{"AUTOMATIC", "AUTOMATIC", "AUTOMATIC", "ON_DEMAND"}, got); d != "" {
		t.Error(d)
	}
	last := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("last")}).CiphertextBlob
	for want, blob := range map[string][]byte{"first": first, "last": last} {
		if text := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: blob}).Plaintext; string(text) != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
	call(b, b.root, shapes.DisableKeyRotation, &shapes.DisableKeyRotationRequest{KeyId: id})
	b.pass(200 * day)
	if n := len(call(b, b.root, shapes.ListKeyRotations, &shapes.ListKeyRotationsRequest{KeyId: id}).Rotations); n != 4 {
		t.Errorf("%d rotations", n)
	}
	hmac := b.key(&shapes.CreateKeyRequest{KeySpec: ptr("HMAC_256"), KeyUsage: ptr(forMACs)})
	refuse(b, b.root, shapes.EnableKeyRotation, &shapes.EnableKeyRotationRequest{KeyId: hmac}, "UnsupportedOperationException")
}

func TestAliases(t *testing.T) {
	b := newBed(t)
	one, two := b.key(&shapes.CreateKeyRequest{}), b.key(&shapes.CreateKeyRequest{})
	call(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/a"), TargetKeyId: one})
	refuse(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/a"), TargetKeyId: two}, "AlreadyExistsException")
	refuse(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/aws/a"), TargetKeyId: two}, "NotAuthorizedException")
	call(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/b"), TargetKeyId: one})
	call(b, b.root, shapes.UpdateAlias, &shapes.UpdateAliasRequest{AliasName: ptr("alias/a"), TargetKeyId: two})
	list := call(b, b.root, shapes.ListAliases, &shapes.ListAliasesRequest{KeyId: two}).Aliases
	if len(list) != 1 || *list[0].AliasName != "alias/a" {
		t.Errorf("%+v", list)
	}
	first := call(b, b.root, shapes.ListAliases, &shapes.ListAliasesRequest{Limit: ptr(int32(1))})
	rest := call(b, b.root, shapes.ListAliases, &shapes.ListAliasesRequest{Limit: ptr(int32(1)), Marker: first.NextMarker})
	if *first.Aliases[0].AliasName != "alias/a" || !*first.Truncated || *rest.Aliases[0].AliasName != "alias/b" || *rest.Truncated {
		t.Errorf("%+v, %+v", first, rest)
	}
	call(b, b.root, shapes.DeleteAlias, &shapes.DeleteAliasRequest{AliasName: ptr("alias/a")})
	refuse(b, b.root, shapes.DeleteAlias, &shapes.DeleteAliasRequest{AliasName: ptr("alias/a")}, "NotFoundException")
	hmac := b.key(&shapes.CreateKeyRequest{KeySpec: ptr("HMAC_256"), KeyUsage: ptr(forMACs)})
	refuse(b, b.root, shapes.UpdateAlias, &shapes.UpdateAliasRequest{AliasName: ptr("alias/b"), TargetKeyId: hmac}, "ValidationException")
}

// A key policy decides: with the default one IAM policies count, without it they
// do not, and grants count in either case.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
func TestWhoMay(t *testing.T) {
	b := newBed(t)
	everything := `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`
	ana, bo := b.user("ana", everything), b.user("bo", "")
	open := b.key(&shapes.CreateKeyRequest{})
	closed := b.key(&shapes.CreateKeyRequest{Policy: ptr(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/bo"},"Action":["kms:Encrypt","kms:CreateGrant"],"Resource":"*"},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/root"},"Action":"kms:PutKeyPolicy","Resource":"*"}]}`),
		BypassPolicyLockoutSafetyCheck: ptr(true)})
	encrypt := func(id *string) *shapes.EncryptRequest {
		return &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("x"), EncryptionContext: map[string]string{"Team": "red", "n": "1"}}
	}
	call(b, ana, shapes.Encrypt, encrypt(open))
	refuse(b, bo, shapes.Encrypt, encrypt(open), "AccessDenied")
	refuse(b, ana, shapes.Encrypt, encrypt(closed), "AccessDenied")
	refuse(b, b.root, shapes.Encrypt, encrypt(closed), "AccessDenied")
	sealed := call(b, bo, shapes.Encrypt, encrypt(closed)).CiphertextBlob
	opened := &shapes.DecryptRequest{CiphertextBlob: sealed, EncryptionContext: map[string]string{"Team": "red", "n": "1"}}
	refuse(b, bo, shapes.Decrypt, opened, "AccessDenied")
	who := ptr("arn:aws:iam::123456789012:user/bo")
	for name, c := range map[string]*shapes.GrantConstraints{
		"another-value": {EncryptionContextSubset: map[string]string{"Team": "blue"}},
		"not-all-of-it": {EncryptionContextEquals: map[string]string{"Team": "red"}},
	} {
		call(b, bo, shapes.CreateGrant, &shapes.CreateGrantRequest{KeyId: closed, GranteePrincipal: who, Operations: []string{"Decrypt"}, Constraints: c, Name: &name})
		refuse(b, bo, shapes.Decrypt, opened, "AccessDenied")
	}
	in := &shapes.CreateGrantRequest{
		KeyId: closed, GranteePrincipal: who, RetiringPrincipal: ptr("arn:aws:iam::123456789012:user/ana"), Operations: []string{"Decrypt"}, Name: ptr("it"),
		Constraints: &shapes.GrantConstraints{EncryptionContextSubset: map[string]string{"Team": "red"}},
	}
	grant := call(b, bo, shapes.CreateGrant, in)
	if again := call(b, bo, shapes.CreateGrant, in); *again.GrantId != *grant.GrantId {
		t.Error("the same grant twice is two")
	}
	call(b, bo, shapes.Decrypt, opened)
	if list := call(b, ana, shapes.ListRetirableGrants, &shapes.ListRetirableGrantsRequest{RetiringPrincipal: in.RetiringPrincipal}).Grants; len(list) != 1 {
		t.Errorf("%+v", list)
	}
	refuse(b, bo, shapes.RetireGrant, &shapes.RetireGrantRequest{GrantToken: grant.GrantToken}, "AccessDenied")
	call(b, ana, shapes.RetireGrant, &shapes.RetireGrantRequest{GrantToken: grant.GrantToken})
	refuse(b, bo, shapes.Decrypt, opened, "AccessDenied")
	refuse(b, bo, shapes.CreateGrant, &shapes.CreateGrantRequest{KeyId: closed, GranteePrincipal: who, Operations: []string{"Sign"}}, "ValidationException")
}

// The key of a service lets in who comes through the service, and nobody else.
func TestManagedKeys(t *testing.T) {
	b := newBed(t)
	ana := b.user("ana", `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)
	in := &shapes.EncryptRequest{KeyId: ptr("alias/aws/ssm"), Plaintext: []byte("x")}
	refuse(b, ana, shapes.Encrypt, in, "AccessDenied")
	refuse(b, b.root, shapes.Encrypt, in, "AccessDenied")
	refuse(b, awsapi.Through(ana, "sqs"), shapes.Encrypt, in, "AccessDenied")
	bo := awsapi.Through(b.user("bo", ""), "ssm")
	sealed := call(b, bo, shapes.Encrypt, in)
	call(b, bo, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob})
	m := call(b, b.root, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: in.KeyId}).KeyMetadata
	if *m.Arn != *sealed.KeyId || *m.KeyManager != "AWS" {
		t.Errorf("%+v", m)
	}
	refuse(b, b.root, shapes.ScheduleKeyDeletion, &shapes.ScheduleKeyDeletionRequest{KeyId: m.KeyId}, "AccessDenied")
}

func TestConditions(t *testing.T) {
	b := newBed(t)
	ana := b.user("ana", `{"Effect":"Allow","Action":"kms:GenerateDataKey","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:team":"red","aws:ResourceTag/level":"3"},
		"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/it"}}}`)
	id := b.key(&shapes.CreateKeyRequest{Tags: []shapes.Tag{{TagKey: ptr("level"), TagValue: ptr("3")}}})
	in := &shapes.GenerateDataKeyRequest{KeyId: id, KeySpec: ptr("AES_256"), EncryptionContext: map[string]string{"team": "red"}}
	refuse(b, ana, shapes.GenerateDataKey, in, "AccessDenied")
	call(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/it"), TargetKeyId: id})
	call(b, ana, shapes.GenerateDataKey, in)
	in.EncryptionContext["team"] = "blue"
	refuse(b, ana, shapes.GenerateDataKey, in, "AccessDenied")
}

// TestLayout holds keys and rows to what is written down: stores of today are
// opened by the programs of tomorrow.
func TestLayout(t *testing.T) {
	sp := spaceOf(keyspace.Cell{Account: account, Region: region})
	at := clock.Unix(1_700_000_000, 0)
	var out strings.Builder
	for _, k := range []keyspace.Key{sp.key("id"), sp.material("id", 2), sp.alias("a/b"), sp.named("id", "a/b"), sp.grant("id", "grant")} {
		fmt.Fprintf(&out, "%s\n%x\n", k, []byte(k))
	}
	for _, row := range []any{
		keyRow{
			Spec: symmetric, Usage: forEncryption, Origin: "EXTERNAL", State: enabled, Created: at, Description: "d", Policy: "{}", Tags: map[string]string{"k": "v"},
			Service: "ssm", Deletion: at, Material: 2, Digest: []byte{1}, ValidTo: at, Every: 365, Next: at, Rotations: []rotation{{At: at, OnDemand: true}},
		},
		aliasRow{Key: "id", Created: at, Updated: at},
		grantRow{Created: at, Name: "n", Grantee: "g", Retiring: "r", Issuer: account, Operations: []string{"Decrypt"}, Subset: map[string]string{"a": "b"}, Equals: map[string]string{"c": "d"}},
	} {
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%T %s\n", row, b)
	}
	fmt.Fprintf(&out, "%s\n", name{scope: arn.In(region, account), id: "id"}.bound(2))
	fmt.Fprintf(&out, "%s\n", managedID(arn.In(region, account), "ssm"))
	fmt.Fprintf(&out, "%x\n", authenticated([]byte{1, 2}, map[string]string{"b": "22", "a": "1"}))
	const path = "testdata/layout.golden"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A key that is disabled, or waits to be deleted, is not rotated; what it has missed
// is made up for when it is enabled again.
//
// https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html#rotate-keys-how-it-works
func TestRotationMissed(t *testing.T) {
	b := newBed(t)
	rotations := func(id *string) int {
		return len(call(b, b.root, shapes.ListKeyRotations, &shapes.ListKeyRotationsRequest{KeyId: id}).Rotations)
	}
	next := func(id *string) clock.Instant {
		return *call(b, b.root, shapes.GetKeyRotationStatus, &shapes.GetKeyRotationStatusRequest{KeyId: id}).NextRotationDate
	}
	enable := &shapes.EnableKeyRotationRequest{RotationPeriodInDays: ptr(int32(90))}
	var ids [2]*string
	for i := range ids {
		ids[i] = b.key(&shapes.CreateKeyRequest{})
		enable.KeyId = ids[i]
		call(b, b.root, shapes.EnableKeyRotation, enable)
	}
	begun := b.clock.Now()
	b.pass(85 * day)
	call(b, b.root, shapes.DisableKey, &shapes.DisableKeyRequest{KeyId: ids[0]})
	call(b, b.root, shapes.ScheduleKeyDeletion, &shapes.ScheduleKeyDeletionRequest{KeyId: ids[1]})
	b.pass(2 * day)
	call(b, b.root, shapes.EnableKey, &shapes.EnableKeyRequest{KeyId: ids[0]})
	if got, want := next(ids[0]), begun.Add(90*day); got != want || rotations(ids[0]) != 0 {
		t.Errorf("nothing was missed: %d rotations, the next %s, want %s", rotations(ids[0]), got, want)
	}
	call(b, b.root, shapes.DisableKey, &shapes.DisableKeyRequest{KeyId: ids[0]})
	b.pass(10 * day)
	call(b, b.root, shapes.CancelKeyDeletion, &shapes.CancelKeyDeletionRequest{KeyId: ids[1]})
	for _, id := range ids {
		if n := rotations(id); n != 0 {
			t.Errorf("%d rotations of a key that cannot be used", n)
		}
		call(b, b.root, shapes.EnableKey, &shapes.EnableKeyRequest{KeyId: id})
	}
	b.pass(0)
	for i, id := range ids {
		if n, due := rotations(id), next(id); n != 1 || due <= b.clock.Now() {
			t.Errorf("key %d: %d rotations after it was enabled, the next %s", i, n, due)
		}
	}
	b.pass(90 * day)
	for i, id := range ids {
		if n := rotations(id); n != 2 {
			t.Errorf("key %d: %d rotations after another period", i, n)
		}
	}
}

// Who makes a key with tags must be allowed to tag it.
//
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
func TestCreateWithTagsNeedsTagging(t *testing.T) {
	b := newBed(t)
	maker := b.user("maker", `{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*"}`)
	call(b, maker, shapes.CreateKey, &shapes.CreateKeyRequest{})
	tagged := &shapes.CreateKeyRequest{Tags: []shapes.Tag{{TagKey: ptr("team"), TagValue: ptr("a")}}}
	refuse(b, maker, shapes.CreateKey, tagged, "AccessDenied")
	tagger := b.user("tagger", `{"Effect":"Allow","Action":["kms:CreateKey","kms:TagResource"],"Resource":"*"}`)
	call(b, tagger, shapes.CreateKey, tagged)
}

// Which permissions a call needs is not guessed where the store cannot be read.
func TestNeedsOfAliases(t *testing.T) {
	b := newBed(t)
	call(b, b.root, shapes.CreateAlias, &shapes.CreateAliasRequest{AliasName: ptr("alias/a"), TargetKeyId: b.key(&shapes.CreateKeyRequest{})})
	in := &shapes.DeleteAliasRequest{AliasName: ptr("alias/a")}
	if needs, err := b.s.accessDeleteAlias(b.root, in); err != nil || len(needs) != 2 {
		t.Errorf("%d permissions, of alias and key: %v", len(needs), err)
	}
	if needs, err := b.s.accessDeleteAlias(b.root, &shapes.DeleteAliasRequest{AliasName: ptr("alias/none")}); err != nil || len(needs) != 1 {
		t.Errorf("%d permissions, of an alias that leads to nothing: %v", len(needs), err)
	}
	gone, cancel := context.WithCancel(b.root)
	cancel()
	if needs, err := b.s.accessDeleteAlias(gone, in); err == nil {
		t.Errorf("%d permissions are enough when nothing is known", len(needs))
	}
}
