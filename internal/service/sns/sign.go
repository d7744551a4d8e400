package sns

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

// signer signs messages as AWS does: RSA with SHA-1 in version 1, with SHA-256
// in version 2. Its key is made once for a cloud, when it is first needed.
//
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
type signer struct {
	db       *kv.DB
	home     space
	clock    *clock.Model
	endpoint string

	mu   sync.Mutex
	key  *rsa.PrivateKey
	cert []byte // DER
	url  string
}

// signerRow is the key and its certificate, both DER.
type signerRow struct{ Key, Cert []byte }

// open reads the key, or makes it.
func (g *signer) open(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.key != nil {
		return nil
	}
	var row signerRow
	read := func() (ok bool, err error) {
		err = g.db.View(ctx, func(snap *kv.Snap) error {
			ok, err = jsonrow.Get(snap, g.home.signer(), &row)
			return err
		})
		return ok, err
	}
	ok, err := read()
	if err != nil {
		return err
	}
	if !ok {
		fresh, err := g.make()
		if err != nil {
			return fmt.Errorf("sns: a key to sign with: %w", err)
		}
		_, err = g.db.Update(ctx, func(tx *kv.Tx) error {
			var other signerRow
			if ok, err := jsonrow.Get(tx, g.home.signer(), &other); err != nil || ok {
				return err
			}
			return jsonrow.Set(tx, g.home.signer(), fresh)
		})
		if err != nil {
			return err
		}
		if _, err := read(); err != nil {
			return err
		}
	}
	key, err := x509.ParsePKCS8PrivateKey(row.Key)
	if err != nil {
		return fmt.Errorf("sns: the key to sign with: %w", err)
	}
	sum := sha256.Sum256(row.Cert)
	g.key, g.cert = key.(*rsa.PrivateKey), row.Cert
	g.url = g.endpoint + certificatePrefix + hex.EncodeToString(sum[:16]) + certificateSuffix
	return nil
}

// make makes a key and a certificate of it, which certifies itself.
func (g *signer) make() (*signerRow, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	now := g.clock.Now().Time()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"nube"}},
		// Long enough for a clock that somebody moves.
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(100, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"sns.amazonaws.com"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return &signerRow{der, cert}, err
}

// sign signs a message with these texts.
func (g *signer) sign(ctx context.Context, m *message, texts ...string) error {
	if err := g.open(ctx); err != nil {
		return err
	}
	m.cert = g.url
	if m.signatures == nil {
		m.signatures = make(map[string]string, len(texts))
	}
	for _, text := range texts {
		if _, done := m.signatures[text]; done {
			continue
		}
		hash, sum := crypto.SHA1, []byte(nil)
		if m.version == "2" {
			s := sha256.Sum256(m.toSign(text))
			hash, sum = crypto.SHA256, s[:]
		} else {
			s := sha1.Sum(m.toSign(text))
			sum = s[:]
		}
		signature, err := rsa.SignPKCS1v15(nil, g.key, hash, sum)
		if err != nil {
			return fmt.Errorf("sns: signing: %w", err)
		}
		m.signatures[text] = base64.StdEncoding.EncodeToString(signature)
	}
	return nil
}

// The path of the certificate on the AWS endpoint.
const (
	certificatePrefix = "/SimpleNotificationService-"
	certificateSuffix = ".pem"
)

// IsCertificate reports whether a request is for the certificate that messages
// are signed with.
func IsCertificate(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, certificatePrefix) && strings.HasSuffix(r.URL.Path, certificateSuffix)
}

// ServeCertificate answers such a request.
func (s *Service) ServeCertificate(w http.ResponseWriter, r *http.Request) {
	if err := s.signer.open(r.Context()); err != nil {
		http.Error(w, "the certificate cannot be read", http.StatusInternalServerError)
		return
	}
	if !strings.HasSuffix(s.signer.url, r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", int(24*time.Hour/time.Second)))
	pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: s.signer.cert})
}
