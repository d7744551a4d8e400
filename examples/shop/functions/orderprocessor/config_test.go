package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// stores are Parameter Store and Secrets Manager with one value, which count reads.
type stores struct {
	value     string // "": they fail
	reads     int
	decrypted bool
}

func (s *stores) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	s.reads++
	s.decrypted = aws.ToBool(in.WithDecryption)
	if s.value == "" {
		return nil, errors.New("no parameter")
	}
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Value: aws.String(*in.Name + "=" + s.value)}}, nil
}

func (s *stores) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	s.reads++
	if s.value == "" {
		return nil, errors.New("no secret")
	}
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(*in.SecretId + "=" + s.value)}, nil
}

// The guideline's cache says five minutes, and keeps its values for ever.
func TestConfigIsReadOnceInFiveMinutes(t *testing.T) {
	for kind, get := range map[string]func(*Config, string, time.Time) (string, error){
		"parameter": func(c *Config, name string, now time.Time) (string, error) {
			return c.Parameter(t.Context(), name, now)
		},
		"secret": func(c *Config, name string, now time.Time) (string, error) { return c.Secret(t.Context(), name, now) },
	} {
		t.Run(kind, func(t *testing.T) {
			s := &stores{}
			c := &Config{Parameters: s, Secrets: s, For: 5 * time.Minute}
			start := time.Unix(0, 0)
			for _, step := range []struct {
				after       time.Duration
				name, value string // what is there by then
				want        string // "": an error
				reads       int
			}{
				{after: 0, name: "a", value: "", want: "", reads: 1},
				{after: 0, name: "a", value: "one", want: "a=one", reads: 2}, // a failure is not kept
				{after: 5*time.Minute - 1, name: "a", value: "two", want: "a=one", reads: 2},
				{after: 5*time.Minute - 1, name: "b", value: "two", want: "b=two", reads: 3}, // each for itself
				{after: 5 * time.Minute, name: "a", value: "two", want: "a=two", reads: 4},
				{after: 10*time.Minute - 1, name: "a", value: "three", want: "a=two", reads: 4},
				{after: 10 * time.Minute, name: "a", value: "", want: "", reads: 5}, // what is old is not served
			} {
				s.value = step.value
				got, err := get(c, step.name, start.Add(step.after))
				if got != step.want || (err == nil) != (step.want != "") || s.reads != step.reads {
					t.Errorf("%s after %v: %q, %v, %d reads; want %q, %d reads", step.name, step.after, got, err, s.reads, step.want, step.reads)
				}
			}
			if kind == "parameter" && !s.decrypted {
				t.Error("SecureStrings are not decrypted")
			}
		})
	}
}
