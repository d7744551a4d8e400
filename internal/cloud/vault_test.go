package cloud

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/sqs"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/control"
	"github.com/nube-run/nube/internal/runner/sandbox"
	"github.com/nube-run/nube/internal/seal"
)

// opened is a cloud that the test closes.
func opened(t *testing.T, o Options) (*Cloud, error) {
	t.Helper()
	o.Isolation = sandbox.Off
	return Open(t.Context(), o)
}

func closed(t *testing.T, c *Cloud) {
	t.Helper()
	if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// root makes a call as the account's root, which must succeed.
func root[I, O any](t *testing.T, c *Cloud, op schema.TypedOp[I, O], in I) O {
	t.Helper()
	out, err := awsapi.Do(c.asRoot(t.Context(), c.scope), c.front, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Op.Name, err)
	}
	return out
}

// What is secret lies in no file of the data directory: not the value of a secret
// or of a SecureString, not a key, not the key of the store.
func TestNothingSecretAtRest(t *testing.T) {
	dir := t.TempDir()
	c, err := opened(t, Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	const open, one, two, three = "this anybody may read", "the value of a secret", "a secure string, standard", "a secure string, advanced"
	root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: ptr("/open"), Type: ptr("String"), Value: ptr(open)})
	root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: ptr("/secure"), Type: ptr("SecureString"), Value: ptr(two)})
	root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: ptr("/advanced"), Type: ptr("SecureString"), Value: ptr(three), Tier: ptr("Advanced")})
	root(t, c, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: ptr("x"), SecretString: ptr(one)})
	material := make([]byte, 32)
	rand.Read(material)
	key := root(t, c, kms.CreateKey, &kms.CreateKeyRequest{Origin: ptr("EXTERNAL")}).KeyMetadata.KeyId
	p := root(t, c, kms.GetParametersForImport, &kms.GetParametersForImportRequest{KeyId: key, WrappingAlgorithm: ptr("RSAES_OAEP_SHA_256"), WrappingKeySpec: ptr("RSA_2048")})
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	if err != nil {
		t.Fatal(err)
	}
	root(t, c, kms.ImportKeyMaterial, &kms.ImportKeyMaterialRequest{KeyId: key, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped, ExpirationModel: ptr("KEY_MATERIAL_DOES_NOT_EXPIRE")})
	data := root(t, c, kms.GenerateDataKey, &kms.GenerateDataKeyRequest{KeyId: key, KeySpec: ptr("AES_256")}).Plaintext
	secrets := map[string][]byte{
		"the secret": []byte(one), "the SecureString": []byte(two), "the advanced SecureString": []byte(three), "key material": material, "a data key": data,
		"the key of the store": (*c.vault.keys.Load())[0].Bytes(),
	}
	for what, text := range c.keepSecrets(t) {
		secrets[what] = []byte(text)
	}
	// Read again: what is answered is kept nowhere either.
	for _, name := range []string{"/secure", "/advanced"} {
		root(t, c, ssm.GetParameter, &ssm.GetParameterRequest{Name: &name, WithDecryption: ptr(true)})
	}
	root(t, c, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueRequest{SecretId: ptr("x")})
	closed(t, c)

	found := false
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found = found || bytes.Contains(text, []byte(open))
		for what, secret := range secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("%s holds %s", path, what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Error("what is not secret is in no file: the test sees nothing")
	}
	info, err := os.Stat(filepath.Join(dir, masterKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the master key: %v, %v", info, err)
	}
}

// A store that has secrets does not open without its master key, and no other is
// made; under a new one, of which the old one is a former, it is sealed anew.
func TestMasterKey(t *testing.T) {
	dir := t.TempDir()
	put := func(c *Cloud) {
		root(t, c, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: ptr("x"), SecretString: ptr("hello")})
	}
	check := func(c *Cloud, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if got := *root(t, c, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueRequest{SecretId: ptr("x")}).SecretString; got != "hello" {
			t.Errorf("%q", got)
		}
		closed(t, c)
	}
	refused := func(o Options, words string) {
		t.Helper()
		c, err := opened(t, o)
		if err == nil {
			closed(t, c)
		}
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
	source := func(keys ...seal.Key) seal.Source {
		t.Helper()
		path := filepath.Join(t.TempDir(), "key")
		text := ""
		for _, k := range keys {
			text += k.Text() + "\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := seal.ParseSource("file:" + path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	two, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	c, err := opened(t, Options{Data: dir, MasterKey: source(one)})
	if err != nil {
		t.Fatal(err)
	}
	put(c)
	closed(t, c)
	refused(Options{Data: dir}, "--master-key")
	if _, err := os.Stat(filepath.Join(dir, masterKeyFile)); err == nil {
		t.Error("a master key was made")
	}
	refused(Options{Data: dir, MasterKey: source(two)}, one.ID().String())
	check(opened(t, Options{Data: dir, MasterKey: source(one)}))
	check(opened(t, Options{Data: dir, MasterKey: source(two, one)}))
	check(opened(t, Options{Data: dir, MasterKey: source(two)}))
	refused(Options{Data: dir, MasterKey: source(one)}, two.ID().String())

	// With a key of its own, which is then gone.
	own := t.TempDir()
	if c, err = opened(t, Options{Data: own}); err != nil {
		t.Fatal(err)
	}
	put(c)
	closed(t, c)
	check(opened(t, Options{Data: own}))
	if err := os.Remove(filepath.Join(own, masterKeyFile)); err != nil {
		t.Fatal(err)
	}
	refused(Options{Data: own}, "is gone")
}

// A cloud in memory that keeps no secrets makes no master key: what is on no disk
// is not sealed on its way there.
func TestNoMasterKey(t *testing.T) {
	c, err := opened(t, Options{})
	if err != nil {
		t.Fatal(err)
	}
	root(t, c, ssm.PutParameter, &ssm.PutParameterRequest{Name: ptr("/open"), Type: ptr("String"), Value: ptr("v")})
	queue := root(t, c, sqs.CreateQueue, &sqs.CreateQueueRequest{QueueName: ptr("q")}).QueueUrl
	root(t, c, sqs.SendMessage, &sqs.SendMessageRequest{QueueUrl: queue, MessageBody: ptr("a message")})
	if c.master != nil || c.vault.keys.Load() != nil {
		t.Error("there is a master key")
	}
	closed(t, c)
}

// A snapshot brings the key that a cloud had made itself; with one that was given
// it can be loaded only where that is.
func TestSnapshotOfSecrets(t *testing.T) {
	k, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NUBE_TEST_MASTER", k.Text())
	given, err := seal.ParseSource("env:NUBE_TEST_MASTER")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		from, to Options
		ok       bool
	}{
		"memory to memory":           {Options{}, Options{}, true},
		"disk to memory":             {Options{Data: t.TempDir()}, Options{}, true},
		"memory to a key":            {Options{}, Options{Data: t.TempDir(), MasterKey: given}, true},
		"a key to the same":          {Options{Data: t.TempDir(), MasterKey: given}, Options{MasterKey: given}, true},
		"a key to a cloud's own key": {Options{Data: t.TempDir(), MasterKey: given}, Options{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "state")
			c, err := opened(t, test.from)
			if err != nil {
				t.Fatal(err)
			}
			root(t, c, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: ptr("x"), SecretString: ptr("hello")})
			if _, err := (snapshots{c}).Save(t.Context(), control.SnapshotRequest{File: file}); err != nil {
				t.Fatal(err)
			}
			closed(t, c)
			if c, err = opened(t, test.to); err != nil {
				t.Fatal(err)
			}
			defer func() { closed(t, c) }()
			if _, err = (snapshots{c}).Load(t.Context(), control.SnapshotRequest{File: file}); (err == nil) != test.ok {
				t.Fatal(err)
			}
			if !test.ok {
				return
			}
			if got := *root(t, c, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueRequest{SecretId: ptr("x")}).SecretString; got != "hello" {
				t.Errorf("%q", got)
			}
		})
	}
}
