package cloud

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/shapes/kms"
	"github.com/nube-run/nube/internal/awsapi/shapes/secretsmanager"
	"github.com/nube-run/nube/internal/awsapi/shapes/ssm"
	"github.com/nube-run/nube/internal/disk/disktest"
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
	first, seeds := environ(t, "NUBE_SEED", 1), environ(t, "NUBE_SEEDS", 10)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			o := &outage{T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 9)), dir: t.TempDir(), disk: disktest.NewMem(), http: http.DefaultClient}
			o.left = 1 + o.rng.IntN(150)
			o.open(o.disk)
			key := o.secrets()
			o.close()
			t.Logf("power failed with %d of %d acknowledged", total(o.acked), total(o.tried))
			o.open(o.after)
			o.checkSecrets(key)
			o.close()
		})
	}
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
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for {
				p := &o.tried[w]
				name := fmt.Sprintf("s-%d-%d", w, p.puts)
				p.puts++
				id, err := made()
				if err == nil && w == 0 && p.puts%3 == 0 {
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
				if err != nil {
					o.Errorf("writer %d: %v", w, err)
					return
				}
				if !o.acknowledged(&o.acked[w].puts) {
					return
				}
			}
		})
	}
	wg.Wait()
	if o.after == nil {
		o.Fatal("the writers gave up before the power failed")
	}
	return key
}

// checkSecrets reads what was acknowledged.
func (o *outage) checkSecrets(key *string) {
	o.Helper()
	front, root := o.cloud.front, o.cloud.asRoot(o.Context(), o.cloud.scope)
	for w := range writers {
		for n := range o.tried[w].puts {
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
			case missing && n < o.acked[w].puts:
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
