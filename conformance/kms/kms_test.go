// Package kms holds AWS KMS' documentation to a server, through AWS's own SDK. Each case cites its page.
package kms

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/nube-run/nube/conformance/target"
)

func TestMain(m *testing.M) { os.Exit(target.Main(m)) }

// suite is a client, which makes keys and schedules their deletion at the end.
type suite struct {
	*testing.T
	*kms.Client
	ctx context.Context
}

func open(t *testing.T) *suite {
	return &suite{T: t, Client: kms.NewFromConfig(target.Config()), ctx: t.Context()}
}

func (x *suite) key(in *kms.CreateKeyInput) *types.KeyMetadata {
	x.Helper()
	out, err := x.CreateKey(x.ctx, in)
	target.Must(x, err)
	x.Cleanup(func() {
		_, err := x.ScheduleKeyDeletion(context.Background(), &kms.ScheduleKeyDeletionInput{KeyId: out.KeyMetadata.KeyId, PendingWindowInDays: aws.Int32(7)})
		if err != nil {
			x.Logf("cleaning up: %v", err)
		}
	})
	return out.KeyMetadata
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
func TestEncryptionContext(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{})
	sealed, err := x.Encrypt(x.ctx, &kms.EncryptInput{KeyId: k.Arn, Plaintext: []byte("hello"), EncryptionContext: map[string]string{"a": "1", "b": "2"}})
	target.Must(t, err)
	opened, err := x.Decrypt(x.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"b": "2", "a": "1"}})
	target.Must(t, err)
	if string(opened.Plaintext) != "hello" || *opened.KeyId != *k.Arn || opened.EncryptionAlgorithm != types.EncryptionAlgorithmSpecSymmetricDefault {
		t.Errorf("%+v", opened)
	}
	_, err = x.Decrypt(x.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"a": "1"}})
	target.Refused(t, err, "InvalidCiphertextException", "")
	other := x.key(&kms.CreateKeyInput{})
	_, err = x.Decrypt(x.ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"a": "1", "b": "2"}, KeyId: other.KeyId})
	target.Refused(t, err, "IncorrectKeyException", "")
}

// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
func TestStates(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{Description: aws.String("d")})
	if k.KeyState != types.KeyStateEnabled || !k.Enabled || k.Origin != types.OriginTypeAwsKms || k.KeyManager != types.KeyManagerTypeCustomer || k.KeySpec != types.KeySpecSymmetricDefault {
		t.Errorf("%+v", k)
	}
	_, err := x.DisableKey(x.ctx, &kms.DisableKeyInput{KeyId: k.KeyId})
	target.Must(t, err)
	_, err = x.GenerateDataKey(x.ctx, &kms.GenerateDataKeyInput{KeyId: k.KeyId, KeySpec: types.DataKeySpecAes256})
	target.Refused(t, err, "DisabledException", "")
	_, err = x.ScheduleKeyDeletion(x.ctx, &kms.ScheduleKeyDeletionInput{KeyId: k.KeyId, PendingWindowInDays: aws.Int32(7)})
	target.Must(t, err)
	_, err = x.EnableKey(x.ctx, &kms.EnableKeyInput{KeyId: k.KeyId})
	target.Refused(t, err, "KMSInvalidStateException", "")
	_, err = x.CancelKeyDeletion(x.ctx, &kms.CancelKeyDeletionInput{KeyId: k.KeyId})
	target.Must(t, err)
	d, err := x.DescribeKey(x.ctx, &kms.DescribeKeyInput{KeyId: k.Arn})
	target.Must(t, err)
	if d.KeyMetadata.KeyState != types.KeyStateDisabled {
		t.Error(d.KeyMetadata.KeyState)
	}
}

// https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
func TestAliases(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{})
	name := aws.String("alias/" + target.Name())
	_, err := x.CreateAlias(x.ctx, &kms.CreateAliasInput{AliasName: name, TargetKeyId: k.KeyId})
	target.Must(t, err)
	_, err = x.CreateAlias(x.ctx, &kms.CreateAliasInput{AliasName: name, TargetKeyId: k.KeyId})
	target.Refused(t, err, "AlreadyExistsException", "")
	d, err := x.DescribeKey(x.ctx, &kms.DescribeKeyInput{KeyId: name})
	target.Must(t, err)
	if *d.KeyMetadata.KeyId != *k.KeyId {
		t.Errorf("%+v", d.KeyMetadata)
	}
	_, err = x.DeleteAlias(x.ctx, &kms.DeleteAliasInput{AliasName: name})
	target.Must(t, err)
	_, err = x.DescribeKey(x.ctx, &kms.DescribeKeyInput{KeyId: name})
	target.Refused(t, err, "NotFoundException", "")
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
func TestSignatures(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{KeySpec: types.KeySpecEccNistP256, KeyUsage: types.KeyUsageTypeSignVerify})
	signed, err := x.Sign(x.ctx, &kms.SignInput{KeyId: k.KeyId, Message: []byte("m"), SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	target.Must(t, err)
	got, err := x.GetPublicKey(x.ctx, &kms.GetPublicKeyInput{KeyId: k.KeyId})
	target.Must(t, err)
	public, err := x509.ParsePKIXPublicKey(got.PublicKey)
	target.Must(t, err)
	digest := sha256.Sum256([]byte("m"))
	if !ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), digest[:], signed.Signature) {
		t.Error("the signature is none")
	}
	_, err = x.Verify(x.ctx, &kms.VerifyInput{KeyId: k.KeyId, Message: []byte("n"), Signature: signed.Signature, SigningAlgorithm: types.SigningAlgorithmSpecEcdsaSha256})
	target.Refused(t, err, "KMSInvalidSignatureException", "")
	_, err = x.Encrypt(x.ctx, &kms.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("m")})
	target.Refused(t, err, "InvalidKeyUsageException", "")
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
func TestMACs(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac})
	mac, err := x.GenerateMac(x.ctx, &kms.GenerateMacInput{KeyId: k.KeyId, Message: []byte("m"), MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	target.Must(t, err)
	out, err := x.VerifyMac(x.ctx, &kms.VerifyMacInput{KeyId: k.KeyId, Message: []byte("m"), Mac: mac.Mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	target.Must(t, err)
	if !out.MacValid || len(mac.Mac) != 32 {
		t.Errorf("%+v", out)
	}
	_, err = x.VerifyMac(x.ctx, &kms.VerifyMacInput{KeyId: k.KeyId, Message: []byte("n"), Mac: mac.Mac, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	target.Refused(t, err, "KMSInvalidMacException", "")
}

// https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-on-demand.html
func TestRotation(t *testing.T) {
	x := open(t)
	k := x.key(&kms.CreateKeyInput{})
	old, err := x.Encrypt(x.ctx, &kms.EncryptInput{KeyId: k.KeyId, Plaintext: []byte("old")})
	target.Must(t, err)
	_, err = x.EnableKeyRotation(x.ctx, &kms.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(90)})
	target.Must(t, err)
	st, err := x.GetKeyRotationStatus(x.ctx, &kms.GetKeyRotationStatusInput{KeyId: k.KeyId})
	target.Must(t, err)
	if !st.KeyRotationEnabled || *st.RotationPeriodInDays != 90 || st.NextRotationDate == nil {
		t.Errorf("%+v", st)
	}
	_, err = x.EnableKeyRotation(x.ctx, &kms.EnableKeyRotationInput{KeyId: k.KeyId, RotationPeriodInDays: aws.Int32(89)})
	target.Refused(t, err, "ValidationException", "")
	_, err = x.RotateKeyOnDemand(x.ctx, &kms.RotateKeyOnDemandInput{KeyId: k.KeyId})
	target.Must(t, err)
	opened, err := x.Decrypt(x.ctx, &kms.DecryptInput{CiphertextBlob: old.CiphertextBlob})
	target.Must(t, err)
	if !bytes.Equal(opened.Plaintext, []byte("old")) {
		t.Errorf("%q", opened.Plaintext)
	}
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
func TestKeyPolicyMustNotLockOut(t *testing.T) {
	x := open(t)
	_, err := x.CreateKey(x.ctx, &kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}]}`)})
	target.Refused(t, err, "MalformedPolicyDocumentException", "")
}
