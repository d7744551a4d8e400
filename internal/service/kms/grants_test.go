package kms

import (
	"testing"

	"github.com/nube-run/nube/internal/arn"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
)

// Who makes grants by a grant makes none that allow more than it does itself; its
// constraints do not bind operations without an encryption context.
//
// Mutations that it finds: CreateGrant without a condition; the constraints on all
// operations.
func TestGrantOfGrants(t *testing.T) {
	b := newBed(t)
	key := b.key(&shapes.CreateKeyRequest{Policy: ptr(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}}`)})
	bo := b.user("bo", "")
	give := func(c *shapes.GrantConstraints, operations ...string) *shapes.CreateGrantRequest {
		return &shapes.CreateGrantRequest{KeyId: key, GranteePrincipal: ptr("arn:aws:iam::123456789012:user/bo"), Operations: operations, Constraints: c}
	}
	red := map[string]string{"Team": "red"}
	call(b, b.root, shapes.CreateGrant, give(&shapes.GrantConstraints{EncryptionContextEquals: red}, "CreateGrant", "Decrypt", "DescribeKey"))
	for name, test := range map[string]struct {
		in *shapes.CreateGrantRequest
		ok bool
	}{
		"the same":                  {give(&shapes.GrantConstraints{EncryptionContextEquals: red}, "Decrypt"), true},
		"another operation":         {give(&shapes.GrantConstraints{EncryptionContextEquals: red}, "Decrypt", "Encrypt"), false},
		"no constraints":            {give(nil, "Decrypt"), false},
		"other constraints":         {give(&shapes.GrantConstraints{EncryptionContextEquals: map[string]string{"Team": "blue"}}, "Decrypt"), false},
		"a constraint of less":      {give(&shapes.GrantConstraints{EncryptionContextSubset: red}, "Decrypt"), false},
		"a constraint of even more": {give(&shapes.GrantConstraints{EncryptionContextEquals: map[string]string{"Team": "red", "By": "x"}}, "Decrypt"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := *b
			b.TB = t
			if test.ok {
				call(&b, bo, shapes.CreateGrant, test.in)
			} else {
				refuse(&b, bo, shapes.CreateGrant, test.in, "AccessDenied")
			}
		})
	}
	call(b, bo, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: key})
}

// What is kept of a key's policy does not grow with what it was before.
func TestPolicyIsKeptOnce(t *testing.T) {
	b := newBed(t)
	key := b.key(&shapes.CreateKeyRequest{})
	bo := b.user("bo", `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`)
	for range 5 {
		call(b, b.root, shapes.CreateGrant, &shapes.CreateGrantRequest{KeyId: key, GranteePrincipal: ptr("arn:aws:iam::123456789012:user/bo"), Operations: []string{"Decrypt"}})
		call(b, bo, shapes.DescribeKey, &shapes.DescribeKeyRequest{KeyId: key})
	}
	n := 0
	b.s.policies.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d policies of one key are kept", n)
	}
}

// A call costs what it costs to read a key's grants, not to read them as a policy.
func BenchmarkManyGrants(b *testing.B) {
	bed := newBed(b)
	key := bed.key(&shapes.CreateKeyRequest{})
	for range 200 {
		call(bed, bed.root, shapes.CreateGrant, &shapes.CreateGrantRequest{KeyId: key, GranteePrincipal: ptr("arn:aws:iam::123456789012:user/bo"), Operations: []string{"Decrypt", "Encrypt"}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bed.s.ResourcePolicy(bed.root, arn.ARN(*key)); err != nil {
			b.Fatal(err)
		}
	}
}
