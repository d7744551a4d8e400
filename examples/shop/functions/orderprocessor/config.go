package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// Parameters is the part of Parameter Store that is needed.
type Parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// Secrets is the part of Secrets Manager that is needed.
type Secrets interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Config is the guideline's ConfigurationService: parameters and secrets, each read
// when it is needed and then kept for a while. Every read costs time and money; what
// was changed or rotated must be noticed all the same.
type Config struct {
	Parameters Parameters
	Secrets    Secrets
	For        time.Duration // for how long a value is kept

	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	value string
	read  time.Time
}

// Parameter returns the value of a parameter, decrypted if it is a SecureString.
func (c *Config) Parameter(ctx context.Context, name string, now time.Time) (string, error) {
	return c.get("parameter "+name, now, func() (*string, error) {
		out, err := c.Parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		if err != nil {
			return nil, err
		}
		return out.Parameter.Value, nil
	})
}

// Secret returns the current value of a secret.
func (c *Config) Secret(ctx context.Context, id string, now time.Time) (string, error) {
	return c.get("secret "+id, now, func() (*string, error) {
		out, err := c.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
		if err != nil {
			return nil, err
		}
		return out.SecretString, nil
	})
}

// get returns what is kept, if it was read soon enough before now, or reads it. What
// could not be read is not kept.
func (c *Config) get(what string, now time.Time, read func() (*string, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kept[what]; ok && now.Sub(k.read) < c.For {
		return k.value, nil
	}
	v, err := read()
	if err != nil {
		return "", fmt.Errorf("read %s: %w", what, err)
	}
	if v == nil {
		return "", fmt.Errorf("read %s: it is no text", what)
	}
	if c.kept == nil {
		c.kept = map[string]kept{}
	}
	c.kept[what] = kept{*v, now}
	return *v, nil
}
