package cloud

import (
	"fmt"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/fault"
)

// TestSecretPowerLoss lets the power fail while writers make secrets and
// SecureStrings and rotate the key that encrypts some of them, from the first
// moment on, in which the master key is made. On the disk that is found all that
// was acknowledged can be read: no value, no key, and not the key of them all, is
// lost.
//
// Mutations that it finds: a store key that is committed before its master key is
// on the disk; a rotation whose material is not.
func TestSecretPowerLoss(t *testing.T) {
	var key *string
	powerLoss{
		seeds: 10, stream: 9, most: 150,
		load:  func(o *outage) { key = o.secrets() },
		check: func(o *outage) { o.checkSecrets(key) },
	}.run(t)
}

// secrets has each writer make secrets of its own until the power has failed. The
// first rotates the key in between.
func (o *outage) secrets() (key *string) {
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	var once sync.Mutex
	made := func() (*string, error) {
		once.Lock()
		defer once.Unlock()
		if key != nil {
			return key, nil
		}
		out, err := awsapi.Do(root, front, kms.CreateKey, &kms.CreateKeyRequest{})
		if err == nil {
			key = out.KeyMetadata.Arn
		}
		return key, err
	}
	o.each(func(w, n int) error {
		name := fmt.Sprintf("s-%d-%d", w, n)
		id, err := made()
		if err == nil && w == 0 && n%3 == 2 {
			_, err = awsapi.Do(root, front, kms.RotateKeyOnDemand, &kms.RotateKeyOnDemandRequest{KeyId: id})
			if fault.Is(err, "LimitExceededException") {
				err = nil
			}
		}
		if err == nil && w%2 == 0 {
			_, err = awsapi.Do(root, front, secretsmanager.CreateSecret, &secretsmanager.CreateSecretRequest{Name: &name, SecretString: &name, KmsKeyId: id})
		} else if err == nil {
			_, err = awsapi.Do(root, front, ssm.PutParameter, &ssm.PutParameterRequest{Name: &name, Value: &name, Type: ptr("SecureString"), Tier: ptr("Intelligent-Tiering")})
		}
		return err
	})
	return key
}

// checkSecrets reads what was acknowledged.
func (o *outage) checkSecrets(key *string) {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	for w := range writers {
		for n := range o.tried[w].events {
			name := fmt.Sprintf("s-%d-%d", w, n)
			got, err := "", error(nil)
			if w%2 == 0 {
				var out *secretsmanager.GetSecretValueResponse
				if out, err = awsapi.Do(root, front, secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueRequest{SecretId: &name}); err == nil {
					got = *out.SecretString
				}
			} else {
				var out *ssm.GetParameterResult
				if out, err = awsapi.Do(root, front, ssm.GetParameter, &ssm.GetParameterRequest{Name: &name, WithDecryption: ptr(true)}); err == nil {
					got = *out.Parameter.Value
				}
			}
			missing := fault.Is(err, "ResourceNotFoundException") || fault.Is(err, "ParameterNotFound")
			switch {
			case missing && n < o.acked[w].events:
				o.Errorf("%s was acknowledged and is lost", name)
			case !missing && (err != nil || got != name):
				o.Errorf("%s is %q, %v", name, got, err)
			}
		}
	}
	if key == nil || total(o.acked) == 0 {
		return
	}
	sealed, err := awsapi.Do(root, front, kms.Encrypt, &kms.EncryptRequest{KeyId: key, Plaintext: []byte("again")})
	o.must(err)
	_, err = awsapi.Do(root, front, kms.Decrypt, &kms.DecryptRequest{CiphertextBlob: sealed.CiphertextBlob})
	o.must(err)
}
