package kms

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	shapes "github.com/nube-run/nube/internal/awsapi/shapes/kms"
)

func TestEncryption(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{})
	where := map[string]string{"a": "1", "b": "2"}
	sealed := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("hello"), EncryptionContext: where})
	again := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("hello"), EncryptionContext: where})
	if bytes.Equal(sealed.CiphertextBlob, again.CiphertextBlob) {
		t.Error("the same text is the same ciphertext twice")
	}
	opened := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"b": "2", "a": "1"}})
	if string(opened.Plaintext) != "hello" || *opened.KeyId != *id || *opened.EncryptionAlgorithm != symmetric {
		t.Errorf("%+v", opened)
	}
	for name, context := range map[string]map[string]string{"none": nil, "another value": {"a": "1", "b": "3"}, "moved": {"a": "12", "b": ""}, "more": {"a": "1", "b": "2", "c": "3"}} {
		t.Run(name, func(t *testing.T) {
			refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: context}, "InvalidCiphertextException")
		})
	}
	for i := range sealed.CiphertextBlob {
		c := bytes.Clone(sealed.CiphertextBlob)
		c[i] ^= 1
		if _, _, _, err := b.s.unseal(b.root, nil, nil, c, where, "Decrypt"); err == nil {
			t.Errorf("decrypts with byte %d changed", i)
		}
	}
	other := b.key(&shapes.CreateKeyRequest{})
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: where, KeyId: other}, "IncorrectKeyException")
	moved := call(b, b.root, shapes.ReEncrypt, &shapes.ReEncryptRequest{CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: where, DestinationKeyId: other})
	if opened := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: moved.CiphertextBlob}); string(opened.Plaintext) != "hello" || *opened.KeyId != *other {
		t.Errorf("%+v", opened)
	}
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: moved.CiphertextBlob, DryRun: ptr(true)}, "DryRunOperationException")
	refuse(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: ptr("alias/none"), Plaintext: []byte("x")}, "NotFoundException")
}

func TestDataKeys(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{})
	k := call(b, b.root, shapes.GenerateDataKey, &shapes.GenerateDataKeyRequest{KeyId: id, KeySpec: ptr("AES_256")})
	if opened := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: k.CiphertextBlob}); len(k.Plaintext) != 32 || !bytes.Equal(opened.Plaintext, k.Plaintext) {
		t.Errorf("%x, %x", k.Plaintext, opened.Plaintext)
	}
	refuse(b, b.root, shapes.GenerateDataKey, &shapes.GenerateDataKeyRequest{KeyId: id}, "ValidationException")
	refuse(b, b.root, shapes.GenerateDataKey, &shapes.GenerateDataKeyRequest{KeyId: id, KeySpec: ptr("AES_128"), NumberOfBytes: ptr(int32(8))}, "ValidationException")
	without := call(b, b.root, shapes.GenerateDataKeyWithoutPlaintext, &shapes.GenerateDataKeyWithoutPlaintextRequest{KeyId: id, NumberOfBytes: ptr(int32(64))})
	if opened := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: without.CiphertextBlob}); len(opened.Plaintext) != 64 {
		t.Errorf("%x", opened.Plaintext)
	}
	pair := call(b, b.root, shapes.GenerateDataKeyPair, &shapes.GenerateDataKeyPairRequest{KeyId: id, KeyPairSpec: ptr("ECC_NIST_P256")})
	private, err := x509.ParsePKCS8PrivateKey(pair.PrivateKeyPlaintext)
	b.must(err)
	public, err := x509.ParsePKIXPublicKey(pair.PublicKey)
	b.must(err)
	if !private.(*ecdsa.PrivateKey).PublicKey.Equal(public) {
		t.Error("the halves do not belong together")
	}
	if n := len(call(b, b.root, shapes.GenerateRandom, &shapes.GenerateRandomRequest{NumberOfBytes: ptr(int32(77))}).Plaintext); n != 77 {
		t.Errorf("%d random bytes", n)
	}
}

// TestSignatures verifies signatures with the standard library, and the library's
// with KMS.
func TestSignatures(t *testing.T) {
	b := newBed(t)
	text := []byte("what is signed")
	for _, spec := range []string{"RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_NIST_EDWARDS25519"} {
		id := b.key(&shapes.CreateKeyRequest{KeySpec: &spec, KeyUsage: ptr(forSignatures)})
		got := call(b, b.root, shapes.GetPublicKey, &shapes.GetPublicKeyRequest{KeyId: id})
		public, err := x509.ParsePKIXPublicKey(got.PublicKey)
		b.must(err)
		for _, algorithm := range got.SigningAlgorithms {
			t.Run(spec+" "+algorithm, func(t *testing.T) {
				h, digest := digestOf(algorithm, text)
				message, kind := text, "RAW"
				if algorithm == "ED25519_PH_SHA_512" {
					message, kind = digest, "DIGEST"
				}
				signed := call(b, b.root, shapes.Sign, &shapes.SignRequest{KeyId: id, Message: message, MessageType: &kind, SigningAlgorithm: &algorithm})
				if !oracle(public, algorithm, h, text, digest, signed.Signature) {
					t.Error("the standard library does not verify it")
				}
				in := &shapes.VerifyRequest{KeyId: id, Message: message, MessageType: &kind, SigningAlgorithm: &algorithm, Signature: signed.Signature}
				call(b, b.root, shapes.Verify, in)
				if algorithm != "ED25519_SHA_512" {
					in.Message, in.MessageType = digest, ptr("DIGEST")
					call(b, b.root, shapes.Verify, in)
					in.Message = digest[1:]
					refuse(b, b.root, shapes.Verify, in, "ValidationException")
				}
				in.Message, in.MessageType, in.Signature = message, &kind, bytes.Clone(signed.Signature)
				in.Signature[len(in.Signature)/2] ^= 1
				refuse(b, b.root, shapes.Verify, in, "KMSInvalidSignatureException")
			})
		}
		refuse(b, b.root, shapes.Sign, &shapes.SignRequest{KeyId: id, Message: text, SigningAlgorithm: ptr("SM2DSA")}, "InvalidKeyUsageException")
		refuse(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: text}, "InvalidKeyUsageException")
	}
}

func digestOf(algorithm string, text []byte) (crypto.Hash, []byte) {
	switch {
	case strings.HasSuffix(algorithm, "256"):
		d := sha256.Sum256(text)
		return crypto.SHA256, d[:]
	case strings.HasSuffix(algorithm, "384"):
		d := sha512.Sum384(text)
		return crypto.SHA384, d[:]
	}
	d := sha512.Sum512(text)
	return crypto.SHA512, d[:]
}

func oracle(public any, algorithm string, h crypto.Hash, text, digest, signature []byte) bool {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if strings.Contains(algorithm, "PSS") {
			return rsa.VerifyPSS(p, h, digest, signature, nil) == nil
		}
		return rsa.VerifyPKCS1v15(p, h, digest, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, digest, signature)
	case ed25519.PublicKey:
		if algorithm == "ED25519_PH_SHA_512" {
			return ed25519.VerifyWithOptions(p, digest, signature, &ed25519.Options{Hash: crypto.SHA512}) == nil
		}
		return ed25519.Verify(p, text, signature)
	}
	return false
}

func TestRSAEncryption(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{KeySpec: ptr("RSA_2048"), KeyUsage: ptr(forEncryption)})
	public, err := x509.ParsePKIXPublicKey(call(b, b.root, shapes.GetPublicKey, &shapes.GetPublicKeyRequest{KeyId: id}).PublicKey)
	b.must(err)
	outside, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), []byte("from outside"), nil)
	b.must(err)
	got := call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{KeyId: id, CiphertextBlob: outside, EncryptionAlgorithm: ptr("RSAES_OAEP_SHA_256")})
	if string(got.Plaintext) != "from outside" {
		t.Errorf("%q", got.Plaintext)
	}
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{KeyId: id, CiphertextBlob: outside, EncryptionAlgorithm: ptr("RSAES_OAEP_SHA_1")}, "InvalidCiphertextException")
	sealed := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("x"), EncryptionAlgorithm: ptr("RSAES_OAEP_SHA_1")})
	call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{KeyId: id, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: ptr("RSAES_OAEP_SHA_1")})
	refuse(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: make([]byte, 200), EncryptionAlgorithm: ptr("RSAES_OAEP_SHA_256")}, "ValidationException")
}

func TestMACs(t *testing.T) {
	b := newBed(t)
	for _, size := range []string{"224", "256", "384", "512"} {
		id := b.key(&shapes.CreateKeyRequest{KeySpec: ptr("HMAC_" + size), KeyUsage: ptr(forMACs)})
		algorithm := ptr("HMAC_SHA_" + size)
		mac := call(b, b.root, shapes.GenerateMac, &shapes.GenerateMacRequest{KeyId: id, MacAlgorithm: algorithm, Message: []byte("m")}).Mac
		call(b, b.root, shapes.VerifyMac, &shapes.VerifyMacRequest{KeyId: id, MacAlgorithm: algorithm, Message: []byte("m"), Mac: mac})
		refuse(b, b.root, shapes.VerifyMac, &shapes.VerifyMacRequest{KeyId: id, MacAlgorithm: algorithm, Message: []byte("n"), Mac: mac}, "KMSInvalidMacException")
		n, err := b.s.resolve(b.root, id)
		b.must(err)
		material, err := b.s.material(b.root, n, 1)
		b.must(err)
		h := hmac.New(hashOf(*algorithm), material)
		h.Write([]byte("m"))
		if !hmac.Equal(h.Sum(nil), mac) || len(mac)*8 != len(material)*8 {
			t.Errorf("HMAC_%s: %x", size, mac)
		}
	}
}

func TestSharedSecret(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{KeySpec: ptr("ECC_NIST_P384"), KeyUsage: ptr(forAgreement)})
	mine, err := ecdh.P384().GenerateKey(rand.Reader)
	b.must(err)
	public, err := x509.MarshalPKIXPublicKey(mine.PublicKey())
	b.must(err)
	got := call(b, b.root, shapes.DeriveSharedSecret, &shapes.DeriveSharedSecretRequest{KeyId: id, KeyAgreementAlgorithm: ptr("ECDH"), PublicKey: public})
	theirs, err := x509.ParsePKIXPublicKey(call(b, b.root, shapes.GetPublicKey, &shapes.GetPublicKeyRequest{KeyId: id}).PublicKey)
	b.must(err)
	other, err := theirs.(*ecdsa.PublicKey).ECDH()
	b.must(err)
	want, err := mine.ECDH(other)
	b.must(err)
	if !bytes.Equal(got.SharedSecret, want) {
		t.Errorf("%x, want %x", got.SharedSecret, want)
	}
	wrong, err := ecdh.P256().GenerateKey(rand.Reader)
	b.must(err)
	public, err = x509.MarshalPKIXPublicKey(wrong.PublicKey())
	b.must(err)
	refuse(b, b.root, shapes.DeriveSharedSecret, &shapes.DeriveSharedSecretRequest{KeyId: id, KeyAgreementAlgorithm: ptr("ECDH"), PublicKey: public}, "ValidationException")
}

// The vectors of RFC 5649, section 6.
func TestUnwrapKey(t *testing.T) {
	key := unhex(t, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
	for wrapped, want := range map[string]string{
		"138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a": "c37b7e6492584340bed12207808941155068f738",
		"afbeb0f07dfbf5419200f2ccb50bb24f":                                 "466f7250617369",
	} {
		got, err := unwrapKey(key, unhex(t, wrapped))
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%x, %v", got, err)
		}
		bad := unhex(t, wrapped)
		bad[3] ^= 1
		if _, err := unwrapKey(key, bad); err == nil {
			t.Error("a damaged one unwraps")
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wrapKey is AES key wrap with padding, for material of more than 8 bytes.
func wrapKey(t *testing.T, key, text []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	a := binary.BigEndian.AppendUint32([]byte{0xa6, 0x59, 0x59, 0xa6}, uint32(len(text)))
	r := append(bytes.Clone(text), make([]byte, (8-len(text)%8)%8)...)
	n := len(r) / 8
	for j := range 6 {
		for i := 1; i <= n; i++ {
			b := append(bytes.Clone(a), r[(i-1)*8:i*8]...)
			block.Encrypt(b, b)
			binary.BigEndian.PutUint64(a, binary.BigEndian.Uint64(b)^uint64(n*j+i))
			copy(r[(i-1)*8:], b[8:])
		}
	}
	return append(a, r...)
}

func TestImport(t *testing.T) {
	b := newBed(t)
	id := b.key(&shapes.CreateKeyRequest{Origin: ptr("EXTERNAL")})
	refuse(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("x")}, "KMSInvalidStateException")
	material := random(32)
	wrap := func(algorithm string, material []byte) *shapes.ImportKeyMaterialRequest {
		p := call(b, b.root, shapes.GetParametersForImport, &shapes.GetParametersForImportRequest{KeyId: id, WrappingAlgorithm: &algorithm, WrappingKeySpec: ptr("RSA_2048")})
		public, err := x509.ParsePKIXPublicKey(p.PublicKey)
		b.must(err)
		text := material
		if strings.HasPrefix(algorithm, "RSA_AES") {
			text = random(32)
		}
		sealed, err := rsa.EncryptOAEP(oaepHash("RSAES_OAEP"+algorithm[strings.Index(algorithm, "_SHA"):]), rand.Reader, public.(*rsa.PublicKey), text, nil)
		b.must(err)
		if strings.HasPrefix(algorithm, "RSA_AES") {
			sealed = append(sealed, wrapKey(t, text, material)...)
		}
		return &shapes.ImportKeyMaterialRequest{KeyId: id, ImportToken: p.ImportToken, EncryptedKeyMaterial: sealed, ExpirationModel: ptr(never)}
	}
	call(b, b.root, shapes.ImportKeyMaterial, wrap("RSAES_OAEP_SHA_256", material))
	sealed := call(b, b.root, shapes.Encrypt, &shapes.EncryptRequest{KeyId: id, Plaintext: []byte("x")}).CiphertextBlob
	call(b, b.root, shapes.DeleteImportedKeyMaterial, &shapes.DeleteImportedKeyMaterialRequest{KeyId: id})
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed}, "KMSInvalidStateException")
	refuse(b, b.root, shapes.ImportKeyMaterial, wrap("RSAES_OAEP_SHA_1", random(32)), "IncorrectKeyMaterialException")
	refuse(b, b.root, shapes.ImportKeyMaterial, wrap("RSAES_OAEP_SHA_1", random(31)), "IncorrectKeyMaterialException")
	in := wrap("RSA_AES_KEY_WRAP_SHA_256", material)
	in.ExpirationModel, in.ValidTo = nil, ptr(b.clock.Now().Add(time.Hour))
	call(b, b.root, shapes.ImportKeyMaterial, in)
	call(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed})
	late := wrap("RSAES_OAEP_SHA_1", material)
	b.pass(2 * time.Hour)
	refuse(b, b.root, shapes.Decrypt, &shapes.DecryptRequest{CiphertextBlob: sealed}, "KMSInvalidStateException")
	b.pass(23 * time.Hour)
	refuse(b, b.root, shapes.ImportKeyMaterial, late, "ExpiredImportTokenException")
	late.ImportToken = random(100)
	refuse(b, b.root, shapes.ImportKeyMaterial, late, "InvalidImportTokenException")
}

func FuzzReadBlob(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, smallestBlob))
	f.Add(append([]byte{1}, make([]byte, smallestBlob)...))
	f.Fuzz(func(t *testing.T, blob []byte) {
		if n, _, ok := readBlob(t.Context(), blob); ok {
			if len(n.scope.Account) != 12 {
				t.Errorf("account %q", n.scope.Account)
			}
			if _, err := decryptWith(make([]byte, 32), blob, nil); err == nil {
				t.Error("it decrypts")
			}
		}
	})
}
