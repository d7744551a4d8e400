package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// Store is the part of Secrets Manager that is needed.
type Store interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Secret is a secret in Secrets Manager, read when it is needed and then kept for a
// while: every read costs time and money, and one that was rotated must be noticed.
type Secret struct {
	ID    string // name or ARN
	For   time.Duration
	Store Store

	mu   sync.Mutex
	key  []byte
	read time.Time
}

// Key implements Keeper.
func (s *Secret) Key(ctx context.Context, now time.Time) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil && now.Sub(s.read) < s.For {
		return s.key, nil
	}
	out, err := s.Store.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID})
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	if out.SecretString == nil {
		return nil, fmt.Errorf("read secret: it is no text")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(*out.SecretString, "whsec_"))
	if err != nil {
		return nil, fmt.Errorf("read secret: it is no base64")
	}
	s.key, s.read = key, now
	return key, nil
}
