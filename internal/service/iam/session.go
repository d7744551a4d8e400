package iam

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nube-run/nube/internal/arn"
	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/clock"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/policy"
)

// sessionPrefix begins the access key ids of temporary credentials.
const sessionPrefix = "ASIA"

// Grant is what a session stands for.
type Grant struct {
	Role   arn.ARN // of a role's session; "" for one of a user, the root or a federated user
	RoleID string
	Actor  awsapi.Actor // of GetSessionToken and GetFederationToken: who asked
	Name   string       // the session's name

	Policies       []string // session policy documents
	Tags           map[string]string
	Transitive     []string // keys of the tags that further sessions inherit
	SourceIdentity string
	Expires        clock.Instant
}

// Credentials are what a session's holder signs with.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    clock.Instant
}

// sealed is what a session token carries.
type sealed struct {
	Key        string            `json:"k"`
	Principal  arn.ARN           `json:"p"`
	Issuer     arn.ARN           `json:"i,omitempty"`
	UserID     string            `json:"u"`
	Name       string            `json:"n,omitempty"`
	Policies   []string          `json:"d,omitempty"`
	Tags       map[string]string `json:"t,omitempty"`
	Transitive []string          `json:"v,omitempty"`
	Source     string            `json:"s,omitempty"`
	Issued     clock.Instant     `json:"b"`
	Expires    clock.Instant     `json:"e"`
}

// Issue makes the credentials of a session, and says as whom they act. Nothing
// is stored: the token carries the session, sealed with AES-GCM under the
// account's master key, and the secret is derived from the key's id.
func (s *Service) Issue(g Grant) (Credentials, awsapi.Actor, error) {
	c := sealed{
		Key: newID(sessionPrefix), Name: g.Name, Policies: g.Policies, Tags: g.Tags, Transitive: g.Transitive, Source: g.SourceIdentity,
		Issued: s.clock.Now(), Expires: g.Expires,
	}
	scope := arn.Scope{Account: s.account}
	if g.Role != "" {
		c.Principal, c.Issuer = scope.AssumedRole(policyName(g.Role), g.Name), g.Role
		c.UserID = g.RoleID + ":" + g.Name
	} else {
		c.Principal, c.UserID = g.Actor.Principal.ARN, g.Actor.UserID
		if g.Name != "" {
			c.Principal, c.Issuer = scope.FederatedUser(g.Name), g.Actor.Principal.ARN
			c.UserID = s.account + ":" + g.Name
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		return Credentials{}, awsapi.Actor{}, err
	}
	aead, err := s.aead()
	if err != nil {
		return Credentials{}, awsapi.Actor{}, err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(text)+aead.Overhead())
	rand.Read(nonce)
	token := aead.Seal(nonce, nonce, text, nil)
	return Credentials{
		AccessKeyID: c.Key, SecretAccessKey: s.secretOf(c.Key), SessionToken: base64.StdEncoding.EncodeToString(token), Expires: c.Expires,
	}, s.actorOf(&c), nil
}

func (s *Service) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.master)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (s *Service) secretOf(key string) string {
	mac := hmac.New(sha256.New, s.master)
	mac.Write([]byte("session secret " + key))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))[:40]
}

func (s *Service) actorOf(c *sealed) awsapi.Actor {
	return awsapi.Actor{
		Account: s.account, UserID: c.UserID, KeyID: c.Key,
		Principal: policy.Principal{ARN: c.Principal, Issuer: c.Issuer},
		Session: &awsapi.Session{
			Name: c.Name, Policies: c.Policies, Tags: c.Tags, Transitive: c.Transitive, SourceIdentity: c.Source, Issued: c.Issued, Expires: c.Expires,
		},
	}
}

// openSession reads a session token. What a token says is not checked against
// the store: the policies of a role that is gone are empty.
func (s *Service) openSession(id, token string) (awsapi.Credential, bool, error) {
	raw, err := base64.StdEncoding.DecodeString(token)
	aead, aerr := s.aead()
	if aerr != nil {
		return awsapi.Credential{}, false, aerr
	}
	if err != nil || len(raw) < aead.NonceSize() {
		return awsapi.Credential{}, false, nil
	}
	text, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], nil)
	if err != nil {
		return awsapi.Credential{}, false, nil
	}
	var c sealed
	if err := json.Unmarshal(text, &c); err != nil || c.Key != id {
		return awsapi.Credential{}, false, nil
	}
	if c.Expires <= s.clock.Now() {
		return awsapi.Credential{}, false, fault.New("ExpiredToken", "The security token included in the request is expired")
	}
	return awsapi.Credential{Secret: s.secretOf(id), Actor: s.actorOf(&c)}, true, nil
}

// AssumableRole is what is needed to start a session of a role.
type AssumableRole struct {
	ARN        arn.ARN
	ID         string
	Trust      *policy.Doc
	MaxSession time.Duration
}

// Role returns a role by its ARN, nil when there is none. It must not be changed.
func (s *Service) Role(ctx context.Context, a arn.ARN) (*AssumableRole, error) {
	seen, epoch := s.cache.role(a)
	if seen != nil {
		return seen, nil
	}
	var e *entity
	err := s.db.View(ctx, func(sn *kv.Snap) (err error) {
		e, err = s.holderOf(sn, a)
		return err
	})
	if err != nil || e == nil || e.Kind != role {
		return nil, err
	}
	trust, err := policy.Parse(policy.Trust, e.Trust)
	if err != nil {
		return nil, fmt.Errorf("iam: trust policy of %s: %w", a, err)
	}
	r := &AssumableRole{ARN: a, ID: e.ID, Trust: trust, MaxSession: time.Duration(e.MaxSession) * time.Second}
	s.cache.store(epoch, func() { s.cache.roles[a] = r })
	return r, nil
}
